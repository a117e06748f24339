package delta_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// program makes something like an executable: runs of words from a small vocabulary, with addresses in between.
func program(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	var b []byte
	for len(b) < size {
		word := r.IntN(200)
		for range 4 + word%9 {
			b = append(b, byte(word*31), byte(word>>2))
		}
		b = append(b, byte(len(b)), byte(len(b)>>8), byte(len(b)>>16), 0)
	}
	return b[:size]
}

// edited inserts, deletes and changes a few places.
func edited(old []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 9))
	b := bytes.Clone(old)
	for range 6 {
		at := r.IntN(len(b) - 64)
		switch r.IntN(3) {
		case 0:
			b = append(b[:at], append(program(seed, 50), b[at:]...)...)
		case 1:
			b = append(b[:at], b[at+40:]...)
		default:
			b[at] ^= 0xff
		}
	}
	return b
}

// diff makes a patch, or skips the test where the codec is for other files: then its own folder does as much.
func diff(t testing.TB, c delta.Codec, old, new []byte) []byte {
	t.Helper()
	var patch bytes.Buffer
	err := c.Diff(t.Context(), section(old), section(new), &patch)
	if errors.Is(err, delta.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return patch.Bytes()
}

func each(t *testing.T, do func(t *testing.T, c delta.Codec)) {
	for _, c := range delta.Codecs() {
		t.Run(c.Name(), func(t *testing.T) { do(t, c) })
	}
}

func TestEveryCodecRebuilds(t *testing.T) {
	old := program(1, 60_000)
	cases := []struct {
		name     string
		old, new []byte
	}{
		{"edited", old, edited(old, 2)},
		{"same", old, old},
		{"unrelated", old, program(99, 50_000)},
		{"much longer", old[:100], old},
		{"much shorter", old, old[:100]},
		{"from nothing", nil, old[:5000]},
		{"to nothing", old[:5000], nil},
		{"nothing at all", nil, nil},
		{"one byte", []byte{1}, []byte{2}},
		{"zeros", make([]byte, 5000), make([]byte, 7000)},
	}
	each(t, func(t *testing.T, c delta.Codec) {
		for _, tc := range cases {
			patch := diff(t, c, tc.old, tc.new)
			var out bytes.Buffer
			if err := c.Apply(t.Context(), section(tc.old), bytes.NewReader(patch), int64(len(tc.new)), &out); err != nil {
				t.Errorf("%s: %v", tc.name, err)
			} else if !bytes.Equal(out.Bytes(), tc.new) {
				t.Errorf("%s: rebuilt something else", tc.name)
			}
		}
	})
}

func TestPatchIsSmall(t *testing.T) {
	old := program(1, 200_000)
	new := edited(old, 2)
	each(t, func(t *testing.T, c delta.Codec) {
		if n := len(diff(t, c, old, new)); n > 4000 {
			t.Errorf("%d bytes for a few edits", n)
		}
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		patch := diff(t, c, old, new)
		for _, size := range []int64{-1, 0, int64(len(new)) - 1, int64(len(new)) + 1, 1 << 28} {
			var out bytes.Buffer
			err := c.Apply(t.Context(), section(old), bytes.NewReader(patch), size, &out)
			if !errors.Is(err, delta.ErrCorrupt) {
				t.Errorf("signed size %d: %v", size, err)
			}
			if int64(out.Len()) > max(size, 0) {
				t.Errorf("signed size %d: wrote %d", size, out.Len())
			}
		}
		endless := io.MultiReader(bytes.NewReader(patch), zeros{})
		if err := c.Apply(t.Context(), section(old), endless, int64(len(new)), io.Discard); !errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("a patch without end: %v", err)
		}
		if err := c.Apply(t.Context(), section(old[1:]), bytes.NewReader(patch), int64(len(new)), io.Discard); err != nil && !errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("another old file: %v", err)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var errDisk = errors.New("the disk failed")

type failing struct{}

func (failing) Read([]byte) (int, error)          { return 0, errDisk }
func (failing) ReadAt([]byte, int64) (int, error) { return 0, errDisk }
func (failing) Write([]byte) (int, error)         { return 0, errDisk }

func TestADiskThatFailsIsNotABadPatch(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		size := int64(len(new))
		patch := diff(t, c, old, new)
		broken := io.NewSectionReader(failing{}, 0, int64(len(old)))
		for name, err := range map[string]error{
			"old":   c.Apply(t.Context(), broken, bytes.NewReader(patch), size, io.Discard),
			"patch": c.Apply(t.Context(), section(old), failing{}, size, io.Discard),
			"out":   c.Apply(t.Context(), section(old), bytes.NewReader(patch), size, failing{}),
		} {
			if !errors.Is(err, errDisk) || errors.Is(err, delta.ErrCorrupt) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, err := range map[string]error{
			"old":   c.Diff(t.Context(), broken, section(new), io.Discard),
			"new":   c.Diff(t.Context(), section(old), broken, io.Discard),
			"patch": c.Diff(t.Context(), section(old), section(new), failing{}),
		} {
			if !errors.Is(err, errDisk) {
				t.Errorf("diff, %s: %v", name, err)
			}
		}
	})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	each(t, func(t *testing.T, c delta.Codec) {
		old, _ := sample(t, c)
		patch := diff(t, c, old, old)
		if err := c.Apply(ctx, section(old), bytes.NewReader(patch), int64(len(old)), io.Discard); !errors.Is(err, context.Canceled) || errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("apply: %v", err)
		}
		if err := c.Diff(ctx, section(old), section(old), io.Discard); !errors.Is(err, context.Canceled) {
			t.Errorf("diff: %v", err)
		}
	})
}

func TestByName(t *testing.T) {
	for _, c := range delta.Codecs() {
		if got, ok := delta.ByName(c.Name()); !ok || got.Name() != c.Name() {
			t.Errorf("%s is not found by its name", c.Name())
		}
	}
	if _, ok := delta.ByName("xdelta"); ok {
		t.Error("found a codec that does not exist")
	}
}

func TestPatcher(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		patch := diff(t, c, old, new)
		var out bytes.Buffer
		p := delta.NewPatcher(t.Context(), c, int64(len(new)))
		if err := p.Patch(bytes.NewReader(old), &out, bytes.NewReader(patch)); err != nil || !bytes.Equal(out.Bytes(), new) {
			t.Errorf("%v", err)
		}
		if err := p.Patch(strings.NewReader("x"), &out, strings.NewReader("no patch")); !errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("a bad patch: %v", err)
		}
		if err := p.Patch(zeros{}, &out, bytes.NewReader(patch)); err == nil {
			t.Error("patched a stream")
		}
	})
}

func TestApplySum(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		patch := diff(t, c, old, new)
		var made bytes.Buffer
		sum, err := delta.ApplySum(t.Context(), c, section(old), bytes.NewReader(patch), int64(len(new)), &made)
		if err != nil || !bytes.Equal(made.Bytes(), new) || sum != sha256.Sum256(old) {
			t.Errorf("made %d bytes of %d, the old file is %x: %v", made.Len(), len(new), sum, err)
		}
		_, err = delta.ApplySum(t.Context(), c, section(old), bytes.NewReader(patch[:len(patch)/2]), int64(len(new)), io.Discard)
		if !errors.Is(err, delta.ErrCorrupt) {
			t.Errorf("half a patch: %v", err)
		}
	})
}
