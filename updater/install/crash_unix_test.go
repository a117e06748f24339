//go:build unix

package install

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
)

// kill ends this process as nothing that runs in it can notice.
func kill() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// whole checks what a crash has left at the target's path.
func (s *site) whole() {
	s.Helper()
	got, err := os.ReadFile(s.target)
	s.ok(err)
	if !bytes.Equal(got, s.old) && !bytes.Equal(got, s.new) {
		s.Fatalf("the target is neither version: %.60q", got)
	}
	out, err := exec.Command(s.target).Output()
	if err != nil || !bytes.Contains(out, []byte(`"ok": true`)) {
		s.Fatalf("the target does not run: %q, %v", out, err)
	}
}
