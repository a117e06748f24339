package remap

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// twoSections is an image whose second section is partly in memory only, and what became of it.
func twoSections() (old *image.Image, new []image.Section) {
	old = &image.Image{Data: make([]byte, 0x6000), Sections: []image.Section{
		{Name: "text", Addr: 0x1000, MemSize: 0x2000, Off: 0x1000, FileSize: 0x2000},
		{Name: "data", Addr: 0x4000, MemSize: 0x9000, Off: 0x3000, FileSize: 0x3000},
	}}
	new = []image.Section{
		{Name: "text", Addr: 0x1000, MemSize: 0x3000, Off: 0x1000, FileSize: 0x3000},
		{Name: "data", Addr: 0x5000, MemSize: 0xa000, Off: 0x4000, FileSize: 0x3800},
	}
	return old, new
}

func TestPredict(t *testing.T) {
	old, new := twoSections()
	m := New(old, new, []Copy{{0x1100, 0x1140, 0x200}, {0x1180, 0x2000, 0x40}, {0x4010, 0x5020, 0x10}})
	m.Learn(0x8000, 0x9100)
	m.Learn(0x1200, 0x1999)
	for _, c := range []struct {
		target, want uint64
		confidence   Confidence
	}{
		{0x1000, 0x1000, Gap},
		{0x1100, 0x1140, Covered},
		{0x1190, 0x11d0, Covered}, // of two copies the longer one
		{0x1200, 0x1999, Learned},
		{0x12ff, 0x133f, Covered},
		{0x1300, 0x1340, Gap},
		{0x3000, 0x4000, None}, // the section's end
		{0x4000, 0x5000, Gap},
		{0x4015, 0x5025, Covered},
		{0x4100, 0x5110, Gap},
		{0x8000, 0x9100, BssExact},
		{0x8004, 0x9104, BssNear},
		{0x7010, 0x8110, BssNear},
		{0xd000, 0xf000, None}, // the last section's end
		{0, 0, None},
		{0xfff, 0xfff, None},
		{math.MaxUint64, 0x1fff, None},
	} {
		if got, confidence := m.Predict(c.target); got != c.want || confidence != c.confidence {
			t.Errorf("%#x became %#x (%d), not %#x (%d)", c.target, got, confidence, c.want, c.confidence)
		}
	}
}

// slow answers like a Map for what is in the file, by looking at everything.
func slow(old *image.Image, new []image.Section, copies []Copy, target uint64) (uint64, Confidence) {
	for i, s := range old.Sections {
		if target-s.Addr >= s.FileSize {
			continue
		}
		shift, confidence := new[i].Addr-s.Addr, Gap
		for at := target; ; at-- {
			best := -1
			for k, c := range copies {
				if at-c.Old < c.Size && c.Old >= s.Addr && (best < 0 || c.Size > copies[best].Size) {
					best = k
				}
			}
			if best >= 0 {
				shift = copies[best].New - copies[best].Old
				if at == target {
					confidence = Covered
				}
				break
			}
			if at == s.Addr {
				break
			}
		}
		return target + shift, confidence
	}
	return 0, None
}

func TestAgainstModel(t *testing.T) {
	old, new := twoSections()
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		var copies []Copy
		for range r.IntN(40) {
			copies = append(copies, Copy{0x800 + r.Uint64N(0x6800), r.Uint64N(0x10000), r.Uint64N(1 << r.IntN(13))})
		}
		m := New(old, new, copies)
		for range 300 {
			target := 0x1000 + r.Uint64N(0x2000)
			if r.IntN(2) == 0 {
				target = 0x4000 + r.Uint64N(0x3000)
			}
			got, sure := m.Predict(target)
			want, wanted := slow(old, new, copies, target)
			// Between two copies that moved alike a thing counts as copied.
			if got != want || sure != wanted && wanted != Gap {
				t.Fatalf("seed %d: %#x became %#x (%d), not %#x (%d)", seed, target, got, sure, want, wanted)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		ops        []Op
		old, plain uint64
		ok         bool
	}{
		"nothing":              {nil, 0, 0, true},
		"whole":                {[]Op{{10, 5, -10}, {10, 0, 0}}, 10, 25, true},
		"too short":            {[]Op{{10, 5, 0}}, 10, 16, false},
		"too long":             {[]Op{{10, 5, 0}}, 10, 14, false},
		"behind the old file":  {[]Op{{11, 0, 0}}, 10, 11, false},
		"seek behind":          {[]Op{{5, 0, 6}, {5, 0, 0}}, 10, 10, false},
		"seek before":          {[]Op{{5, 0, -6}, {5, 0, 0}}, 10, 10, false},
		"negative add":         {[]Op{{-1, 0, 0}}, 10, 0, false},
		"negative copy":        {[]Op{{0, -1, 0}}, 10, 0, false},
		"sums that wrap":       {[]Op{{1, math.MaxInt64, 0}, {0, math.MaxInt64, 0}, {0, 1, 0}}, 10, 0, false},
		"seeks that wrap":      {[]Op{{0, 0, math.MinInt64}, {0, 0, math.MinInt64}}, 10, 0, false},
		"more than it is good": {make([]Op, 5000), 10, 640, false},
	} {
		if err := Check(c.ops, c.old, c.plain); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCopies(t *testing.T) {
	old, new := twoSections()
	cut := []Span{{0x1800, 0x800}, {0x6000, 0x10}}
	// Old file: gap up to 0x1000, text up to 0x3000, data up to 0x6000. New: text from 0x1000, data from 0x4000.
	got, err := Copies(old.Sections, new, cut, []Op{{0x2000, 0x100, 0x800}, {0x1f00, 0, 0}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Copy{
		{0x1000, 0x1000, 0x800}, {0x1800, 0x2000, 0x800}, // around the first cut
		{0x2800, 0x2900, 0x800}, // the text's end
		{0x4000, 0x3100, 0xf00}, // into the new text
		{0x4f00, 0x5000, 0x800}, // and into the new data
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %#x, not %#x", got, want)
	}
}

// FuzzMap asks maps that are built from anything about anything.
func FuzzMap(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add(make([]byte, 200), binary.LittleEndian.AppendUint64(nil, 0x1100))
	f.Fuzz(func(t *testing.T, recipe, questions []byte) {
		old, new := twoSections()
		next := func() (v uint64) {
			if len(recipe) > 0 {
				n := min(int(recipe[0]&7)+1, len(recipe)-1)
				for _, b := range recipe[1 : 1+n] {
					v = v<<8 | uint64(b)
				}
				recipe = recipe[1+n:]
			}
			return v
		}
		for i := range new {
			new[i].Addr, new[i].Off, new[i].FileSize, new[i].MemSize = next(), next(), next(), next()
		}
		cut := []Span{{next(), next()}, {next(), next()}}
		var ops []Op
		for range next() % 20 {
			ops = append(ops, Op{int64(next()), int64(next()), int64(next())})
		}
		var copies []Copy
		if Check(ops, 0x6000, 1<<20) == nil {
			copies, _ = Copies(old.Sections, new, cut, ops)
		}
		for range next() % 20 {
			copies = append(copies, Copy{next(), next(), next()})
		}
		m := New(old, new, copies)
		for ; len(questions) >= 8; questions = questions[8:] {
			target := binary.LittleEndian.Uint64(questions)
			now, confidence := m.Predict(target)
			if confidence >= NumConfidences {
				t.Fatalf("confidence %d", confidence)
			}
			m.Learn(target, now+1)
			if again, c := m.Predict(target); (c == Learned || c == BssExact) && again != now+1 {
				t.Fatalf("%#x was forgotten", target)
			}
		}
	})
}

func BenchmarkPredict(b *testing.B) {
	old := &image.Image{Data: make([]byte, 64<<20), Sections: []image.Section{
		{Name: "text", Addr: 0x400000, MemSize: 64 << 20, Off: 0, FileSize: 64 << 20},
		{Name: "bss", Addr: 0x5000000, MemSize: 32 << 20},
	}}
	r := rand.New(rand.NewPCG(1, 2))
	var copies []Copy
	for at := uint64(0x400000); at < 0x4300000; {
		n := 64 + r.Uint64N(4000)
		copies = append(copies, Copy{at, at + r.Uint64N(1<<20), n})
		at += n + r.Uint64N(64)
	}
	m := New(old, old.Sections, copies)
	targets := make([]uint64, 1<<16)
	for i := range targets {
		targets[i] = 0x400000 + r.Uint64N(64<<20)
		if i%8 == 0 {
			targets[i] = 0x5000000 + r.Uint64N(1<<16)
			m.Learn(targets[i], targets[i]+64)
		}
	}
	b.ResetTimer()
	sum := uint64(0)
	for i := range b.N {
		now, _ := m.Predict(targets[i&0xffff])
		sum += now
	}
	_ = sum
}
