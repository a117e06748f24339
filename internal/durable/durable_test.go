package durable_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

func openRoot(t testing.TB) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func names(t *testing.T, root *os.Root) []string {
	t.Helper()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func read(t *testing.T, root *os.Root, name string) string {
	t.Helper()
	b, err := root.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteFile(t *testing.T) {
	cases := []struct {
		name, file, before string
		perm               fs.FileMode
		prepare            func(*os.Root) error
		want               error
	}{
		{name: "new", file: "a", perm: 0o600},
		{name: "replaces", file: "a", before: "old", perm: 0o644},
		{name: "executable, whatever the umask", file: "a", before: "old", perm: 0o777},
		{name: "below a folder", file: "d/a", perm: 0o600, prepare: func(r *os.Root) error { return r.Mkdir("d", 0o700) }},
		{name: "no such folder", file: "d/a", perm: 0o600, want: fs.ErrNotExist},
		{name: "longest name", file: string(slices.Repeat([]byte("n"), 255)), perm: 0o600},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			root := openRoot(t)
			if c.prepare != nil {
				if err := c.prepare(root); err != nil {
					t.Fatal(err)
				}
			}
			if c.before != "" {
				if err := root.WriteFile(c.file, []byte(c.before), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := durable.WriteFile(root, c.file, []byte("content"), c.perm)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			if got := read(t, root, c.file); got != "content" {
				t.Errorf("content %q", got)
			}
			checkPerm(t, root, c.file, c.perm)
			if n := len(names(t, root)); n != 1 {
				t.Errorf("%d names left: %v", n, names(t, root))
			}
		})
	}
}

func TestNamesNeverLeaveTheRoot(t *testing.T) {
	root := openRoot(t)
	if err := durable.WriteFile(root, "../x", []byte("x"), 0o600); err == nil {
		t.Error("wrote outside")
	}
	if err := durable.WriteFile(root, "in", []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Rename(root, "in", "../out"); err == nil {
		t.Error("renamed to the outside")
	}
	if err := durable.Link(root, "in", "../out"); err == nil {
		t.Error("linked to the outside")
	}
}

func TestFailureKeepsOldContent(t *testing.T) {
	root := openRoot(t)
	if err := root.Mkdir("taken", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := root.WriteFile("taken/child", []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(root, "taken", []byte("new"), 0o600); err == nil {
		t.Fatal("a file replaced a folder")
	}
	if got := read(t, root, "taken/child"); got != "old" {
		t.Errorf("content %q", got)
	}
	if got := names(t, root); !slices.Equal(got, []string{"taken"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestAbortAndDoubleCommit(t *testing.T) {
	root := openRoot(t)
	f, err := durable.Create(root, "a", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	f.Abort()
	if got := names(t, root); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if err := f.Commit(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("commit after abort: %v", err)
	}
	if _, err := f.Write([]byte("x")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after abort: %v", err)
	}
}

func TestLink(t *testing.T) {
	for _, before := range []string{"nothing", "another file", "the same file"} {
		t.Run("over "+before, func(t *testing.T) {
			root := openRoot(t)
			if err := durable.WriteFile(root, "a", []byte("content"), 0o755); err != nil {
				t.Fatal(err)
			}
			var err error
			switch before {
			case "another file":
				err = durable.WriteFile(root, "b", []byte("other"), 0o600)
			case "the same file":
				err = durable.Link(root, "a", "b")
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := durable.Link(root, "a", "b"); err != nil {
				t.Fatal(err)
			}
			if got := read(t, root, "b"); got != "content" {
				t.Errorf("content %q", got)
			}
			checkPerm(t, root, "b", 0o755)
			if got := names(t, root); !slices.Equal(got, []string{"a", "b"}) {
				t.Errorf("names %v", got)
			}
			// Replacing one name must leave the other alone.
			if err := durable.WriteFile(root, "a", []byte("next"), 0o755); err != nil {
				t.Fatal(err)
			}
			if got := read(t, root, "b"); got != "content" {
				t.Errorf("kept copy became %q", got)
			}
		})
	}
	if err := durable.Link(openRoot(t), "missing", "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing source: %v", err)
	}
}

func TestRenameAcrossFolders(t *testing.T) {
	root := openRoot(t)
	for _, dir := range []string{"x", "y"} {
		if err := root.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.WriteFile(root, "x/a", []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(root, "y/b", []byte("b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.Rename(root, "x/a", "y/b"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, root, "y/b"); got != "a" {
		t.Errorf("content %q", got)
	}
}

func TestSweepTakesOnlyOldTemporaryFiles(t *testing.T) {
	root := openRoot(t)
	f, err := durable.Create(root, "young", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	young := names(t, root)[0]
	old := ".durable-0011223344556677.tmp"
	for _, name := range []string{old, "document.tmp"} {
		if err := root.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		past := time.Now().Add(-2 * time.Hour)
		if err := root.Chtimes(name, past, past); err != nil {
			t.Fatal(err)
		}
	}
	if err := durable.Sweep(root, ".", time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	want := []string{young, "document.tmp"}
	slices.Sort(want)
	if got := names(t, root); !slices.Equal(got, want) {
		t.Errorf("left %v, want %v", got, want)
	}
}

func TestLockExcludes(t *testing.T) {
	root := openRoot(t)
	first, err := durable.Acquire(root, "lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := durable.TryAcquire(root, "lock"); ok || err != nil {
		t.Fatalf("second holder: %v, %v", ok, err)
	}
	first.Release()
	second, ok, err := durable.TryAcquire(root, "lock")
	if !ok || err != nil {
		t.Fatalf("after release: %v, %v", ok, err)
	}
	second.Release()
}

func ExampleWriteFile() {
	dir, err := os.MkdirTemp("", "durable")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		panic(err)
	}
	defer root.Close()
	if err := durable.WriteFile(root, "settings.json", []byte(`{"theme":"dark"}`), 0o600); err != nil {
		panic(err)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "settings.json"))
	os.Stdout.Write(b)
	// Output: {"theme":"dark"}
}

func TestMkdirAll(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			t.Fatalf("no folder was made: %v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(top, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, blocked := range []string{"file", "file/below"} {
		if err := durable.MkdirAll(filepath.Join(top, blocked), 0o700); err == nil {
			t.Errorf("made %s, where a file is", blocked)
		}
	}
}
