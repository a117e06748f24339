package durable_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

const limit = 1 << 10

func openLog(t testing.TB, root *os.Root) *durable.Log {
	t.Helper()
	l, err := durable.OpenLog(root, "log", 0o600, limit)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func records(t testing.TB, l *durable.Log) []string {
	t.Helper()
	var all []string
	for payload, err := range l.Records() {
		switch {
		case errors.Is(err, durable.ErrDamaged):
			all = append(all, "(damaged)")
		case err != nil:
			t.Fatal(err)
		default:
			all = append(all, string(payload))
		}
	}
	return all
}

func fill(t testing.TB, l *durable.Log, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := l.Append([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogKeepsOrder(t *testing.T) {
	root := openRoot(t)
	fill(t, openLog(t, root), "one", "two", strings.Repeat("x", limit))
	l := openLog(t, root)
	fill(t, l, "four")
	if got, want := records(t, l), []string{"one", "two", strings.Repeat("x", limit), "four"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestLogRefusesRecords(t *testing.T) {
	l := openLog(t, openRoot(t))
	for _, p := range [][]byte{nil, make([]byte, limit+1)} {
		if err := l.Append(p); !errors.Is(err, durable.ErrRecord) {
			t.Errorf("%d bytes: %v", len(p), err)
		}
	}
	if got := records(t, l); got != nil {
		t.Errorf("kept %q", got)
	}
}

// A crash during the append of the third record leaves any prefix of it, or zeros in the place of bytes that
// the disk never got.
func TestTornTailAtEveryByte(t *testing.T) {
	root := openRoot(t)
	l := openLog(t, root)
	fill(t, l, "first", "second")
	before, _ := root.ReadFile("log")
	fill(t, l, "third, the one that tears")
	after, _ := root.ReadFile("log")
	for cut := len(before); cut < len(after); cut++ {
		zeroed := append(slices.Clone(after[:cut]), make([]byte, len(after)-cut)...)
		for kind, torn := range map[string][]byte{"short": after[:cut], "zeroed": zeroed} {
			if err := root.WriteFile("log", torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := records(t, l); !slices.Equal(got, []string{"first", "second"}) {
				t.Fatalf("%s at %d, read before open: %q", kind, cut, got)
			}
			reopened := openLog(t, root)
			if got, _ := root.ReadFile("log"); !bytes.Equal(got, before) {
				t.Fatalf("%s at %d: open left %d bytes, want %d", kind, cut, len(got), len(before))
			}
			fill(t, reopened, "next")
			if got := records(t, reopened); !slices.Equal(got, []string{"first", "second", "next"}) {
				t.Fatalf("%s at %d: %q", kind, cut, got)
			}
		}
	}
}

// Another process may crash in its append while this one has the log open.
func TestAppendCutsATailTornMeanwhile(t *testing.T) {
	root := openRoot(t)
	l := openLog(t, root)
	fill(t, l, "one")
	f, err := root.OpenFile("log", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte{9, 0, 0, 0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	fill(t, l, "two")
	if got := records(t, l); !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("got %q", got)
	}
}

func TestDamageInTheMiddleLosesOneRecord(t *testing.T) {
	root := openRoot(t)
	l := openLog(t, root)
	fill(t, l, "one", "two", "three")
	b, _ := root.ReadFile("log")
	b[bytes.Index(b, []byte("two"))] ^= 0x40
	if err := root.WriteFile("log", b, 0o600); err != nil {
		t.Fatal(err)
	}
	l = openLog(t, root)
	fill(t, l, "four")
	if got, want := records(t, l), []string{"one", "(damaged)", "three", "four"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if err := l.Compact(func(p []byte) bool { return string(p) != "one" }); err != nil {
		t.Fatal(err)
	}
	fill(t, l, "five")
	if got, want := records(t, l), []string{"three", "four", "five"}; !slices.Equal(got, want) {
		t.Errorf("after compaction %q", got)
	}
}

func TestLogErrors(t *testing.T) {
	root := openRoot(t)
	if _, err := durable.OpenLog(root, "log", 0o600, 0); !errors.Is(err, durable.ErrRecord) {
		t.Errorf("no limit: %v", err)
	}
	if err := root.Mkdir("folder", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := durable.OpenLog(root, "folder", 0o600, limit); err == nil {
		t.Error("opened a folder as a log")
	}
	l := openLog(t, root)
	if err := root.Remove("log"); err != nil {
		t.Fatal(err)
	}
	for _, err := range l.Records() {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("missing file: %v", err)
		}
	}
	fill(t, l, "again") // a removed log starts anew
	if got := records(t, l); !slices.Equal(got, []string{"again"}) {
		t.Errorf("got %q", got)
	}
}

// Two processes append in turn, each driven line by line by this one, then both at once.
func TestTwoProcesses(t *testing.T) {
	root := openRoot(t)
	openLog(t, root)
	var in [2]io.WriteCloser
	var out [2]*bufio.Reader
	for i := range in {
		cmd := exec.Command(os.Args[0], "-test.run=^TestAppendingChild$")
		cmd.Env = append(os.Environ(), "DURABLE_CHILD="+root.Name())
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if in[i], err = cmd.StdinPipe(); err != nil {
			t.Fatal(err)
		}
		out[i] = bufio.NewReader(stdout)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Wait() })
	}
	say := func(i int, line string) {
		if _, err := fmt.Fprintln(in[i], line); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(i int, want string) {
		if got, err := out[i].ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("child %d: %q, %v", i, got, err)
		}
	}
	var want []string
	for n := range 20 {
		line := fmt.Sprintf("turn-%d", n)
		say(n%2, line)
		hear(n%2, line)
		want = append(want, line)
	}
	if got := records(t, openLog(t, root)); !slices.Equal(got, want) {
		t.Fatalf("in turn: %q", got)
	}
	for n := range 100 {
		say(0, fmt.Sprintf("a-%d", n))
		say(1, fmt.Sprintf("b-%d", n))
	}
	for i := range in {
		in[i].Close()
	}
	for n := range 100 {
		hear(0, fmt.Sprintf("a-%d", n))
		hear(1, fmt.Sprintf("b-%d", n))
	}
	if got := records(t, openLog(t, root)); len(got) != 220 {
		t.Fatalf("at once: %d records, want 220", len(got))
	}
}

func TestAppendingChild(t *testing.T) {
	dir := os.Getenv("DURABLE_CHILD")
	if dir == "" {
		t.Skip("runs only as a child of TestTwoProcesses")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, root)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fill(t, l, lines.Text())
		fmt.Println(lines.Text())
	}
	os.Exit(0)
}

func FuzzLog(f *testing.F) {
	root := openRoot(f)
	fill(f, openLog(f, root), "one", "two")
	good, _ := root.ReadFile("log")
	for _, seed := range [][]byte{nil, good, good[:len(good)-1], make([]byte, 40), append([]byte{0xff, 0xff, 0xff, 0xff}, good...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := root.WriteFile("log", content, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openLog(t, root)
		before := records(t, l)
		fill(t, l, "appended")
		if got := records(t, l); !slices.Equal(got, append(before, "appended")) {
			t.Fatalf("before %q, after an append %q", before, got)
		}
	})
}
