//go:build unix

package install

import (
	"os"
	"path/filepath"
	"testing"
)

func TestModeIsKept(t *testing.T) {
	for _, mode := range []os.FileMode{0o755, 0o775, 0o700, 0o555, 0o644} {
		s := newSite(t)
		s.ok(os.Chmod(s.target, mode))
		i := s.open()
		for _, stage := range []func() error{
			func() error { return i.Patch(t.Context(), s.codec(), s.patch(i, s.old, s.new), artifact(s.new)) },
			func() error { return i.Unpack(t.Context(), s.full(i, s.new), artifact(s.new)) },
		} {
			s.ok(stage())
			info, err := os.Stat(i.Staged())
			s.ok(err)
			if got, want := info.Mode().Perm(), mode|0o500; got != want {
				t.Errorf("staged with %v, want %v", got, want)
			}
		}
		s.ok(i.Swap(t.Context()))
		s.ok(i.RollBack())
		info, err := os.Stat(s.target)
		s.ok(err)
		if got := info.Mode().Perm(); got != mode {
			t.Errorf("rolled back to %v, want %v", got, mode)
		}
	}
}

func TestSymbolicLinkToTheTarget(t *testing.T) {
	s := newSite(t)
	link := filepath.Join(t.TempDir(), "app")
	s.ok(os.Symlink(s.target, link))
	i, err := Open(Options{Target: link, Dir: s.state})
	s.ok(err)
	defer i.Close()
	if i.Target() != s.target {
		t.Errorf("the target is %s", i.Target())
	}
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	s.ok(i.Confirm())
	s.runs(s.new)
	if to, err := os.Readlink(link); err != nil || to != s.target {
		t.Errorf("the link leads to %s, %v", to, err)
	}
	s.clean(i, ".app.previous")
}

// The permission bits do not stop root, which tests often are; a folder that is a file stops everybody.
func TestStateFolderCannotBeMade(t *testing.T) {
	s := newSite(t)
	s.write(s.state, []byte("a file"))
	_, err := Open(Options{Target: s.target, Dir: filepath.Join(s.state, "updates")})
	s.is(err, ErrReadOnly)
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.ok(i.Writable())
	s.holds(s.folder, "app")
	// Removed under our feet, it takes no new files, whoever we are.
	s.ok(os.Rename(s.folder, s.folder+".away"))
	if err := i.Writable(); err == nil {
		t.Error("a folder that is gone passes for writable")
	}
}
