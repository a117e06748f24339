package match

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// textOf makes a text of bytes with references of four bytes at the given places.
func textOf(b []byte, at ...int) *text {
	t := &text{bytes: b, inside: make([]uint64, len(b)>>6+1)}
	for _, i := range at {
		for k := i + 1; k < i+4; k++ {
			t.inside[k>>6] |= 1 << (k & 63)
		}
	}
	return t
}

// ops searches plain texts and checks that what it finds makes the new one's size.
func ops(tb testing.TB, old, new *text, pairs ...pair) []Op {
	tb.Helper()
	x := &index{}
	x.fill(old.bytes, nil, efforts[1])
	s := &search{old: old, new: new, index: x, pairs: pairs, prices: []price{{len(new.bytes), literals[refs.CodeBytes]}}}
	pieces, err := s.run(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	l := operations(pieces, len(new.bytes))
	if err := remap.Check(l, uint64(len(old.bytes)), uint64(len(new.bytes))); err != nil {
		tb.Fatal(err)
	}
	return l
}

// wrong returns how many bytes have to be brought or patched.
func wrong(l []Op, old, new []byte) (brought, patched int) {
	p, q := 0, 0
	for _, o := range l {
		for i := range int(o.Add) {
			if old[p+i] != new[q+i] {
				patched++
			}
		}
		brought += int(o.Copy)
		p += int(o.Add + o.Seek)
		q += int(o.Add + o.Copy)
	}
	return brought, patched
}

func random(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestSearch(t *testing.T) {
	a, b, c := random(1, 5000), random(2, 5000), random(3, 700)
	changed := bytes.Clone(a)
	for i := 100; i < len(changed); i += 40 {
		changed[i]++
	}
	for name, x := range map[string]struct {
		old, new                [][]byte
		ops, brought, patchedTo int
	}{
		"same":      {[][]byte{a}, [][]byte{a}, 1, 0, 0},
		"swapped":   {[][]byte{a, b}, [][]byte{b, a}, 3, 0, 0},
		"inserted":  {[][]byte{a, b}, [][]byte{a, c, b}, 2, 700, 0},
		"deleted":   {[][]byte{a, c, b}, [][]byte{a, b}, 2, 0, 0},
		"twice":     {[][]byte{a, b}, [][]byte{a, a, b}, 2, 0, 0},
		"scattered": {[][]byte{a}, [][]byte{changed}, 1, 0, 123},
		"all new":   {[][]byte{a}, [][]byte{b}, 1, 5000, 0},
		"from none": {nil, [][]byte{c}, 1, 700, 0},
		"to none":   {[][]byte{c}, nil, 1, 0, 0},
	} {
		old, new := bytes.Join(x.old, nil), bytes.Join(x.new, nil)
		l := ops(t, textOf(old), textOf(new))
		brought, patched := wrong(l, old, new)
		if len(l) > x.ops || brought > x.brought+8 || patched > x.patchedTo {
			t.Errorf("%s: %v brings %d, patches %d", name, l, brought, patched)
		}
	}
}

// A reference is never taken apart: where it differs it is a wrong reference, not four residues.
func TestReferencesStayWhole(t *testing.T) {
	old, new := random(5, 4000), random(5, 4000)
	var at []int
	for i := 10; i < 3900; i += 50 {
		at = append(at, i)
		copy(new[i:], random(uint64(i), 4))
	}
	l := ops(t, textOf(old, at...), textOf(new, at...))
	p, q := 0, 0
	ot, nt := textOf(old, at...), textOf(new, at...)
	for _, o := range l {
		for _, place := range []int{q, q + int(o.Add)} {
			if nt.in(place) {
				t.Errorf("an operation parts the new text at %d", place)
			}
		}
		for _, place := range []int{p, p + int(o.Add)} {
			if ot.in(place) {
				t.Errorf("an operation parts the old text at %d", place)
			}
		}
		p += int(o.Add + o.Seek)
		q += int(o.Add + o.Copy)
	}
}

// Short common pieces count inside the counterpart, and only there.
func TestCounterpart(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	old := random(7, 8000)
	var new []byte
	for at := 1000; at < 2000; at += 16 {
		new = append(new, old[at:at+14]...)
		new = append(new, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()))
	}
	alone, _ := wrong(ops(t, textOf(old), textOf(new)), old, new)
	paired, _ := wrong(ops(t, textOf(old), textOf(new), pair{0, len(new), 1000, 2000}), old, new)
	if alone < len(new)*3/4 || paired > len(new)/2 {
		t.Errorf("of %d bytes %d are brought without a counterpart, %d with one", len(new), alone, paired)
	}
}

func TestRandomTexts(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 3))
		letters := 1 + r.IntN(8)
		make := func() *text {
			b := make([]byte, r.IntN(3000))
			for i := range b {
				b[i] = byte(r.IntN(letters))
			}
			var at []int
			for i := r.IntN(40); i+4 <= len(b); i += 4 + r.IntN(40) {
				at = append(at, i)
			}
			return textOf(b, at...)
		}
		old, new := make(), make()
		var pr []pair
		if len(old.bytes) > 0 && len(new.bytes) > 0 {
			a, b := r.IntN(len(old.bytes)), r.IntN(len(new.bytes))
			pr = append(pr, pair{b, b + r.IntN(len(new.bytes)-b+1), a, a + r.IntN(len(old.bytes)-a+1)})
		}
		ops(t, old, new, pr...)
	}
}

// What repeats itself must not take time that grows faster than the texts.
func TestMonotony(t *testing.T) {
	const size = 1 << 20
	zero := make([]byte, size)
	period := bytes.Repeat(random(4, 31), size/31)
	broken := bytes.Clone(period)
	for i := 0; i < len(broken); i += 17 {
		broken[i] = byte(i)
	}
	texts := map[string][]byte{"zeros": zero, "period": period, "broken period": broken}
	start := time.Now()
	for was, old := range texts {
		for is, new := range texts {
			ops(t, textOf(old), textOf(new), pair{0, len(new), 0, len(old)})
			if took := time.Since(start); took > time.Minute {
				t.Fatalf("%s to %s: after %v", was, is, took)
			}
		}
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := &search{old: textOf(nil), new: textOf(random(1, 100)), index: &index{}, prices: []price{{}}}
	if _, err := s.run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFamilies(t *testing.T) {
	for name, want := range map[string]string{
		"main.main":                        "main.main",
		"main.main.func1":                  "main.main.func",
		"main.main.func12.3":               "main.main.func.",
		"main.init.0":                      "main.init.",
		"main.md5.deferwrap2":              "main.md5.deferwrap",
		"example.com/v2/x1.F2.gowrap1":     "example.com/v2/x1.F2.gowrap",
		"main.walk-range1":                 "main.walk-range",
		"slices.Sort[go.shape.int32].func": "slices.Sort[go.shape.int32].func",
	} {
		if got := familyName(name); got != want {
			t.Errorf("%s is of the family %s, not %s", name, got, want)
		}
	}
}

func TestPrograms(t *testing.T) {
	for _, target := range []sample.Target{sample.Linux, {OS: "darwin", Arch: "arm64"}} {
		before, after := sample.Pair(t, target)
		old, new := scannerOf(t, before), scannerOf(t, after)
		cut := derived(new)
		found, err := Find(t.Context(), old, new, cut)
		if err != nil {
			t.Fatal(err)
		}
		plain := uint64(len(after))
		for _, c := range cut {
			plain -= c.Size
		}
		if err := remap.Check(found.Ops, uint64(len(before)), plain); err != nil {
			t.Fatal(err)
		}
		brought := int64(0)
		for _, o := range found.Ops {
			brought += o.Copy
		}
		if uint64(brought) > plain/20 {
			t.Errorf("%s: %d of %d bytes are brought", target, brought, plain)
		}
		is, was := newFile(new, nil).functions, newFile(old, nil).functions
		alone := 0
		for i, k := range found.Functions {
			switch {
			case k < 0:
				alone++
			case strings.HasPrefix(is[i].name, "runtime.") && is[i].name != was[k].name:
				t.Errorf("%s: %s is taken for %s", target, is[i].name, was[k].name)
			}
		}
		if alone > len(is)/10 {
			t.Errorf("%s: %d of %d functions have no counterpart", target, alone, len(is))
		}
	}
}

func scannerOf(t *testing.T, data []byte) *refs.Scanner {
	m, err := image.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	s, err := refs.New(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
