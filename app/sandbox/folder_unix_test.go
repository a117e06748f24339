//go:build unix

package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPipesAndDevicesAreRefused(t *testing.T) {
	f := open(t).Documents()
	if err := syscall.Mkfifo(filepath.Join(f.Path(), "pipe"), 0o600); err != nil {
		t.Skipf("no pipes here: %v", err)
	}
	if _, err := f.ReadFile("pipe", 1); !errors.Is(err, ErrNotPlain) {
		t.Errorf("read of a pipe: %v", err)
	}
	if _, err := f.ReadFile("folder", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read of nothing: %v", err)
	}
	if err := f.Mkdir("folder"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFile("folder", 1); !errors.Is(err, ErrNotPlain) {
		t.Errorf("read of a folder: %v", err)
	}
}

func TestCauses(t *testing.T) {
	for _, c := range []struct {
		err    error
		want   Cause
		remedy string
	}{
		{syscall.ENOSPC, Full, "free some space"},
		{syscall.EDQUOT, Full, "free some space"},
		{syscall.EROFS, ReadOnly, "read-only"},
		{syscall.EACCES, Forbidden, "give yourself the right"},
		{syscall.EPERM, Forbidden, "give yourself the right"},
		{syscall.ENOTDIR, Blocked, "move that file away"},
		{syscall.EIO, Other, "check that the disk"},
	} {
		err := &FolderError{Folder: Cache, Path: "/p", Err: fmt.Errorf("stage: %w", &fs.PathError{Op: "open", Path: "x", Err: c.err})}
		if err.Cause() != c.want {
			t.Errorf("%v: cause %s, want %s", c.err, err.Cause(), c.want)
		}
		if text := err.Error(); !strings.Contains(text, c.remedy) || !strings.Contains(text, "/p") {
			t.Errorf("%v: %s", c.err, text)
		}
	}
}
