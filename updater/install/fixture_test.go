package install

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// site is one installed program with its state folder.
type site struct {
	testing.TB
	folder, state, target string
	old, new              []byte
}

// The two versions are scripts, so that they can be run as well.
func version(n string) []byte {
	return append([]byte("#!/bin/sh\necho '{\"version\": \""+n+"\", \"ok\": true}'\nexit 0\n"), bytes.Repeat([]byte("# the rest of "+n+"\n"), 500)...)
}

func newSite(t testing.TB) *site {
	t.Helper()
	dir := t.TempDir()
	s := &site{TB: t, folder: filepath.Join(dir, "bin"), state: filepath.Join(dir, "state"), old: version("1.0.0"), new: version("1.1.0")}
	s.target = filepath.Join(s.folder, "app")
	if err := os.Mkdir(s.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	s.write(s.target, s.old)
	if err := os.Chmod(s.target, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) open() *Install {
	s.Helper()
	i, err := Open(Options{Target: s.target, Dir: s.state})
	s.ok(err)
	s.Cleanup(i.Close)
	return i
}

func (s *site) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) is(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("got %v, want %v", err, want)
	}
}

func (s *site) write(path string, b []byte) {
	s.Helper()
	s.ok(os.WriteFile(path, b, 0o755))
}

// runs checks which version the target's path leads to.
func (s *site) runs(want []byte) {
	s.Helper()
	got, err := os.ReadFile(s.target)
	s.ok(err)
	if !bytes.Equal(got, want) {
		s.Fatalf("the target is not the expected version: %.60q", got)
	}
}

func (s *site) holds(dir string, want ...string) {
	s.Helper()
	entries, err := os.ReadDir(dir)
	s.ok(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.Fatalf("%s holds %v, want %v", filepath.Base(dir), got, want)
	}
}

// clean checks that nothing is left that a finished update does not need.
func (s *site) clean(i *Install, beside ...string) {
	s.Helper()
	s.holds(s.folder, append(beside, "app")...)
	s.holds(s.state, "downloads", "journal", "journal.lock", "lock", i.recordName())
	s.holds(filepath.Join(s.state, "downloads"))
}

func artifact(b []byte) Artifact { return Artifact{Length: int64(len(b)), SHA256: sha256.Sum256(b)} }
func blob(b []byte) release.Blob {
	return release.Blob{Path: "x", Length: int64(len(b)), SHA256: sha256.Sum256(b)}
}
func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func (s *site) codec() delta.Codec {
	c, ok := delta.ByName("bsdiff")
	if !ok {
		s.Fatal("no bsdiff")
	}
	return c
}

// patch puts a patch from a to b among the verified downloads.
func (s *site) patch(i *Install, a, b []byte) string {
	s.Helper()
	var out bytes.Buffer
	s.ok(s.codec().Diff(s.Context(), section(a), section(b), &out))
	return s.deliver(i, "p", out.Bytes())
}

func (s *site) full(i *Install, b []byte) string {
	s.Helper()
	var out bytes.Buffer
	s.ok(zstd.Compress(s.Context(), bytes.NewReader(b), &out, nil))
	return s.deliver(i, "f", out.Bytes())
}

func (s *site) deliver(i *Install, name string, b []byte) string {
	s.Helper()
	s.write(i.Download(name), b)
	path, err := i.Accept(name, blob(b))
	s.ok(err)
	return path
}

// stage brings the new version as far as Swap needs it.
func (s *site) stage(i *Install) {
	s.Helper()
	s.ok(i.Patch(s.Context(), s.codec(), s.patch(i, s.old, s.new), artifact(s.new)))
}

// goBack makes the kept version the program again.
func (s *site) goBack(i *Install) error {
	if _, err := i.GoBack(); err != nil {
		return err
	}
	if err := i.Swap(s.Context()); err != nil {
		return err
	}
	return i.Confirm()
}

func (s *site) back(i *Install) {
	s.Helper()
	s.ok(s.goBack(i))
}

func (s *site) missing(path string) {
	s.Helper()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		s.Fatalf("%s is still there: %v", path, err)
	}
}
