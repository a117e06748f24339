//go:build killmatrix

package install

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFaultAtEverySyscall does what TestKilledAtEveryStep does, at every single system call that changes the file
// system, by strace: there the child is killed, or the call fails in one of three ways. It takes minutes and
// needs ptrace, so it has a build tag: go test -tags killmatrix -run FaultAtEverySyscall ./updater/install
func TestFaultAtEverySyscall(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	calls := []string{"openat", "write", "pwrite64", "fsync", "renameat", "renameat2", "linkat", "unlinkat", "ftruncate", "fchmod", "fchmodat", "mkdirat"}
	for n, j := range jobs() {
		for _, fault := range []string{"signal=KILL", "error=ENOSPC", "error=EIO", "error=EACCES"} {
			t.Run(j.name+", "+fault, func(t *testing.T) {
				faults := 0
				for _, call := range calls {
					for at := 1; injected(t, strace, n, call, fault, at); at++ {
						faults++
					}
				}
				if faults < 10 {
					t.Errorf("%d faults only: strace did not do its work", faults)
				}
				t.Logf("%d faults", faults)
			})
		}
	}
}

// injected does job n in a child whose at-th call is a fault, checks what that left, and finishes the job; false
// when the child made fewer calls.
func injected(t *testing.T, strace string, n int, call, fault string, at int) bool {
	t.Helper()
	s := newSite(t)
	jobs()[n].prepare(s, s.open())
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command(strace, "-f", "-o", trace, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:%s:when=%d", call, fault, at),
		os.Args[0], "-test.run=^TestChildThatIsKilled$")
	cmd.Env = append(os.Environ(), "INSTALL_CHILD="+s.state, "INSTALL_TARGET="+s.target, "INSTALL_WHAT=run",
		fmt.Sprintf("INSTALL_JOB=%d", n), "INSTALL_AT=0")
	out, _ := cmd.CombinedOutput() // failing is what it is made to do
	b, err := os.ReadFile(trace)
	s.ok(err)
	if !strings.Contains(string(b), "INJECTED") && !strings.Contains(string(b), "killed by SIGKILL") {
		return false
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s %s at %d: %s\n%s", call, fault, at, out, b)
		}
	})
	s.whole()
	s.finish(jobs()[n])
	return true
}
