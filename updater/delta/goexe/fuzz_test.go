package goexe

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// FuzzApply feeds the patcher streams behind a head that fits. It may refuse them or make wrong bytes; it may not panic,
// write more than the signed size, or take more memory than promised.
func FuzzApply(f *testing.F) {
	old, new := sample.Pair(f, sample.Linux)
	patch, err := diff(f.Context(), section(old), section(new), nil)
	if err != nil {
		f.Fatal(err)
	}
	good, err := readContainer(bytes.NewReader(patch), uint64(len(new)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.numbers, []byte{}, uint32(len(new)))
	f.Add(good.numbers[:len(good.numbers)/2], bytes.Repeat([]byte{0}, 300), uint32(len(new)))
	f.Add(bytes.Repeat([]byte{0}, 500), []byte{0, 1, 2}, uint32(1<<20))
	f.Add(bytes.Repeat([]byte{0xff}, 500), []byte{}, uint32(1<<24))
	f.Add(wishes(f, old, new), []byte{}, uint32(len(new)))
	f.Fuzz(func(t *testing.T, numbers, literals []byte, size uint32) {
		if size > 1<<26 {
			size = uint32(len(new))
		}
		k := container{size: uint64(size), old: good.old, new: good.new, numbers: numbers}
		k.literals[int(size)%len(k.literals)] = literals
		patch := k.bytes()
		made := &counter{}
		took := taken(func() {
			_ = Codec{}.Apply(t.Context(), section(old), bytes.NewReader(patch), int64(size), made)
		})
		if made.n > int64(size) {
			t.Errorf("%d bytes written, %d signed", made.n, size)
		}
		if limit := uint64(len(old)) + uint64(size) + 64<<20; took > limit {
			t.Errorf("took %d bytes, may take %d", took, limit)
		}
	})
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

// taken returns how much memory was asked for in all, given back or not.
func taken(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// wishes is a stream that a greedy attacker would make: a good beginning, then as much work as there can be.
func wishes(f *testing.F, old, new []byte) []byte {
	before, err := open(old)
	if err != nil {
		f.Fatal(err)
	}
	after, err := open(new)
	if err != nil {
		f.Fatal(err)
	}
	plan, err := newPlan(f.Context(), before, after)
	if err != nil {
		f.Fatal(err)
	}
	for i := range plan.ops { // nothing fits where it is put
		plan.ops[i].Seek /= 2
	}
	p := pass{c: entropy.NewEncoder(), old: before, size: uint64(len(new)), plan: plan, lit: &literals{inline: true}, room: 1 << 40}
	_ = p.run(f.Context(), io.Discard)
	return p.c.Bytes()[:32<<10]
}
