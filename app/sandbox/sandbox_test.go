package sandbox

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/adrg/xdg"
)

func open(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Open(Options{App: "App", Base: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenFollowsXDG(t *testing.T) {
	base := t.TempDir()
	for _, name := range []string{"DATA", "CACHE", "CONFIG", "STATE"} {
		t.Setenv("XDG_"+name+"_HOME", filepath.Join(base, name))
	}
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	s, err := Open(Options{App: "App"})
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[*Folder]string{
		s.Documents():   "DATA/App/Documents",
		s.Cache():       "CACHE/App",
		s.Preferences(): "CONFIG/App",
		s.Snapshots():   "STATE/App/Snapshots",
		s.Updates():     "STATE/App/Updates",
	} {
		if want := filepath.Join(base, filepath.FromSlash(want)); folder.Path() != want {
			t.Errorf("%s is %s, want %s", folder.Kind(), folder.Path(), want)
		}
		info, err := os.Stat(folder.Path())
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has %v, want 0700", folder.Path(), info.Mode())
		}
	}
	if problems := s.Health(); problems != nil {
		t.Errorf("Health = %v", problems)
	}
}

func TestOpenRefusesAppNames(t *testing.T) {
	for _, app := range []string{"", "..", "a/b", "/a", "nul", "a."} {
		if _, err := Open(Options{App: app, Base: t.TempDir()}); err == nil {
			t.Errorf("Open accepted the app name %q", app)
		}
	}
}

func TestWidePermissionsAreNarrowed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no permission bits")
	}
	base := t.TempDir()
	if err := os.Mkdir(filepath.Join(base, "Documents"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.Documents().Path())
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := s.Documents().WriteFile("a/b/c.md", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"a": 0o700, "a/b": 0o700, "a/b/c.md": 0o600} {
		if info, err := s.Documents().Stat(name); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestBlockedFolderIsReportedAndHeals(t *testing.T) {
	base := t.TempDir()
	inTheWay := filepath.Join(base, "Snapshots")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	problems := s.Health()
	if len(problems) != 1 || problems[0].Folder != Snapshots || problems[0].Path != inTheWay || problems[0].Cause() != Blocked {
		t.Fatalf("Health = %v", problems)
	}
	if text := problems[0].Error(); !strings.Contains(text, "move that file away") || !strings.Contains(text, inTheWay) {
		t.Errorf("the error does not say what to do: %s", text)
	}
	var folder *FolderError
	if err := s.Snapshots().WriteFile("a", nil); !errors.As(err, &folder) || folder.Folder != Snapshots {
		t.Errorf("WriteFile = %v, want a FolderError", err)
	}
	if err := s.Documents().WriteFile("a", nil); err != nil {
		t.Errorf("the other folders stopped too: %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if err := s.Snapshots().WriteFile("a", []byte("x")); err != nil {
		t.Errorf("it did not heal: %v", err)
	}
	if problems := s.Health(); problems != nil {
		t.Errorf("Health after healing = %v", problems)
	}
}

func TestFolderRemovedWhileOpenIsMadeAgain(t *testing.T) {
	f := open(t).Documents()
	if err := f.WriteFile("a", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(f.Path()); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile("b", []byte("2")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(f.Path(), "b")); err != nil || string(data) != "2" {
		t.Fatalf("b is %q, %v", data, err)
	}
}

func TestReadOnlyFolderForOrdinaryUsers(t *testing.T) {
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("permission bits do not bind this user")
	}
	f := open(t).Documents()
	if err := os.Chmod(f.Path(), 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(f.Path(), 0o700) })
	var folder *FolderError
	if err := f.WriteFile("a", nil); !errors.As(err, &folder) || folder.Cause() != Forbidden {
		t.Errorf("WriteFile = %v", err)
	}
}

func TestLeftoversOfCrashesAreRemoved(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "Documents")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(dir, ".durable-0011223344556677.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := fileTime(t, left).Add(-2 * sweepAge)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{App: "App", Base: base}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the leftover is still there: %v", err)
	}
}
