package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func TestFullDiskKeepsTheOldText(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small disk cannot be mounted here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(disk, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: disk})
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(Options{Folder: s.Documents()})
	if err != nil {
		t.Fatal(err)
	}
	first, err := w.Write("a.md", "old text", "")
	if err != nil {
		t.Fatal(err)
	}
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	long := strings.Repeat("new text ", 2000)
	var problem *sandbox.FolderError
	if _, err := w.Write("a.md", long, first.Revision); !errors.As(err, &problem) || problem.Cause() != sandbox.Full {
		t.Errorf("saving on a full disk: %v", err)
	}
	if doc, err := w.Read("a.md"); err != nil || doc.Text != "old text" {
		t.Errorf("after that it is %q, %v", doc.Text, err)
	}
	if len(s.Health()) == 0 {
		t.Error("Health says that all is well")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write("a.md", long, first.Revision); err != nil {
		t.Errorf("saving when there is space again: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(s.Documents().Path(), ".durable-*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
