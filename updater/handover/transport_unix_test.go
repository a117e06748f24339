//go:build unix

package handover

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Sockets of processes that ended without a chance to remove them go with the next handover, and nothing else does.
func TestSocketsOfTheDeadAreSwept(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	dead := cmd.Process.Pid
	socket := func(name string) *net.UnixListener {
		t.Helper()
		l, err := net.Listen("unix", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		unix := l.(*net.UnixListener)
		unix.SetUnlinkOnClose(false)
		return unix
	}
	socket(fmt.Sprintf("handover-%d", dead)).Close()
	socket("handover-1").Close() // another process's
	socket("other").Close()
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("handover-%d0", dead)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, address, err := listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := os.Lstat(filepath.Join(dir, fmt.Sprintf("handover-%d", dead))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the dead process's socket is still there: %v", err)
	}
	for _, name := range []string{"handover-1", "other", fmt.Sprintf("handover-%d0", dead), filepath.Base(address)} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
