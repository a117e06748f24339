package pcln

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

func TestInstructionsCoverAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		code := make([]byte, r.IntN(60))
		for i := range code {
			code[i] = byte(r.Uint32())
		}
		for _, arch := range []image.Arch{image.AMD64, image.ARM64} {
			size := uint32(r.IntN(80))
			at := uint32(0)
			for _, i := range appendInstructions(nil, arch, code, size) {
				if i.end <= at || i.end > size {
					t.Fatalf("% x: an instruction from %d to %d of %d", code, at, i.end, size)
				}
				at = i.end
			}
			if at != size {
				t.Fatalf("% x: ends at %d of %d", code, at, size)
			}
		}
	}
}

func TestSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 500 {
		var steps []step
		end, value := uint32(0), int32(math.MinInt32)
		for range 1 + r.IntN(20) {
			end += 1 + r.Uint32()>>(12+r.IntN(20))
			v := int32(r.Uint32()) >> r.IntN(32)
			if v == value {
				v++
			}
			steps, value = append(steps, step{v, end}), v
		}
		b := appendSteps(nil, steps)
		if n := tableEnd(append(b, 1, 2, 3)); n != len(b) {
			t.Fatalf("%v: ends at %d of %d", steps, n, len(b))
		}
		if firstValue(b) != steps[0].value {
			t.Fatalf("%v: starts with %d", steps, firstValue(b))
		}
		got, ok := parseSteps(nil, b)
		if !ok || !slices.Equal(got, steps) {
			// A change that does not fit the runtime's 32 bits cannot be read again.
			if ok || !wide(steps) {
				t.Fatalf("%v became %v", steps, got)
			}
		}
	}
	for name, b := range map[string][]byte{
		"empty": {}, "no end": {2, 1}, "more": {2, 1, 0, 0}, "no length": {2, 0, 0}, "long": {0x82, 0, 1, 0}, "far": {2, 0xff, 0xff, 0xff, 0xff, 0x1f, 0},
	} {
		if _, ok := parseSteps(nil, b); ok {
			t.Errorf("%s: accepted", name)
		}
	}
}

func wide(steps []step) bool {
	last := int64(-1)
	for _, s := range steps {
		if d := int64(s.value) - last; d != int64(int32(d)) {
			return true
		}
		last = int64(s.value)
	}
	return false
}

func TestSymbols(t *testing.T) {
	for _, counts := range []bool{false, true} {
		s := symbols{base: 1000, counts: counts, highest: 7}
		seen := map[uint32]bool{}
		for v := int32(-5); v < 2000; v++ {
			u := s.of(v)
			if u >= escape {
				continue
			}
			if seen[u] || s.value(u) != v {
				t.Errorf("%d is %d is %d", v, u, s.value(u))
			}
			seen[u] = true
		}
		if len(seen) == 0 {
			t.Error("no symbols at all")
		}
	}
}

func TestTexts(t *testing.T) {
	file := make([]byte, 1000)
	for i := range file {
		file[i] = byte(i * 7)
	}
	layout := &Layout{Entries: []uint32{0, 50, 120, 300, 310, 310, 700}}
	p := &pairs{layout: layout, classes: []uint8{level, mostly, alone, level, alone, partly}}
	for _, size := range []int{1, 3, 64, 1000} {
		w := newTexts(p)
		w.offset = 100
		for b := range slices.Chunk(file, size) {
			w.Write(b) //nolint:errcheck // it cannot fail
		}
		if w.size() != 640 || len(w.bytes) != 640 {
			t.Fatalf("keeps %d of %d bytes", len(w.bytes), w.size())
		}
		for i, class := range p.classes {
			start, end := layout.Entries[i], layout.Entries[i+1]
			got, want := w.between(start, end), file[100+start:100+end]
			if class == level {
				want = nil
			}
			if !bytes.Equal(got, want) {
				t.Errorf("in pieces of %d, function %d: %d bytes, not %d", size, i, len(got), len(want))
			}
		}
	}
}

func TestPlacerPlacesOnce(t *testing.T) {
	var out bytes.Buffer
	p := &placer{made: newIndex(0), carried: newIndex(0)}
	if err := p.begin(&out, 1<<16); err != nil {
		t.Fatal(err)
	}
	at := map[string]uint32{}
	for round := range 2 {
		for i := range 2000 {
			b := []byte{byte(i), byte(i >> 8), 1, 0}
			got, err := p.place(b)
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				at[string(b)] = got
			} else if at[string(b)] != got {
				t.Fatalf("table %d is at %d and at %d", i, at[string(b)], got)
			}
		}
	}
	if p.front != 1+4*2000 {
		t.Errorf("%d bytes", p.front)
	}
	if err := p.end(); err == nil {
		t.Error("half a table is taken for a whole one")
	}
	if _, err := p.place(make([]byte, 1<<16)); err == nil {
		t.Error("a table that does not fit was placed")
	}
}

func TestDrift(t *testing.T) {
	var d drift
	d.learn(100, 110)
	d.learn(200, 205)
	for v, want := range map[int32]int32{50: 60, 100: 110, 150: 160, 200: 205, 1000: 1005} {
		if got := d.predict(v); got != want {
			t.Errorf("%d became %d, not %d", v, got, want)
		}
	}
	for i := range int32(3 * maxPoints) {
		d.learn(i*2, i*3)
	}
	if len(d.at) > maxPoints {
		t.Errorf("%d points", len(d.at))
	}
}
