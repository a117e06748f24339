package install

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mount puts a file system of its own under the program's folder, or skips where that is not allowed.
func (s *site) mount(options string) (remount func(flags uintptr)) {
	s.Helper()
	err := unix.Mount("tesseract-test", s.folder, "tmpfs", 0, options)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		s.Skip("mounting needs root")
	}
	s.ok(err)
	s.Cleanup(func() { _ = unix.Unmount(s.folder, unix.MNT_DETACH) })
	s.write(s.target, s.old)
	return func(flags uintptr) {
		s.Helper()
		s.ok(unix.Mount("tesseract-test", s.folder, "tmpfs", unix.MS_REMOUNT|flags, options))
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	s := newSite(t)
	remount := s.mount("size=1m")
	i := s.open()
	path := s.patch(i, s.old, s.new)
	i.folder.Close() // an open folder forbids the remount
	remount(unix.MS_RDONLY)
	i = s.open()
	for name, err := range map[string]error{
		"Writable": i.Writable(),
		"Patch":    i.Patch(t.Context(), s.codec(), path, artifact(s.new)),
		"Unpack":   i.Unpack(t.Context(), s.full(i, s.new), artifact(s.new)),
	} {
		if !errors.Is(err, ErrReadOnly) || !strings.Contains(err.Error(), s.folder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := i.Recover()
	s.ok(err)
	s.runs(s.old)
}

func TestFullDisk(t *testing.T) {
	s := newSite(t)
	s.mount("size=64k")
	s.new = append(bytes.Clone(s.old), bytes.Repeat([]byte("more\n"), 20_000)...)
	i := s.open()
	s.is(i.Space(1<<20), ErrNoSpace)
	for name, stage := range map[string]func() error{
		"Patch":  func() error { return i.Patch(t.Context(), s.codec(), s.patch(i, s.old, s.new), artifact(s.new)) },
		"Unpack": func() error { return i.Unpack(t.Context(), s.full(i, s.new), artifact(s.new)) },
	} {
		err := stage()
		var full *NoSpaceError
		if !errors.As(err, &full) || full.Path != s.folder {
			t.Errorf("%s: %v", name, err)
		}
		s.is(i.Swap(t.Context()), ErrNotStaged)
		s.runs(s.old)
		s.holds(s.folder, "app")
	}
	// A release that fits goes through.
	s.new = version("1.2.0")
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
}

// The disk fills up between staging and swapping: the swap itself needs next to nothing.
func TestDiskFullAtSwap(t *testing.T) {
	s := newSite(t)
	s.mount("size=128k")
	i := s.open()
	s.stage(i)
	filler, err := os.Create(filepath.Join(s.folder, "filler"))
	s.ok(err)
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	s.is(err, unix.ENOSPC)
	s.ok(filler.Close())
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
	s.ok(i.RollBack())
	s.runs(s.old)
}
