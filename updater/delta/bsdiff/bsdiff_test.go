package bsdiff

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/gabstv/go-bsdiff/pkg/bspatch"
)

var old = []byte("The quick brown fox jumps over the lazy dog.")

func apply100(patch []byte) ([]byte, error) {
	var out bytes.Buffer
	err := Codec{}.Apply(context.Background(), section(old), bytes.NewReader(patch), 100, &out)
	return out.Bytes(), err
}

func TestHandmadePatch(t *testing.T) {
	p := handmade(t, 100, []entry{{20, 30, 4}, {0, 0, -24}, {40, 10, 4}}, make([]byte, 60), bytes.Repeat([]byte("x"), 40))
	got, err := apply100(p)
	want := string(old[:20]) + string(bytes.Repeat([]byte("x"), 30)) + string(old[:40]) + string(bytes.Repeat([]byte("x"), 10))
	if err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

// Every length that a patch can lie about. Those marked lethal crash go-bsdiff itself, which the test proves.
func TestLies(t *testing.T) {
	diff, extra := make([]byte, 40), make([]byte, 100)
	good := handmade(t, 100, []entry{{40, 60, 0}}, diff, extra)
	with := func(offset int, n int64) []byte {
		p := slices.Clone(good)
		copy(p[offset:], field(n))
		return p
	}
	entries := func(e ...entry) []byte { return handmade(t, 100, e, diff, extra) }
	cases := []struct {
		name   string
		patch  []byte
		lethal bool
	}{
		{"empty", nil, false},
		{"header only", good[:headerSize], false},
		{"header cut", good[:headerSize-1], false},
		{"another magic", append([]byte("BSDIFF41"), good[8:]...), false},
		{"result of more than memory", with(24, math.MaxInt64), true},
		{"result of one byte more", with(24, 101), false},
		{"result below zero", with(24, -1), false},
		{"control longer than the patch", with(8, int64(len(good))), false},
		{"control longer than anything", with(8, math.MaxInt64), false},
		{"control below zero", with(8, -1), false},
		{"difference longer than the patch", with(16, int64(len(good))), false},
		{"difference longer than anything", with(16, math.MaxInt64), false},
		{"difference below zero", with(16, -1), false},
		{"adds below zero", entries(entry{-1, 100, 0}), true},
		{"adds too much", entries(entry{101, 0, 0}), false},
		{"adds more than anything", entries(entry{10, 0, 0}, entry{math.MaxInt64, 0, 0}), true},
		{"adds past the old file", entries(entry{int64(len(old)) + 1, 0, 0}), false},
		{"inserts below zero", entries(entry{40, -1, 0}), true},
		{"inserts too much", entries(entry{40, 61, 0}), false},
		{"inserts more than anything", entries(entry{40, math.MaxInt64, 0}), true},
		{"moves before the old file", entries(entry{40, 0, -41}, entry{0, 60, 0}), false},
		{"moves past the old file", entries(entry{40, 0, 5}, entry{0, 60, 0}), false},
		{"moves around the number line", entries(entry{40, 0, math.MaxInt64}, entry{0, 60, math.MaxInt64}), false},
		{"ends too early", entries(entry{40, 59, 0}), false},
		{"no control", entries(), false},
		{"too little extra", handmade(t, 100, []entry{{40, 60, 0}}, diff, extra[:59]), false},
		{"control that goes on in the next stream", handmade(t, 100, []entry{{40, 0, 0}}, append(append(field(0), field(60)...), field(0)...), extra), false},
		{"too little difference", handmade(t, 100, []entry{{40, 60, 0}}, diff[:39], extra), false},
		{"control is no bzip2", append(slices.Clone(good[:headerSize]), bytes.Repeat([]byte("x"), 200)...), false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := apply100(c.patch)
			if !errors.Is(err, ErrCorrupt) || len(got) > 100 {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if c.lethal && !panics(func() { _, _ = bspatch.Bytes(old, c.patch) }) {
				t.Error("go-bsdiff survives this: the mark is out of date")
			}
		})
	}
}

func panics(do func()) (panicked bool) {
	defer func() { panicked = recover() != nil }()
	do()
	return false
}

// bzip2 packs this much of nothing into a few hundred bytes. Decoding it all would take hours.
func TestEntriesThatBurnTime(t *testing.T) {
	bomb := pack(t, io.LimitReader(zeros{}, 30<<20))
	p := append([]byte(magic), field(int64(len(bomb)))...)
	p = append(append(p, field(0)...), field(100)...)
	_, err := apply100(append(p, bomb...))
	if !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
	t.Logf("a patch of %d bytes", len(p)+len(bomb))
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTooLarge(t *testing.T) {
	huge := io.NewSectionReader(bytes.NewReader(nil), 0, math.MaxInt32+1)
	if err := (Codec{}).Diff(t.Context(), huge, section(nil), io.Discard); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

// Whatever the patch, Apply ends without a panic, never writes more than the signed size, and where it succeeds it
// agrees with go-bsdiff.
func FuzzApply(f *testing.F) {
	good := handmade(f, 100, []entry{{20, 30, 4}, {0, 0, -24}, {40, 10, 4}}, make([]byte, 60), bytes.Repeat([]byte("x"), 40))
	f.Add(good, uint16(100))
	f.Add(good[:60], uint16(100))
	f.Add(handmade(f, 0, nil, nil, nil), uint16(0))
	f.Add(handmade(f, 100, []entry{{-1, 100, 0}}, nil, make([]byte, 100)), uint16(100))
	f.Fuzz(func(t *testing.T, patch []byte, size uint16) {
		var out bytes.Buffer
		err := Codec{}.Apply(t.Context(), section(old), bytes.NewReader(patch), int64(size), &out)
		if out.Len() > int(size) || err == nil && out.Len() != int(size) {
			t.Fatalf("%d bytes of %d, %v", out.Len(), size, err)
		}
		if err != nil {
			return
		}
		want, err := reference(old, patch)
		if err == nil && !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("%q, go-bsdiff says %q", out.Bytes(), want)
		}
	})
}

// reference is go-bsdiff, whose panics are not what these tests are about.
func reference(old, patch []byte) (new []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it panics: %v", p)
		}
	}()
	return bspatch.Bytes(old, patch)
}

// FuzzBuild feeds the numbers of a control block alone, which bzip2's checksums otherwise hide from the fuzzer.
func FuzzBuild(f *testing.F) {
	f.Add(append(append(field(20), field(80)...), field(0)...), uint16(100))
	f.Add(append(append(field(-1), field(math.MaxInt64)...), field(math.MinInt64+1)...), uint16(100))
	f.Add(make([]byte, entrySize*3000), uint16(9))
	f.Fuzz(func(t *testing.T, control []byte, size uint16) {
		var out bytes.Buffer
		b := builder{ctx: t.Context(), old: section(old), difference: zeros{}, extra: zeros{}, out: bufio.NewWriter(&out),
			size: int64(size), buf: make([]byte, chunk), from: make([]byte, chunk)}
		err := b.build(bytes.NewReader(control))
		if b.newAt > b.size || b.oldAt < 0 || b.oldAt > int64(len(old)) || err == nil && b.newAt != b.size {
			t.Fatalf("at %d of %d and %d of %d, %v", b.newAt, b.size, b.oldAt, len(old), err)
		}
	})
}
