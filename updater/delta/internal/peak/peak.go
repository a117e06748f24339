// Package peak measures, for tests, the most memory that a piece of work holds, in a process of its own: the collector,
// other tests and the runner's own heap stay out of the figure.
//
// A crash, or a test that is stopped, leaves nothing but a child that ends with its work.
package peak

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
)

const (
	childOf = "TESSERACT_PEAK_CHILD"
	mark    = "peak memory above idle in KiB:"
)

// Memory runs the calling test a second time, in a child that works up to this call, does the work, and ends. It returns
// the most resident memory of the child during work, in bytes, above what it held just before. A child whose work panics
// or fails the test fails the caller. Where the system cannot tell, the test is skipped.
func Memory(t *testing.T, work func()) int64 {
	t.Helper()
	if os.Getenv(childOf) == t.Name() {
		measure(t, work)
	}
	cmd := exec.Command(os.Args[0], "-test.run="+exactly(t.Name()), "-test.count=1")
	cmd.Env = append(os.Environ(), childOf+"="+t.Name())
	out, err := cmd.CombinedOutput()
	_, rest, found := bytes.Cut(out, []byte(mark))
	if err != nil || !found {
		if bytes.Contains(out, []byte("--- SKIP")) || err == nil {
			t.Skipf("the peak cannot be measured here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	n, err := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return n << 10
}

// exactly matches one test or subtest.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return strings.Join(parts, "/")
}

func measure(t *testing.T, work func()) {
	debug.FreeOSMemory()
	if err := reset(); err != nil {
		t.Skip(err)
	}
	idle, _, err := resident()
	if err != nil {
		t.Skip(err)
	}
	work()
	_, most, err := resident()
	if err != nil || t.Failed() {
		t.Fatal("failed in the child ", err)
	}
	fmt.Println(mark, most-idle)
	os.Exit(0)
}
