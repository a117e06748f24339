//go:build unix

package durable_test

import (
	"errors"
	"os"
	"testing"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

func TestLinkTreeAndExchange(t *testing.T) {
	root := openRoot(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(root.MkdirAll("a/sub/empty", 0o755))
	must(root.WriteFile("a/sub/file", []byte("content"), 0o640))
	must(root.Symlink("sub/file", "a/link"))
	must(root.Chmod("a/sub", 0o500))
	must(durable.LinkTree(root, "a", "b"))
	for _, name := range []string{"b/sub/empty", "b/sub/file", "b/link"} {
		if _, err := root.Lstat(name); err != nil {
			t.Error(err)
		}
	}
	checkPerm(t, root, "b/sub", 0o500)
	checkPerm(t, root, "b/sub/file", 0o640)
	first, err := root.Stat("a/sub/file")
	must(err)
	if second, err := root.Stat("b/sub/file"); err != nil || !os.SameFile(first, second) {
		t.Errorf("the file is another one, %v", err)
	}
	if err := durable.LinkTree(root, "a", "b"); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a folder that is there: %v", err)
	}
	must(durable.Sync(root, "b"))
	if err := durable.Sync(root, "c"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("synced what is not there: %v", err)
	}

	must(root.WriteFile("c", []byte("a file"), 0o600))
	switch err := durable.Exchange(root, "a", "c"); {
	case errors.Is(err, errors.ErrUnsupported):
	case err != nil:
		t.Error(err)
	default:
		if b, err := root.ReadFile("a"); err != nil || string(b) != "a file" {
			t.Errorf("a is %q, %v", b, err)
		}
		if _, err := root.Lstat("c/sub/file"); err != nil {
			t.Error(err)
		}
	}
	if err := durable.Exchange(root, "b", "nothing"); err == nil {
		t.Error("exchanged with what is not there")
	}
}
