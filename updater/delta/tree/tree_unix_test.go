//go:build unix

package tree_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

// bundle is a macOS app with a framework, whose links lead through one another.
func bundle(version string, program []byte) []node {
	f := "Contents/Frameworks/X.framework/"
	return []node{
		dir("Contents"), dir("Contents/Frameworks"), dir("Contents/Frameworks/X.framework"),
		dir(f + "Versions"), dir(f + "Versions/" + version), exe(f+"Versions/"+version+"/X", bytesOf(3, 30_000)),
		link(f+"Versions/Current", version), link(f+"X", "Versions/Current/X"),
		file("Contents/Info.plist", "<plist>"+version+"</plist>"), dir("Contents/MacOS"), exe("Contents/MacOS/notes", program),
		{path: "Contents/sealed", mode: 0o444, content: []byte("read only")},
	}
}

func TestBundle(t *testing.T) {
	program := bytesOf(1, 60_000)
	old, new := plant(t, bundle("A", program)...), plant(t, bundle("B", edited(program))...)
	defer syscall.Umask(syscall.Umask(0o077))
	patch, signed := diff(t, old, new)
	if len(patch) > 1200 {
		t.Errorf("%d bytes", len(patch))
	}
	where := t.TempDir()
	out := plantIn(t, where)
	if _, err := tree.Apply(t.Context(), old, bytes.NewReader(patch), signed.Digest(), out); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(scan(t, out).Entries(), scan(t, new).Entries()) {
		t.Errorf("built\n%swant\n%s", scan(t, out).Encode(), scan(t, new).Encode())
	}
	through, err := os.ReadFile(filepath.Join(where, "Contents/Frameworks/X.framework/X"))
	if err != nil || !bytes.Equal(through, bytesOf(3, 30_000)) {
		t.Errorf("the link leads to %d bytes: %v", len(through), err)
	}
}

func TestPermissions(t *testing.T) {
	with := func(mode fs.FileMode) []node {
		return []node{{path: "d", mode: mode | 0o700}, {path: "d/f", mode: mode | 0o400, content: []byte("same")}}
	}
	for _, c := range [][2]fs.FileMode{{0, 0o777}, {0o777, 0}, {0o755, 0o711}, {0o644, 0o644}} {
		old, new := plant(t, with(c[0])...), plant(t, with(c[1])...)
		patch, signed := diff(t, old, new)
		// The old tree's permissions are of no importance.
		if err := old.Chmod("d/f", 0o640); err != nil {
			t.Fatal(err)
		}
		out := plant(t)
		if _, err := tree.Apply(t.Context(), old, bytes.NewReader(patch), signed.Digest(), out); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"d", "d/f"} {
			got, err := out.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := new.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if got.Mode() != want.Mode() {
				t.Errorf("%s has %v, want %v", path, got.Mode(), want.Mode())
			}
		}
	}
}

func TestScanRefuses(t *testing.T) {
	for name, plantIt := range map[string]func(where string) error{
		"a pipe":                 func(where string) error { return syscall.Mkfifo(filepath.Join(where, "x"), 0o600) },
		"setuid":                 func(where string) error { return special(where, fs.ModeSetuid) },
		"setgid":                 func(where string) error { return special(where, fs.ModeSetgid) },
		"a link to above":        func(where string) error { return os.Symlink("..", filepath.Join(where, "x")) },
		"an absolute link":       func(where string) error { return os.Symlink("/etc", filepath.Join(where, "x")) },
		"a link to nowhere":      func(where string) error { return os.Symlink("gone", filepath.Join(where, "x")) },
		"a name for Windows":     func(where string) error { return os.WriteFile(filepath.Join(where, "aux.c"), nil, 0o600) },
		"a folder that is fixed": func(where string) error { return os.Mkdir(filepath.Join(where, "x"), 0o500) },
	} {
		where := t.TempDir()
		root := plantIn(t, where)
		if err := plantIt(where); err != nil {
			t.Fatal(err)
		}
		if _, err := tree.Scan(t.Context(), root); !errors.Is(err, tree.ErrUnfit) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := tree.Diff(t.Context(), nil, root, delta.Codecs(), &bytes.Buffer{}, nil); !errors.Is(err, tree.ErrUnfit) {
			t.Errorf("diff, %s: %v", name, err)
		}
	}
}

func special(where string, bit fs.FileMode) error {
	path := filepath.Join(where, "x")
	if err := os.WriteFile(path, nil, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755|bit)
}
