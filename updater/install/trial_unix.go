//go:build unix

package install

import (
	"errors"
	"os/exec"
	"syscall"
)

// runGroup runs cmd as the leader of its own process group and kills the group when it is over.
func runGroup(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // none left is the usual case
	return err
}

func isBusy(err error) bool { return errors.Is(err, syscall.ETXTBSY) }
