package install

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"golang.org/x/sys/windows"
)

// killedCode is the exit status of a child that was killed.
const killedCode = 99

// kill ends this process as nothing that runs in it can notice.
func kill() {
	_ = windows.TerminateProcess(windows.CurrentProcess(), killedCode)
	select {}
}

func killed(state *os.ProcessState) bool { return state.ExitCode() == killedCode }

// whole checks what a crash has left at the target's path. Between two renames that is nothing, and the old version is beside it.
func (s *site) whole() {
	s.Helper()
	got, err := os.ReadFile(s.target)
	if errors.Is(err, fs.ErrNotExist) {
		got, err = os.ReadFile(filepath.Join(s.folder, ".app.previous"))
		if err == nil && !bytes.Equal(got, s.old) {
			s.Fatalf("there is no target, and what is kept is not the old version: %.60q", got)
		}
	}
	s.ok(err)
	if !bytes.Equal(got, s.old) && !bytes.Equal(got, s.new) {
		s.Fatalf("the target is neither version: %.60q", got)
	}
}

// A crash in the middle of what selfupdate does leaves no target. The next start brings the old version back, and the update can be done again.
func TestKilledBetweenTwoRenames(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	i.point = func(step string) {
		if step != "intent" {
			return
		}
		s.ok(durable.Rename(i.folder, i.stagedName(), i.newName()))
		s.ok(durable.Rename(i.folder, i.base, i.previousName()))
		panic("killed")
	}
	func() {
		defer func() { _ = recover() }()
		_ = i.Swap(t.Context())
	}()
	s.missing(s.target)
	next := s.open()
	got, err := next.Recover()
	s.ok(err)
	if got.Outcome != SwapUndone {
		t.Errorf("recovered %+v", got)
	}
	s.runs(s.old)
	s.stage(next)
	s.ok(next.Swap(t.Context()))
	s.ok(next.Confirm())
	s.runs(s.new)
	s.clean(next, ".app.previous")
}
