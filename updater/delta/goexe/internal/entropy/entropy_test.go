package entropy_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// models is one of each, as a caller would hold them.
type models struct {
	prob entropy.Prob
	uint entropy.Uint
	int  entropy.Int
}

// script codes a mixed list of values, or reads it back.
func script(c *entropy.Coder, values []int64) []int64 {
	var m models
	out := make([]int64, len(values))
	for i, v := range values {
		switch i % 3 {
		case 0:
			if c.Flag(&m.prob, v&1 != 0) {
				out[i] = 1
			}
		case 1:
			out[i] = int64(c.Uint(&m.uint, uint64(v)))
		default:
			out[i] = c.Int(&m.int, v)
		}
	}
	return out
}

func want(values []int64) []int64 {
	out := make([]int64, len(values))
	for i, v := range values {
		out[i] = v
		if i%3 == 0 {
			out[i] = v & 1
		}
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	cases := map[string][]int64{
		"nothing":  nil,
		"extremes": {1, -1, math.MinInt64, 0, math.MaxInt64, math.MaxInt64, 1, 0, 0, 0, 1 << 62, -1, 1, 1, 1},
		"ones":     ones(5000),
		"zeros":    make([]int64, 5000),
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var l []int64
		for range r.IntN(400) {
			l = append(l, int64(r.Uint64())>>r.IntN(64))
		}
		cases["random"+string(rune('a'+seed))] = l
	}
	for name, values := range cases {
		e := entropy.NewEncoder()
		script(e, values)
		coded := e.Bytes()
		d := entropy.NewDecoder(coded)
		got := script(d, make([]int64, len(values)))
		for i, v := range want(values) {
			if got[i] != v {
				t.Fatalf("%s: value %d is %d, not %d", name, i, got[i], v)
			}
		}
		if err := d.Err(); err != nil || d.Left() > 0 {
			t.Errorf("%s: %v, %d bytes left", name, err, d.Left())
		}
	}
}

func ones(n int) []int64 {
	l := make([]int64, n)
	for i := range l {
		l[i] = 1
	}
	return l
}

func TestWhatIsExpectedCostsNothing(t *testing.T) {
	e := entropy.NewEncoder()
	var p entropy.Prob
	for range 1_000_000 {
		e.Flag(&p, false)
	}
	if n := len(e.Bytes()); n > 100 {
		t.Errorf("a million equal bits took %d bytes", n)
	}
}

func TestAccountsAddUp(t *testing.T) {
	e := entropy.NewEncoder()
	r := rand.New(rand.NewPCG(1, 1))
	var m entropy.Uint
	for range 1000 {
		e.Uint(&m, r.Uint64N(1000))
	}
	told := e.Bits() / 8
	if n := float64(len(e.Bytes())); math.Abs(told-n) > 8 {
		t.Errorf("told %.1f bytes, wrote %.0f", told, n)
	}
}

func TestACutStreamIsNoticed(t *testing.T) {
	values := make([]int64, 3000)
	r := rand.New(rand.NewPCG(2, 1))
	for i := range values {
		values[i] = int64(r.Uint64() >> 20)
	}
	e := entropy.NewEncoder()
	script(e, values)
	d := entropy.NewDecoder(e.Bytes()[:500])
	script(d, values)
	if d.Err() == nil {
		t.Error("read far behind the end without a word")
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := entropy.NewDecoder(b)
		got := script(d, make([]int64, 300))
		// Whatever was read can be written and read again.
		e := entropy.NewEncoder()
		script(e, got)
		again := script(entropy.NewDecoder(e.Bytes()), make([]int64, 300))
		for i := range got {
			if got[i] != again[i] {
				t.Fatalf("value %d: %d became %d", i, got[i], again[i])
			}
		}
	})
}

func mixedScript(c *entropy.Coder, b []byte) []byte {
	m := entropy.NewMixed(3, 14, 2)
	out := make([]byte, len(b))
	var last, before byte
	for i, v := range b {
		ctx := [3]uint32{1, uint32(last) + 1<<8, uint32(last) + uint32(before)<<8 + 1<<16}
		out[i] = c.Byte(m, ctx[:], i&1, v)
		last, before = out[i], last
	}
	return out
}

func TestMixedRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	words := []string{"MOVQ ", "LEAQ ", "CALL runtime.", "RET\n", "JMP ", "\x00\xff"}
	var text []byte
	for range 20_000 {
		text = append(text, words[r.IntN(len(words))]...)
	}
	noise := make([]byte, 5000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	for name, b := range map[string][]byte{"text": text, "noise": noise, "nothing": nil, "zeros": make([]byte, 9000)} {
		e := entropy.NewEncoder()
		mixedScript(e, b)
		coded := e.Bytes()
		if got := mixedScript(entropy.NewDecoder(coded), make([]byte, len(b))); string(got) != string(b) {
			t.Errorf("%s: read something else", name)
		}
		t.Logf("%s: %d bytes in %d", name, len(b), len(coded))
		if name == "text" && len(coded) > len(b)/12 || len(coded) > len(b)*21/20 {
			t.Errorf("%s: %d bytes took %d", name, len(b), len(coded))
		}
	}
}

func TestBlendRoundTrip(t *testing.T) {
	code := func(c *entropy.Coder, want []uint32) (got []uint32) {
		m := entropy.NewBlend(12, 3*entropy.SymbolSets)
		for i, v := range want {
			h := entropy.Hashes{uint32(i % 3), uint32(i % 5), 77, uint32(i%7) * 0x9E3779B1}
			got = append(got, c.Symbol(m, &h, i%3*entropy.SymbolSets, v))
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

func BenchmarkBit(b *testing.B) {
	e := entropy.NewEncoder()
	var p entropy.Prob
	for b.Loop() {
		e.Flag(&p, false)
	}
}

func BenchmarkByte(b *testing.B) {
	e := entropy.NewEncoder()
	m := entropy.NewMixed(4, 16, 1)
	ctx := make([]uint32, 4)
	i := uint32(0)
	for b.Loop() {
		ctx[1], ctx[2], ctx[3] = i&0xff, i&0xfff, i
		e.Byte(m, ctx, 0, byte(i>>3))
		i++
	}
}

func BenchmarkBlend(b *testing.B) {
	e := entropy.NewEncoder()
	m := entropy.NewBlend(16, 1)
	i := uint32(0)
	for b.Loop() {
		e.Blend(m, &entropy.Hashes{1, i & 0xff, i & 0xfff, i}, 0, int(i>>3)&1)
		i++
	}
}
