package bsdiff

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const bulk = 48 << 20

// The most memory that a process of its own holds while it applies a patch: old, new, patch, and little more.
func TestPeakMemory(t *testing.T) {
	if os.Getenv("BSDIFF_CHILD") != "" {
		t.Skip("the child does something else")
	}
	dir := t.TempDir()
	oldFile := make([]byte, bulk)
	for i := range oldFile {
		oldFile[i] = byte(i * i >> 7)
	}
	difference := make([]byte, bulk)
	for i := 0; i < len(difference); i += 5000 {
		difference[i] = 7
	}
	patch := handmade(t, bulk, []entry{{bulk / 2, 0, 0}, {bulk / 2, 0, 0}}, difference, nil)
	for name, b := range map[string][]byte{"old": oldFile, "patch": patch} {
		if err := os.WriteFile(dir+"/"+name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	idle, busy := peak(t, dir, "idle"), peak(t, dir, "apply")
	t.Logf("old %d MiB, new %d MiB, patch %d KiB: peak %.1f MiB above %.1f MiB idle", bulk>>20, bulk>>20, len(patch)>>10,
		float64(busy-idle)/(1<<20), float64(idle)/(1<<20))
	if limit := int64(2*bulk + len(patch) + 24<<20); busy-idle > limit {
		t.Errorf("%d MiB, at most %d", (busy-idle)>>20, limit>>20)
	}
}

func peak(t *testing.T, dir, what string) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildThatIsMeasured$")
	cmd.Env = append(os.Environ(), "BSDIFF_CHILD="+dir, "BSDIFF_WHAT="+what)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n, err := strconv.ParseInt(strings.Fields(string(out))[0], 10, 64)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return n << 10
}

func TestChildThatIsMeasured(t *testing.T) {
	dir := os.Getenv("BSDIFF_CHILD")
	if dir == "" {
		t.Skip("runs only as a child of TestPeakMemory")
	}
	if os.Getenv("BSDIFF_WHAT") == "apply" {
		applyFiles(t, dir)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fmt.Println(string(bytes.Fields(rest)[0]))
	os.Exit(0)
}

func applyFiles(t *testing.T, dir string) {
	oldFile, err := os.Open(dir + "/old")
	if err != nil {
		t.Fatal(err)
	}
	defer oldFile.Close()
	patch, err := os.Open(dir + "/patch")
	if err != nil {
		t.Fatal(err)
	}
	defer patch.Close()
	// selfupdate takes the result into a buffer of its own.
	var copied bytes.Buffer
	err = Codec{}.Apply(t.Context(), io.NewSectionReader(oldFile, 0, bulk), patch, bulk, reserve{&copied})
	if err != nil || copied.Len() != bulk {
		t.Fatal(copied.Len(), err)
	}
}

type reserve struct{ b *bytes.Buffer }

func (r reserve) Write(p []byte) (int, error) {
	r.b.Grow(len(p))
	return r.b.Write(p)
}
