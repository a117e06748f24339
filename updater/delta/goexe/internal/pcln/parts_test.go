package pcln

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

func TestInstructionsAMD64(t *testing.T) {
	for _, x := range []struct {
		code  []byte
		call  bool
		stack int16
	}{
		{code: []byte{0x90}},
		{code: []byte{0x55}, stack: 8},                              // push bp
		{code: []byte{0x5d}, stack: -8},                             // pop bp
		{code: []byte{0xc3}, stack: leaves},                         // ret
		{code: []byte{0xe8, 1, 2, 3, 4}, call: true},                // call
		{code: []byte{0xff, 0xd1}, call: true},                      // call cx
		{code: []byte{0x48, 0x83, 0xec, 0x18}, stack: 0x18},         // sub sp, 18
		{code: []byte{0x48, 0x83, 0xec, 0x80}, stack: -0x80},        // sub sp, -80
		{code: []byte{0x48, 0x81, 0xc4, 0, 1, 0, 0}, stack: -0x100}, // add sp, 100
		{code: []byte{0x48, 0x83, 0xc0, 0x18}},                      // add ax, 18
		{code: []byte{0x49, 0x3b, 0x66, 0x10}},                      // cmp sp, [r14+10]
		{code: []byte{0x0f, 0x84, 1, 2, 3, 4}},                      // je
		{code: []byte{0x76, 9}},                                     // jbe
		{code: []byte{0x48, 0x8d, 0x05, 1, 2, 3, 4}},                // lea ax, [ip+n]
		{code: []byte{0x48, 0x8b, 0x84, 0x24, 1, 2, 3, 4}},          // mov ax, [sp+n]
		{code: []byte{0x48, 0x8b, 0x04, 0x25, 1, 2, 3, 4}},          // mov ax, [n]
		{code: []byte{0x64, 0x48, 0x8b, 0x0c, 0x25, 1, 2, 3, 4}},    // mov cx, fs:[n]
		{code: []byte{0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8}},          // mov ax, n
		{code: []byte{0xb8, 1, 2, 3, 4}},                            // mov ax, n
		{code: []byte{0x66, 0xb8, 1, 2}},                            // mov ax, n
		{code: []byte{0x66, 0x41, 0xf7, 0xc0, 1, 0}},                // test r8, n
		{code: []byte{0x48, 0xf7, 0xd8}},                            // neg ax
		{code: []byte{0xf6, 0x40, 8, 1}},                            // test [ax+8], 1
		{code: []byte{0x48, 0xc7, 0x44, 0x24, 8, 1, 2, 3, 4}},       // mov [sp+8], n
		{code: []byte{0xc6, 0x44, 0x24, 8, 1}},                      // mov [sp+8], n
		{code: []byte{0xf2, 0x0f, 0x10, 0x44, 0x24, 8}},             // movsd
		{code: []byte{0x66, 0x0f, 0x3a, 0x63, 0xc1, 0}},             // pcmpistri
		{code: []byte{0xc5, 0xf8, 0x77}},                            // vzeroupper
		{code: []byte{0xc4, 0xe2, 0x7d, 0x58, 0x05, 1, 2, 3, 4}},    // vpbroadcastd
		{code: []byte{0xc4, 0xe3, 0x7b, 0xf0, 0xc0, 7}},             // rorx
		{code: []byte{0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x44, 0x24, 1}}, // vmovdqu64
		{code: []byte{0xf0, 0x48, 0x0f, 0xb1, 0x0a}},                // lock cmpxchg
	} {
		behind := append(bytes.Clone(x.code), 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90)
		i, n := instructionAMD64(behind)
		if n != len(x.code) || i.call != x.call || i.stack != x.stack {
			t.Errorf("% x: %d bytes, %+v", x.code, n, i)
		}
	}
}

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

func TestInstructionsARM64(t *testing.T) {
	for _, x := range []struct {
		word uint32
		want instruction
	}{
		{0x94000010, instruction{call: true}}, // bl
		{0xd63f0020, instruction{call: true}}, // blr x1
		{0xd65f03c0, instruction{stack: leaves}},
		{0xd10083ff, instruction{stack: 32}},  // sub sp, sp, #32
		{0x910083ff, instruction{stack: -32}}, // add sp, sp, #32
		{0xf81e0ffe, instruction{stack: 32}},  // str x30, [sp, #-32]!
		{0xf84207fe, instruction{stack: -32}}, // ldr x30, [sp], #32
		{0xd503201f, instruction{}},           // nop
	} {
		x.want.kind = kindOf(x.word >> 21)
		if got := instructionARM64(x.word); got != x.want {
			t.Errorf("%08x: %+v, not %+v", x.word, got, x.want)
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

func TestMixer(t *testing.T) {
	code := func(c *entropy.Coder, want []uint32) (got []uint32) {
		m := newMixer(12, 3*weightSets)
		for i, v := range want {
			h := hashes{uint32(i % 3), uint32(i % 5), 77, mix(1, 2, uint32(i%7), 0, 0)}
			got = append(got, m.symbol(c, &h, i%3*weightSets, v))
		}
		return got
	}
	r := rand.New(rand.NewPCG(3, 3))
	want := make([]uint32, 20_000)
	for i := range want {
		if want[i] = uint32(i % 3 * 40); r.IntN(10) == 0 {
			want[i] = r.Uint32N(256)
		}
	}
	e := entropy.NewEncoder()
	code(e, want)
	coded := e.Bytes()
	if got := code(entropy.NewDecoder(coded), make([]uint32, len(want))); !slices.Equal(got, want) {
		t.Error("came out otherwise")
	}
	if len(coded) > len(want)/4 {
		t.Errorf("%d bytes for %d numbers of which nine in ten can be foretold", len(coded), len(want))
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
