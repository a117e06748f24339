package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"vcm": func() {
		workFactor = 10
		main()
	}})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"program": program, "start": start, "get": get, "field": field, "mode": mode, "sha256": sum, "result": result, "goprogram": goProgram,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// program FILE VERSION [SIZE] writes a file that does not compress; two of them
// differ in their last bytes only.
func program(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: program FILE VERSION [SIZE]")
	}
	n := 40_000
	if len(args) > 2 {
		var err error
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), programBytes(args[1], n), 0o755))
}

func programBytes(version string, n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return slices.Concat(data, []byte("version "+version))
}

// start ARGS runs vcm serve until the script ends, and sets $FEED, $HEALTH and
// $VCM to what it says.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("start cannot be negated")
	}
	self, err := exec.LookPath("vcm")
	ts.Check(err)
	cmd := exec.Command(self, append([]string{"serve", "--json", "--addr", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "VCM_PASSPHRASE=")
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var said serveResult
	ts.Check(json.NewDecoder(bufio.NewReader(out)).Decode(&said))
	ts.Setenv("FEED", said.Feed)
	ts.Setenv("HEALTH", said.Health)
	ts.Setenv("METRICS", said.Metrics)
	ts.Setenv("VCM", strings.TrimSuffix(said.Feed, "/feed/"))
}

// get URL STATUS FILE asks once and keeps the body.
func get(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: get URL STATUS FILE")
	}
	resp, err := http.Get(args[0])
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o644))
	if strconv.Itoa(resp.StatusCode) != args[1] {
		ts.Fatalf("status %d, want %s: %s", resp.StatusCode, args[1], body)
	}
}

// field FILE KEY... [= WANT] walks a JSON document; "stdout" is the last output.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 4 || args[len(args)-2] != "=" {
		ts.Fatalf("usage: field FILE KEY... = WANT")
	}
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	for _, key := range args[1 : len(args)-2] {
		switch v := doc.(type) {
		case map[string]any:
			doc = v[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if i >= len(v) {
				ts.Fatalf("there are only %d", len(v))
			}
			doc = v[i]
		default:
			ts.Fatalf("%q is in nothing", key)
		}
	}
	got, err := json.Marshal(doc)
	ts.Check(err)
	if want := args[len(args)-1]; (string(got) == want || string(got) == strconv.Quote(want)) == neg {
		ts.Fatalf("got %s, want %s", got, want)
	}
}

// mode FILE MODE compares permissions; on Windows they mean nothing.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(filepath.Clean(ts.MkAbs(args[0])))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); os.PathSeparator == '/' && got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// sum FILE VARIABLE sets a variable to the file's SHA-256.
func sum(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sha256 FILE VARIABLE")
	}
	ts.Setenv(args[1], fmt.Sprintf("%x", sha256.Sum256([]byte(ts.ReadFile(args[0])))))
}

// result FILE KEY VARIABLE sets a variable to a field of a JSON document.
func result(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: result FILE KEY VARIABLE")
	}
	var doc map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	ts.Setenv(args[2], fmt.Sprint(doc[args[1]]))
}

// goProgram FILE VERSION builds a small Go program for Linux.
func goProgram(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: goprogram FILE VERSION")
	}
	src := ts.MkAbs("src")
	ts.Check(os.MkdirAll(src, 0o755))
	ts.Check(os.WriteFile(filepath.Join(src, "go.mod"), []byte("module sample\n"), 0o644))
	text := fmt.Sprintf("package main\n\nfunc main() { println(%q, len(%q)) }\n", "version "+args[1], args[1])
	ts.Check(os.WriteFile(filepath.Join(src, "main.go"), []byte(text), 0o644))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", ts.MkAbs(args[0]), ".")
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		ts.Fatalf("go build: %v: %s", err, out)
	}
}
