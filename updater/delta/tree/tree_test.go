package tree_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

func TestRoundTrips(t *testing.T) {
	program := bytesOf(1, 60_000)
	next := edited(program)
	for _, c := range []struct {
		name     string
		old, new []node
		most     int // bytes of the patch
	}{
		{"nothing at all", nil, nil, 30},
		{"the same", []node{dir("a"), exe("a/b", program)}, []node{dir("a"), exe("a/b", program)}, 30},
		{"from nothing", nil, []node{dir("a"), exe("a/b", program), file("a/c", "text")}, 30_000},
		{"to nothing", []node{dir("a"), exe("a/b", program)}, nil, 30},
		{"changed", []node{exe("a", program), file("b", "1.0.0")}, []node{exe("a", next), file("b", "1.0.1")}, 800},
		{"renamed", []node{exe("a", program)}, []node{dir("d"), exe("d/b", program)}, 40},
		{"renamed and changed", []node{exe("app-1.0.0", program)}, []node{exe("app-1.0.1", next)}, 700},
		{"copied", []node{exe("a", program)}, []node{exe("a", program), exe("b", program)}, 40},
		{"added and removed", []node{file("a", "x"), file("c", "z")}, []node{file("b", "y"), file("c", "z")}, 100},
		{"a folder becomes a file", []node{dir("a"), file("a/b", "x")}, []node{file("a", "x")}, 40},
		{"a file becomes a folder", []node{file("a", "x")}, []node{dir("a"), file("a/b", "x")}, 40},
		{"empty files and folders", []node{file("gone", ""), dir("d")}, []node{dir("d"), dir("d/e"), file("d/f", ""), file("g", "")}, 60},
		{"an empty file grows and shrinks", []node{file("a", ""), file("b", "text")}, []node{file("a", "text"), file("b", "")}, 60},
		{"order of bytes, not of folders", nil, []node{dir("a"), file("a-b", "1"), file("a.b", "2"), file("a/b", "3")}, 250},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, new := plant(t, c.old...), plant(t, c.new...)
			patch, signed := diff(t, old, new)
			if again, _ := diff(t, old, new); !bytes.Equal(patch, again) {
				t.Error("another patch for the same trees")
			}
			if len(patch) > c.most {
				t.Errorf("%d bytes, want at most %d", len(patch), c.most)
			}
			out := plant(t)
			m, err := tree.Apply(t.Context(), old, bytes.NewReader(patch), signed.Digest(), out)
			if err != nil {
				t.Fatal(err)
			}
			if m.Digest() != signed.Digest() || !slices.Equal(scan(t, out).Entries(), scan(t, new).Entries()) {
				t.Errorf("built\n%swant\n%s", scan(t, out).Encode(), scan(t, new).Encode())
			}
		})
	}
}

func TestNoOldTreeIsTheEmptyOne(t *testing.T) {
	new := plant(t, dir("a"), file("a/b", "text"))
	full, signed := diff(t, nil, new)
	if fromEmpty, _ := diff(t, plant(t), new); !bytes.Equal(full, fromEmpty) {
		t.Error("nil and the empty tree give different patches")
	}
	out := plant(t)
	if _, err := tree.Apply(t.Context(), nil, bytes.NewReader(full), signed.Digest(), out); err != nil {
		t.Fatal(err)
	}
	if scan(t, out).Digest() != signed.Digest() {
		t.Error("built something else")
	}
}

func TestChangedOldTree(t *testing.T) {
	program := bytesOf(1, 20_000)
	nodes := []node{exe("a", program), file("b", "kept")}
	patch, signed := diff(t, plant(t, nodes...), plant(t, exe("a", edited(program)), nodes[1]))
	for name, change := range map[string]func(where string) error{
		"content": func(where string) error { return os.WriteFile(filepath.Join(where, "b"), []byte("kepT"), 0o644) },
		"added":   func(where string) error { return os.WriteFile(filepath.Join(where, "c"), nil, 0o644) },
		"removed": func(where string) error { return os.Remove(filepath.Join(where, "b")) },
		"unfit":   func(where string) error { return os.WriteFile(filepath.Join(where, "\u200b"), nil, 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			where := t.TempDir()
			old := plantIn(t, where, nodes...)
			if err := change(where); err != nil {
				t.Fatal(err)
			}
			out := plant(t)
			if _, err := tree.Apply(t.Context(), old, bytes.NewReader(patch), signed.Digest(), out); !errors.Is(err, tree.ErrChanged) {
				t.Errorf("%v", err)
			}
			if left := scan(t, out).Entries(); len(left) > 0 {
				t.Errorf("wrote %v", left)
			}
		})
	}
}

func TestOtherRefusals(t *testing.T) {
	old := plant(t, file("a", "old"))
	patch, signed := diff(t, old, plant(t, file("a", "new")))
	full := plant(t, file("there", "before"))
	if _, err := tree.Apply(t.Context(), old, bytes.NewReader(patch), signed.Digest(), full); err == nil || errors.Is(err, delta.ErrCorrupt) {
		t.Errorf("into a folder that is not empty: %v", err)
	}
	if got := scan(t, full).Entries(); len(got) != 1 || got[0].SHA256 != sum([]byte("before")) {
		t.Errorf("it holds %v", got)
	}
	for name, c := range map[string]struct {
		patch io.Reader
		want  tree.Digest
	}{
		"another signed tree": {bytes.NewReader(patch), sum(nil)},
		"no patch":            {bytes.NewReader(nil), signed.Digest()},
		"text":                {bytes.NewReader([]byte("<!DOCTYPE html>")), signed.Digest()},
		"a newer format":      {bytes.NewReader(append([]byte("tree\x02"), patch[5:]...)), signed.Digest()},
		"without end":         {io.MultiReader(bytes.NewReader(patch), endless{}), signed.Digest()},
		"endless":             {endless{}, signed.Digest()},
	} {
		if _, err := tree.Apply(t.Context(), old, c.patch, c.want, plant(t)); !errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

var errDisk = errors.New("the disk failed")

type failing struct{ after int }

func (f *failing) Read(p []byte) (int, error) {
	if f.after == 0 {
		return 0, errDisk
	}
	f.after--
	return copy(p, "tree\x01"), nil
}
func (failing) Write([]byte) (int, error) { return 0, errDisk }

func TestADiskThatFailsIsNotABadPatch(t *testing.T) {
	old, new := plant(t), plant(t, file("a", "new"))
	for _, after := range []int{0, 1} {
		if _, err := tree.Apply(t.Context(), old, &failing{after}, sum(nil), plant(t)); !errors.Is(err, errDisk) || errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("apply: %v", err)
		}
	}
	if _, err := tree.Diff(t.Context(), old, new, nil, failing{}, nil); !errors.Is(err, errDisk) {
		t.Errorf("diff: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	old, new := plant(t, file("a", "old")), plant(t, file("a", "new"))
	patch, signed := diff(t, old, new)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tree.Apply(ctx, old, bytes.NewReader(patch), signed.Digest(), plant(t)); !errors.Is(err, context.Canceled) || errors.Is(err, delta.ErrCorrupt) {
		t.Errorf("apply: %v", err)
	}
	if _, err := tree.Diff(ctx, old, new, delta.Codecs(), io.Discard, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("diff: %v", err)
	}
	if _, err := tree.Scan(ctx, new); !errors.Is(err, context.Canceled) {
		t.Errorf("scan: %v", err)
	}
}

func TestProgress(t *testing.T) {
	program := bytesOf(1, 20_000)
	old := plant(t, exe("a", program), file("b", "kept"))
	new := plant(t, exe("a", edited(program)), file("b", "kept"), file("c", "new"))
	var told []tree.Progress
	if _, err := tree.Diff(t.Context(), old, new, delta.Codecs(), io.Discard, func(p tree.Progress) { told = append(told, p) }); err != nil {
		t.Fatal(err)
	}
	total := scan(t, new).Size()
	for n, p := range told {
		if p.Total != total || n > 0 && p.Done <= told[n-1].Done {
			t.Errorf("told %+v after %v", p, told[:n])
		}
	}
	if len(told) != 3 || told[2].Done != total {
		t.Errorf("told %v, want three files up to %d bytes", told, total)
	}
}

// stubborn is a codec that cannot make anything, and one that makes what does not fit.
type stubborn struct {
	delta.Codec
	wrong bool
}

func (s stubborn) Diff(_ context.Context, _, _ *io.SectionReader, patch io.Writer) error {
	if !s.wrong {
		return errors.New("not a file of mine")
	}
	_, err := patch.Write([]byte("x"))
	return err
}

func TestCodecsThatCannotArePassedOver(t *testing.T) {
	program := bytesOf(1, 20_000)
	old, new := plant(t, exe("a", program)), plant(t, exe("a", edited(program)))
	zstd, _ := delta.ByName("zstd")
	var patch bytes.Buffer
	m, err := tree.Diff(t.Context(), old, new, []delta.Codec{stubborn{zstd, false}, stubborn{zstd, true}}, &patch, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := plant(t)
	if _, err := tree.Apply(t.Context(), old, &patch, m.Digest(), out); err != nil || scan(t, out).Digest() != m.Digest() {
		t.Errorf("%v", err)
	}
}
