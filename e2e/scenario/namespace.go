//go:build linux

package scenario

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// Namespaced makes the app start behind shell commands, in a mount namespace of its own: full
// disks and read-only folders that only the app meets, that need no cleaning up, and that work
// for root too.
func (s *Stage) Namespaced(preamble string) { s.preamble = preamble }

// CanNamespace tells an error where the system does not let us make mount namespaces.
func CanNamespace() error {
	if out, err := exec.Command(unshare()[0], append(unshare()[1:], "true")...).CombinedOutput(); err != nil {
		return fmt.Errorf("no mount namespaces here: %s", out)
	}
	return nil
}

func unshare() []string {
	if os.Geteuid() == 0 {
		return []string{"unshare", "--mount"}
	}
	return []string{"unshare", "--mount", "--map-root-user"}
}

// command is what starts the app.
func (s *Stage) command() (name string, args []string) {
	if s.preamble == "" {
		return s.Executable(), nil
	}
	args = append(unshare()[1:], "sh", "-euc", s.preamble+"\nexec \"$0\"", s.Executable())
	return unshare()[0], args
}

// Inside runs shell commands where the app is.
func (s *Stage) Inside(ctx context.Context, a *App, commands string) error {
	args := []string{"--target", strconv.Itoa(a.PID), "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	_, err := desktop.Run(ctx, os.Environ(), nil, "nsenter", append(args, "sh", "-euc", commands)...)
	return err
}
