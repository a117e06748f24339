package bsdiff

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const bulk = 12 << 20

// The most memory that a process of its own holds while it applies a patch: the patch, the bzip2 streams, and
// here the result, since selfupdate collects it.
func TestPeakMemory(t *testing.T) {
	if os.Getenv("BSDIFF_CHILD") != "" {
		t.Skip("the child does something else")
	}
	dir := t.TempDir()
	oldFile := make([]byte, bulk)
	for i := range oldFile {
		oldFile[i] = byte(i * i >> 7)
	}
	// Noise, so that the bzip2 blocks are full ones and the patch is large.
	noise := rand.New(rand.NewPCG(1, 2))
	difference, extra := make([]byte, 3*bulk/4), make([]byte, bulk/4)
	for i := range extra {
		difference[i], extra[i] = byte(noise.Uint32())&3, byte(noise.Uint32())&15
	}
	patch := handmade(t, bulk, []entry{{bulk / 2, 0, 0}, {bulk / 4, bulk / 4, 0}}, difference, extra)
	for name, b := range map[string][]byte{"old": oldFile, "patch": patch} {
		if err := os.WriteFile(dir+"/"+name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	idle, busy := peak(t, dir, "idle"), peak(t, dir, "apply")
	t.Logf("old %d MiB, new %d MiB, patch %d KiB: peak %.1f MiB above %.1f MiB idle", bulk>>20, bulk>>20, len(patch)>>10,
		float64(busy-idle)/(1<<20), float64(idle)/(1<<20))
	if limit := int64(bulk + 3*len(patch) + 24<<20); busy-idle > limit {
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
	var copied bytes.Buffer
	copied.Grow(bulk)
	err = Codec{}.Apply(t.Context(), io.NewSectionReader(oldFile, 0, bulk), patch, bulk, &copied)
	if err != nil || copied.Len() != bulk {
		t.Fatal(copied.Len(), err)
	}
}
