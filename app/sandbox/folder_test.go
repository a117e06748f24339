package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func fileTime(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestFileLife(t *testing.T) {
	f := open(t).Documents()
	if err := f.WriteFile("a/b.md", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteFile("a/b.md", []byte("two")); err != nil {
		t.Fatal(err)
	}
	if data, err := f.ReadFile("a/b.md", 3); err != nil || string(data) != "two" {
		t.Errorf("read %q, %v", data, err)
	}
	if _, err := f.ReadFile("a/b.md", 2); !errors.Is(err, ErrTooLarge) {
		t.Errorf("read above the limit: %v", err)
	}
	if err := f.Rename("a/b.md", "c/d.md"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFile("a/b.md", 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of what was renamed: %v", err)
	}
	var seen []string
	if err := f.Walk(".", func(name string, _ fs.DirEntry, err error) error { seen = append(seen, name); return err }); err != nil {
		t.Fatal(err)
	}
	if want := []string{".", "a", "c", "c/d.md"}; !slices.Equal(seen, want) {
		t.Errorf("Walk saw %q, want %q", seen, want)
	}
	if entries, err := f.List("c"); err != nil || len(entries) != 1 || entries[0].Name() != "d.md" {
		t.Errorf("List = %v, %v", entries, err)
	}
	if err := f.Remove("c"); err == nil {
		t.Error("Remove took a folder that is not empty")
	}
	if err := f.Remove("c/d.md"); err != nil {
		t.Error(err)
	}
	if err := f.RemoveAll("c"); err != nil {
		t.Error(err)
	}
	if err := f.RemoveAll("never/was"); err != nil {
		t.Error(err)
	}
	if err := f.Mkdir("x/y"); err != nil {
		t.Error(err)
	}
	if err := f.WriteFile("x", nil); err == nil {
		t.Error("a file replaced a folder")
	}
	if err := f.WriteFile("file", nil); err != nil {
		t.Error(err)
	}
	if err := f.Mkdir("file/sub"); err == nil {
		t.Error("a folder was made below a file")
	}
}

// Every operation refuses what CheckName refuses: the table of names is in TestCheckNameRefuses.
func TestEveryOperationChecksNames(t *testing.T) {
	f := open(t).Documents()
	for what, op := range map[string]func(string) error{
		"ReadFile":   func(n string) error { _, err := f.ReadFile(n, 1); return err },
		"WriteFile":  func(n string) error { return f.WriteFile(n, nil) },
		"Remove":     f.Remove,
		"RemoveAll":  f.RemoveAll,
		"RenameFrom": func(n string) error { return f.Rename(n, "a") },
		"RenameTo":   func(n string) error { return f.Rename("a", n) },
		"Mkdir":      f.Mkdir,
		"Stat":       func(n string) error { _, err := f.Stat(n); return err },
		"Lstat":      func(n string) error { _, err := f.Lstat(n); return err },
		"List":       func(n string) error { _, err := f.List(n); return err },
		"Walk":       func(n string) error { return f.Walk(n, nil) },
	} {
		for _, name := range []string{"../a", "/a", "a\x00b", "nul", ""} {
			var refused *NameError
			if err := op(name); !errors.As(err, &refused) {
				t.Errorf("%s(%q) = %v, want a NameError", what, name, err)
			}
		}
	}
}

func TestLinksDoNotLeadOut(t *testing.T) {
	f := open(t).Documents()
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(f.Path(), name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	link(secret, "file")
	link(outside, "dir")
	link("../../../../../../../../etc/passwd", "up")
	link("..", "parent")
	link("loop", "loop")
	link("chain2", "chain1")
	link(outside, "chain2")

	for _, name := range []string{"file", "dir/secret", "up", "parent/x", "loop", "chain1/secret"} {
		if data, err := f.ReadFile(name, 100); err == nil {
			t.Errorf("read %s: %q", name, data)
		}
	}
	for _, name := range []string{"dir/new", "parent/new", "chain1/new", "loop/new"} {
		if err := f.WriteFile(name, []byte("x")); err == nil {
			t.Errorf("wrote %s", name)
		}
		if err := f.Mkdir(name); err == nil {
			t.Errorf("made %s", name)
		}
	}
	if err := f.RemoveAll("dir/secret"); err == nil {
		t.Error("removed through a link")
	}
	if err := f.Rename("dir/secret", "stolen"); err == nil {
		t.Error("renamed through a link")
	}
	if _, err := f.List("dir"); err == nil {
		t.Error("listed through a link")
	}
	var refused *NameError
	if _, err := f.ReadFile("file", 100); !errors.As(err, &refused) || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("the refusal does not say why: %v", err)
	}
	// Writing and removing a name that is a link concerns the link alone.
	if err := f.WriteFile("file", []byte("mine")); err != nil {
		t.Error(err)
	}
	if err := f.RemoveAll("dir"); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("the file outside is %q, %v", data, err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("outside holds %v", entries)
	}
}

func TestLinksInsideWork(t *testing.T) {
	f := open(t).Documents()
	if err := f.WriteFile("real/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(f.Path(), "alias")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if data, err := f.ReadFile("alias/a", 9); err != nil || string(data) != "x" {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestExclusiveAmongGoroutines(t *testing.T) {
	f := open(t).Documents()
	if err := f.WriteFile("n", []byte("0")); err != nil {
		t.Fatal(err)
	}
	const each = 25
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range each {
				if err := f.Exclusive(func() error { return increment(f) }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantCount(t, f, 4*each)
}

func increment(f *Folder) error {
	data, err := f.ReadFile("n", 20)
	if err != nil {
		return err
	}
	var n int
	if _, err := fmt.Sscan(string(data), &n); err != nil {
		return err
	}
	return f.WriteFile("n", fmt.Append(nil, n+1))
}

func wantCount(t *testing.T, f *Folder, want int) {
	t.Helper()
	data, err := f.ReadFile("n", 20)
	if err != nil || !bytes.Equal(data, fmt.Append(nil, want)) {
		t.Errorf("counted %s, %v; want %d", data, err, want)
	}
}

// The test binary starts itself as the other process.
func TestExclusiveAmongProcesses(t *testing.T) {
	const each = 50
	if base := os.Getenv("SANDBOX_TEST_BASE"); base != "" {
		s, err := Open(Options{App: "App", Base: base})
		if err != nil {
			t.Fatal(err)
		}
		for range each {
			if err := s.Documents().Exclusive(func() error { return increment(s.Documents()) }); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	base := t.TempDir()
	s, err := Open(Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Documents().WriteFile("n", []byte("0")); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 2 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestExclusiveAmongProcesses$")
		cmd.Env = append(os.Environ(), "SANDBOX_TEST_BASE="+base)
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	wantCount(t, s.Documents(), 2*each)
}
