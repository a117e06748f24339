package tree_test

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
)

// bench is a place to apply patches to one old tree again and again.
type bench struct {
	where  string
	old    *os.Root
	good   []byte
	signed tree.Digest
	before string // what lies in where, but for out
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{where: t.TempDir()}
	program := bytesOf(1, 4000)
	if err := os.WriteFile(filepath.Join(b.where, "beside"), []byte("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	under := filepath.Join(b.where, "old")
	if err := os.Mkdir(under, 0o700); err != nil {
		t.Fatal(err)
	}
	b.old = plantIn(t, under, dir("bin"), exe("bin/app", program), file("kept", "stays as it is"), file("notes", "version 1"), file("was", "moves"))
	new := plant(t, dir("bin"), exe("bin/app", edited(program)), dir("doc"), file("doc/is", "moves"), file("empty", ""), file("kept", "stays as it is"),
		file("notes", "version 2"), file("notes.de", "the second version"))
	var m tree.Manifest
	b.good, m = diff(t, b.old, new)
	b.signed, b.before = m.Digest(), b.around(t)
	return b
}

// around describes everything that no patch may change.
func (b *bench) around(t testing.TB) string {
	t.Helper()
	var all bytes.Buffer
	err := filepath.WalkDir(b.where, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch path {
		case b.where:
			return nil // its time changes with out
		case filepath.Join(b.where, "out"):
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String())
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			all.Write(content)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// try applies a patch. What comes out is an error of the right kind or exactly the signed tree.
func (b *bench) try(t testing.TB, patch []byte) error {
	t.Helper()
	where := filepath.Join(b.where, "out")
	if err := os.Mkdir(where, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(where)
	out, err := os.OpenRoot(where)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	m, err := tree.Apply(t.Context(), b.old, bytes.NewReader(patch), b.signed, out)
	switch {
	case err == nil && (m.Digest() != b.signed || scan(t, out).Digest() != b.signed):
		t.Fatalf("accepted, but built\n%s", scan(t, out).Encode())
	case err != nil && !errors.Is(err, delta.ErrCorrupt) && !errors.Is(err, tree.ErrChanged):
		t.Fatalf("%v is neither ErrCorrupt nor ErrChanged", err)
	}
	return err
}

// Ten thousand patches, each damaged in another way.
func TestMutatedPatches(t *testing.T) {
	b := newBench(t)
	if err := b.try(t, b.good); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 5))
	refused, changed, harmless := 0, 0, 0
	mutations := 10_000
	if testing.Short() {
		mutations = 1000
	}
	for i := range mutations {
		switch err := b.try(t, mutate(r, b.good, i)); {
		case err == nil:
			harmless++
		case errors.Is(err, tree.ErrChanged):
			changed++
		default:
			refused++
		}
		if i%1000 == 0 && b.around(t) != b.before {
			t.Fatalf("something outside of the new tree changed by mutation %d", i)
		}
	}
	if b.around(t) != b.before {
		t.Error("something outside of the new tree changed")
	}
	t.Logf("%d bytes: %d refused, %d taken for the patch of another tree, %d harmless", len(b.good), refused, changed, harmless)
	if refused+changed < mutations*9/10 {
		t.Errorf("only %d of %d mutations mattered: the table is too tame", refused+changed, mutations)
	}
}

func mutate(r *rand.Rand, good []byte, i int) []byte {
	p := bytes.Clone(good)
	at := r.IntN(len(p))
	switch i % 8 {
	case 0: // one bit anywhere
		p[at] ^= 1 << r.IntN(8)
	case 1: // one bit in the head
		p[r.IntN(min(200, len(p)))] ^= 1 << r.IntN(8)
	case 2: // cut short
		p = p[:at]
	case 3: // a number made huge
		copy(p[at:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, byte(r.IntN(256))})
	case 4: // a run of noise
		for j := at; j < min(at+1+r.IntN(64), len(p)); j++ {
			p[j] = byte(r.Uint32())
		}
	case 5: // a piece moved
		from := r.IntN(len(p))
		copy(p[at:], bytes.Clone(p[from:min(from+32, len(p))]))
	case 6: // a piece inserted
		p = append(p[:at:at], append(bytesOf(uint64(i), 1+r.IntN(40)), p[at:]...)...)
	default: // a piece removed
		p = append(p[:at:at], p[min(at+1+r.IntN(40), len(p)):]...)
	}
	return p
}

func FuzzApply(f *testing.F) {
	b := newBench(f)
	f.Add(b.good)
	f.Add(b.good[:len(b.good)/2])
	f.Add([]byte("tree\x01\x00\x00"))
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 8 {
		f.Add(mutate(r, b.good, i))
	}
	f.Fuzz(func(t *testing.T, patch []byte) {
		_ = b.try(t, patch)
		if b.around(t) != b.before {
			t.Fatal("something outside of the new tree changed")
		}
	})
}
