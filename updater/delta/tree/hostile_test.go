package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// What heads and records are made of.
func number(n uint64) string   { return string(binary.AppendUvarint(nil, n)) }
func text(s string) string     { return string(appendText(nil, s)) }
func op(code, n uint64) string { return number(n<<operationBits | code) }
func newPath(p string) string  { return number(0) + text(p) }
func modes(n, m uint64) string { return number(n) + number(m) }
func whole(head, records string) string {
	return magic + number(uint64(len(head))) + number(0) + head + records
}

// content is that of a new file which holds s.
func content(s string) string {
	sum := sha256.Sum256([]byte(s))
	return number(0) + number(uint64(len(s))) + string(sum[:])
}

func section(s string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(s), 0, int64(len(s)))
}

func frame(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	if err := zstd.Compress(t.Context(), strings.NewReader(s), &b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// site is a folder with an old tree and an empty one for the new; nothing else in it may change.
type site struct {
	where    string
	old, out *os.Root
	manifest Manifest // of the old tree: a (folder), a/b "old", c "kept"
}

func newSite(t testing.TB) site {
	t.Helper()
	s := site{where: t.TempDir()}
	for _, dir := range []string{"old", "old/a", "out"} {
		if err := os.Mkdir(filepath.Join(s.where, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for file, content := range map[string]string{"old/a/b": "old", "old/c": "kept", "beside": "not yours"} {
		if err := os.WriteFile(filepath.Join(s.where, file), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, root := range map[string]**os.Root{"old": &s.old, "out": &s.out} {
		r, err := os.OpenRoot(filepath.Join(s.where, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		*root = r
	}
	var err error
	if s.manifest, err = scanOld(t.Context(), s.old); err != nil {
		t.Fatal(err)
	}
	return s
}

// files returns what lies in the site, but for the new tree's folder.
func (s site) files(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(s.where, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "out" {
				return fs.SkipDir
			}
			all[path] = ""
			return nil
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Whoever makes these patches has the release key too: the digest of whatever comes out of the head is signed.
func TestHostileHeads(t *testing.T) {
	s := newSite(t)
	start := string(base(s.manifest))
	for name, head := range map[string]string{
		"nothing":                      "",
		"cut off in the base":          start[:4],
		"no count":                     start,
		"no entries":                   start + number(2),
		"a number without end":         start + strings.Repeat("\xff", 12),
		"too large a number":           start + number(1<<63),
		"too many entries":             start + number(MaxEntries+1) + op(opKeep, 3),
		"keeps nothing":                start + number(1) + op(opKeep, 0),
		"keeps more than there is":     start + number(9) + op(opKeep, 9),
		"keeps more than it has":       start + number(1) + op(opKeep, 3) + modes(3, 0o755),
		"skips nothing":                start + number(1) + op(opSkip, 0),
		"skips more than there is":     start + number(1) + op(opSkip, 4),
		"skips for ever":               start + number(1) + strings.Repeat(op(opSkip, 1), 9),
		"an unknown operation":         start + number(1) + op(6, 0),
		"another unknown operation":    start + number(1) + op(7, 1),
		"an argument where none is":    start + number(1) + op(opFolder, 1) + newPath("d") + modes(1, 0o755),
		"changes a folder":             start + number(1) + op(opChange, 0) + content("x") + modes(1, 0o644),
		"changes past the end":         start + number(1) + op(opSkip, 3) + op(opChange, 0) + content("x") + modes(1, 0o644),
		"shares more than there is":    start + number(1) + op(opFolder, 0) + number(1) + text("d") + modes(1, 0o755),
		"a path without end":           start + number(1) + op(opFolder, 0) + number(0) + number(200) + "d",
		"a path too long":              start + number(1) + op(opFolder, 0) + newPath(strings.Repeat("d", MaxPath+1)) + modes(1, 0o755),
		"content of a folder":          start + number(1) + op(opFile, 0) + newPath("f") + number(1) + modes(1, 0o644),
		"content of nothing":           start + number(1) + op(opFile, 0) + newPath("f") + number(4) + modes(1, 0o644),
		"half a hash":                  start + number(1) + op(opFile, 0) + newPath("f") + number(0) + number(1) + "half",
		"too long a file":              start + number(1) + op(opFile, 0) + newPath("f") + number(0) + number(MaxFile+1) + strings.Repeat("h", 32) + modes(1, 0o644),
		"too long a file by far":       start + number(1) + op(opFile, 0) + newPath("f") + number(0) + number(1<<63-1) + strings.Repeat("h", 32) + modes(1, 0o644),
		"no permissions":               start + number(1) + op(opFolder, 0) + newPath("d"),
		"permissions for none":         start + number(1) + op(opFolder, 0) + newPath("d") + modes(0, 0o755),
		"permissions for too many":     start + number(1) + op(opFolder, 0) + newPath("d") + modes(2, 0o755),
		"setuid":                       start + number(1) + op(opFile, 0) + newPath("f") + content("x") + modes(1, 0o4755),
		"a folder that none can enter": start + number(1) + op(opFolder, 0) + newPath("d") + modes(1, 0o400),
		"something follows":            start + number(1) + op(opFolder, 0) + newPath("d") + modes(1, 0o755) + "x",

		"up":                       start + number(1) + op(opFile, 0) + newPath("../beside") + content("x") + modes(1, 0o644),
		"up in the middle":         start + number(2) + op(opKeep, 1) + op(opFile, 0) + newPath("a/../../beside") + content("x") + modes(2, 0o755),
		"absolute":                 start + number(1) + op(opFile, 0) + newPath("/tmp/x") + content("x") + modes(1, 0o644),
		"a drive":                  start + number(1) + op(opFile, 0) + newPath(`C:\x`) + content("x") + modes(1, 0o644),
		"no folder around it":      start + number(1) + op(opFile, 0) + newPath("d/f") + content("x") + modes(1, 0o644),
		"lies in a file":           start + number(2) + op(opFile, 0) + newPath("d") + content("x") + op(opFile, 0) + newPath("d/f") + content("x") + modes(2, 0o755),
		"lies in a link":           start + number(3) + op(opKeep, 1) + op(opLink, 0) + newPath("l") + text("a") + op(opFile, 0) + newPath("l/f") + content("x") + modes(2, 0o755),
		"twice":                    start + number(2) + op(opFolder, 0) + newPath("d") + op(opFolder, 0) + newPath("d") + modes(2, 0o755),
		"not sorted":               start + number(2) + op(opFolder, 0) + newPath("e") + op(opFolder, 0) + newPath("d") + modes(2, 0o755),
		"twice but for case":       start + number(2) + op(opFolder, 0) + newPath("D") + op(opFolder, 0) + newPath("d") + modes(2, 0o755),
		"a link to above":          start + number(1) + op(opLink, 0) + newPath("l") + text(".."),
		"a link to elsewhere":      start + number(1) + op(opLink, 0) + newPath("l") + text("/etc"),
		"a link to itself":         start + number(1) + op(opLink, 0) + newPath("l") + text("l"),
		"a link to nowhere":        start + number(1) + op(opLink, 0) + newPath("l") + text("gone"),
		"out through links":        start + number(4) + op(opKeep, 1) + op(opLink, 0) + newPath("a/up") + text("..") + op(opLink, 0) + newPath("l") + text("a/up/..") + op(opFolder, 0) + newPath("z") + modes(2, 0o755),
		"a line feed in a path":    start + number(1) + op(opFolder, 0) + newPath("d\nd\t755\te") + modes(1, 0o755),
		"a path that is not UTF-8": start + number(1) + op(opFolder, 0) + newPath("\xff") + modes(1, 0o755),
	} {
		t.Run(name, func(t *testing.T) {
			var want Digest
			if items, err := decodeHead([]byte(head), s.manifest); err == nil {
				want = Manifest{entriesOf(items)}.Digest()
			}
			refuse(t, s, whole(head, ""), want, true)
		})
	}
}

// refuse holds Apply to ErrCorrupt and to leaving everything but out, and that too if untouched, as it was.
func refuse(t *testing.T, s site, patch string, want Digest, untouched bool) {
	t.Helper()
	before := s.files(t)
	_, err := Apply(t.Context(), s.old, strings.NewReader(patch), want, s.out)
	if !errors.Is(err, delta.ErrCorrupt) {
		t.Errorf("%v is not ErrCorrupt", err)
	}
	after := s.files(t)
	for path, content := range before {
		if after[path] != content {
			t.Errorf("%s changed", path)
		}
	}
	if len(after) != len(before) {
		t.Errorf("there were %d files, there are %d", len(before), len(after))
	}
	there, err := fs.ReadDir(s.out.FS(), ".")
	if err != nil || untouched && len(there) > 0 {
		t.Errorf("in the new tree's folder: %v, %v", there, err)
	}
}

// Here the head is right and the digest signed; what follows lies.
func TestHostileRecords(t *testing.T) {
	bsdiff, _ := delta.ByName("bsdiff")
	for name, records := range map[string]func(t *testing.T, delta string) string{
		"nothing":    func(*testing.T, string) string { return "" },
		"one of two": func(*testing.T, string) string { return text("") },
		"no rest":    func(*testing.T, string) string { return text("") + text("") },
		"a rest that is cut": func(t *testing.T, _ string) string {
			s := text("") + text("") + frame(t, "newnew file")
			return s[:len(s)-3]
		},
		"too short a rest": func(t *testing.T, _ string) string { return text("") + text("") + frame(t, "newnew fil") },
		"too long a rest":  func(t *testing.T, _ string) string { return text("") + text("") + frame(t, "newnew file!") },
		"another rest":     func(t *testing.T, _ string) string { return text("") + text("") + frame(t, "newNew file") },
		"swapped":          func(t *testing.T, _ string) string { return text("") + text("") + frame(t, "new filenew") },
		"something after":  func(t *testing.T, _ string) string { return text("") + text("") + frame(t, "newnew file") + "x" },
		"a second frame": func(t *testing.T, _ string) string {
			return text("") + text("") + frame(t, "newnew file") + frame(t, "x")
		},
		"a rest without files":  func(t *testing.T, d string) string { return d + d + frame(t, "x") },
		"an unknown codec":      func(*testing.T, string) string { return text("xdelta") + number(1) + number(1) + "x" },
		"too long a name":       func(*testing.T, string) string { return text("bsdiffbsdiffbsdiff") },
		"half a name":           func(*testing.T, string) string { return number(6) + "bsd" },
		"from a folder":         func(*testing.T, string) string { return text("bsdiff") + number(0) + number(1) + "x" },
		"from past the end":     func(*testing.T, string) string { return text("bsdiff") + number(3) + number(1) + "x" },
		"from far past the end": func(*testing.T, string) string { return text("bsdiff") + number(1<<62) + number(1) + "x" },
		"a long delta":          func(*testing.T, string) string { return text("bsdiff") + number(1) + number(1<<40) + "x" },
		"a delta that is cut":   func(_ *testing.T, d string) string { return d[:len(d)-5] },
		"an empty delta":        func(*testing.T, string) string { return text("bsdiff") + number(1) + number(0) },
		"a delta of noise":      func(*testing.T, string) string { return text("bsdiff") + number(1) + text("noisenoisenoisenoise") },
		"of something else":     func(_ *testing.T, d string) string { return d + strings.Replace(d, "bsdiff\x01", "bsdiff\x02", 1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			// a/b becomes "new", z "new file" comes in.
			head := string(base(s.manifest)) + number(4) + op(opKeep, 1) + op(opChange, 0) + content("new") + op(opKeep, 1) +
				op(opFile, 0) + newPath("z") + content("new file") + modes(4, 0o755)
			items, err := decodeHead([]byte(head), s.manifest)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := New(entriesOf(items))
			if err != nil {
				t.Fatal(err)
			}
			var made bytes.Buffer
			if err := bsdiff.Diff(t.Context(), section("old"), section("new"), &made); err != nil {
				t.Fatal(err)
			}
			good := text("bsdiff") + number(1) + text(made.String())
			refuse(t, s, whole(head, records(t, good)), signed.Digest(), false)

			fits := newSite(t)
			if _, err := Apply(t.Context(), fits.old, strings.NewReader(whole(head, good+text("")+frame(t, "new file"))), signed.Digest(), fits.out); err != nil {
				t.Errorf("the good one: %v", err)
			}
		})
	}
}
