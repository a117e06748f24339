package refs

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image/handmade"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

func TestHandmade(t *testing.T) {
	common := []Ref{
		{0x208 + 0x20, Abs64, 8, 0}, {0x208 + 0x28, Abs64, 8, 0}, // equal, mask
		{0x238, TypeOff, 4, 0}, {0x23c, TypeOff, 4, 0}, // the type's name, the pointer to it
		{0x248, Abs64, 8, 0}, // methods
		{0x260, TypeOff, 4, 0}, {0x270, TypeOff, 4, 0}, {0x274, TypeOff, 4, 0}, {0x27c, TextOff, 4, 0},
		{0x280, TypeOff, 4, 0}, {0x284, TypeOff, 4, 0}, // the method asked for
		{0x418, Abs64, 8, 0}, {0x460, Cutab, 4, 0},
		{0x604, InlName, 4, 0}, {0x634, Gcdata, 4, 0}, {0x650, Typelink, 4, 0},
	}
	for arm, code := range map[bool][]Ref{
		false: {{0x101, Rel32, 4, 0}, {0x108, Rel32, 4, 0}},
		true:  {{0x100, Branch64, 4, 0}, {0x104, PageAddr64, 8, 0}},
	} {
		s := scanData(t, handmade.ELF(26, arm))
		got := s.Append(nil, 0, 0x900, handmade.Size)
		if want := append(code, common...); !slices.Equal(got, want) {
			t.Errorf("%v\n%v", got, want)
		}
		targets := map[Ref]uint64{code[0]: 0x120, code[1]: 0x210, common[9]: 0x208, common[8]: 0x120, common[13]: 0x453, common[14]: 0x210}
		for r, want := range targets {
			if got := s.Target(r); got != handmade.Base+want {
				t.Errorf("%v points at %#x, want %#x", r, got, handmade.Base+want)
			}
		}
		frames := s.Append(nil, 0xb80, 0xc00, handmade.Size)
		if len(frames) != 1 || frames[0] != (Ref{0xba0, EhFrame, 4, 0}) || s.Target(frames[0]) != handmade.Base+0x100 {
			t.Errorf("frames %v", frames)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, target := range targets() {
		s := scan(t, target)
		check(t, s, s.Append(nil, 0, size(s), size(s)))
	}
}

// check checks that all references lie in order, inside their regions, and encode to the bytes they are.
func check(t testing.TB, s *Scanner, all []Ref) {
	t.Helper()
	bases := BasesOf(s.image)
	last, i := uint64(0), 0
	for _, r := range all {
		end := uint64(r.Off) + uint64(r.Width)
		for s.regions[i].End <= uint64(r.Off) {
			i++
		}
		region := s.regions[i]
		if uint64(r.Off) < last || r.Width != r.Kind.Width() || end > region.End || r.Imm > 8 {
			t.Fatalf("%+v in %+v, the one before ends at %#x", r, region, last)
		}
		last = end
		place := region.Addr + uint64(r.Off) - region.Off
		b := s.image.Data[r.Off:end]
		v := r.Kind.Encode(b, place, r.Imm, bases[r.Kind], s.Target(r))
		for j, c := range b {
			if c != byte(v>>(8*j)) {
				t.Fatalf("%+v: % x encodes as %#x", r, b, v)
			}
		}
		if target, ok := r.Kind.Decode(v, place, r.Imm, bases[r.Kind]); !ok || target != s.Target(r) {
			t.Fatalf("%+v decodes as %#x, %v", r, target, ok)
		}
	}
}

func TestEveryKindIsFound(t *testing.T) {
	for _, target := range targets() {
		s := scan(t, target)
		var n [NumKinds]int
		for _, r := range s.Append(nil, 0, size(s), size(s)) {
			n[r.Kind]++
		}
		want := map[Kind]int{Abs64: 5000, InlName: 1000, Gcdata: 100, Cutab: 300, TypeOff: 2000, TextOff: 500, Typelink: 100}
		if target.Arch == "amd64" {
			want[Rel32] = 10_000
			if target.OS == "windows" {
				want[Pdata] = 3000
			}
		} else {
			want[Branch64], want[PageAddr64] = 10_000, 3000
		}
		for k, least := range want {
			if n[k] < least {
				t.Errorf("%v: %d references of kind %v", target, n[k], k)
			}
		}
		t.Logf("%v: %v", target, n)
	}
}

func TestRegionsCoverTheFile(t *testing.T) {
	for _, target := range targets() {
		s := scan(t, target)
		var seen [NumClasses]uint64
		at := uint64(0)
		for _, r := range s.Regions() {
			if r.Off != at || r.End <= r.Off || r.Class >= NumClasses {
				t.Fatalf("%v: %+v follows %#x", target, r, at)
			}
			if off, ok := s.image.Offset(r.Addr); r.Addr != 0 && (!ok || off != r.Off) {
				t.Errorf("%v: %+v is at %#x", target, r, off)
			}
			at = r.End
			seen[r.Class] += r.End - r.Off
		}
		if at != size(s) {
			t.Errorf("%v: regions end at %#x", target, at)
		}
		for _, c := range []Class{Raw, Code, Data, Types, Names, CUs, Files, GoFunc, Typelinks, NoPtr, Derived} {
			if seen[c] == 0 {
				t.Errorf("%v: no class %d", target, c)
			}
		}
	}
}

// However a file is asked for, in which pieces and order, the answer is the same.
func TestPieces(t *testing.T) {
	for _, target := range targets() {
		s := scan(t, target)
		n := size(s)
		whole := s.Fork().Append(nil, 0, n, n)
		rng := rand.New(rand.NewPCG(3, 4))
		var pieces []Ref
		for at := uint64(0); at < n; {
			to := min(n, at+1+rng.Uint64N(1<<rng.UintN(16)))
			pieces = s.Append(pieces, at, to, n)
			at = to
		}
		if !slices.Equal(pieces, whole) {
			t.Fatalf("%v: pieces in order differ", target)
		}
		f := s.Fork()
		for range 20_000 {
			from := rng.Uint64N(n)
			to := min(n, from+rng.Uint64N(200))
			limit := to + rng.Uint64N(9)
			want := whole[index(whole, from):index(whole, to)]
			for len(want) > 0 && uint64(want[len(want)-1].Off)+uint64(want[len(want)-1].Width) > limit {
				want = want[:len(want)-1]
			}
			if got := f.Append(nil, from, to, limit); !slices.Equal(got, want) {
				t.Fatalf("%v: [%#x, %#x) up to %#x: %v, want %v", target, from, to, limit, got, want)
			}
		}
	}
}

func index(refs []Ref, off uint64) int {
	i, _ := slices.BinarySearchFunc(refs, off, func(r Ref, off uint64) int { return int(int64(r.Off) - int64(off)) })
	return i
}

func size(s *Scanner) uint64 { return uint64(len(s.image.Data)) }

// targets are all systems and what can be loaded anywhere, or with -short only the first.
func targets() []sample.Target {
	if testing.Short() {
		return sample.Targets[:1]
	}
	return append(slices.Clone(sample.Targets), sample.Target{OS: "linux", Arch: "amd64", Flags: "-buildmode=pie"})
}

func TestOlderToolchains(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches toolchains")
	}
	for _, version := range []string{"go1.23.12", "go1.24.11", "go1.25.5"} {
		t.Run(version, func(t *testing.T) {
			cmd := exec.Command("go", "version")
			cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("no such toolchain: %s", out)
			}
			s := scan(t, sample.Target{OS: "linux", Arch: "amd64", Toolchain: version})
			all := s.Append(nil, 0, size(s), size(s))
			check(t, s, all)
			var n [NumKinds]int
			for _, r := range all {
				n[r.Kind]++
			}
			for _, k := range []Kind{Rel32, Abs64, InlName, Gcdata, Cutab, TypeOff, TextOff, Typelink} {
				if n[k] < 100 {
					t.Errorf("%d references of kind %v", n[k], k)
				}
			}
		})
	}
}

func TestEncodeDecode(t *testing.T) {
	for _, c := range []struct {
		kind          Kind
		place, target uint64
		value         uint64
		imm           uint8
	}{
		{Rel32, 0x1000, 0x1005, 1, 0},
		{Rel32, 0x1000, 0x1000, 0xfffffffb, 1},
		{Abs64, 0x1000, 0x1_4000_1000, 0x1_4000_1000, 0},
		{Branch64, 0x1000, 0x0ffc, 0x97ffffff, 0},             // bl, one back
		{Branch64, 0x1000, 0x1000 + 4<<24, 0x95000000, 0},     // bl, far
		{PageAddr64, 0x1ffc, 0x3010, 0x91004000_d0000000, 0},  // two pages on, add 16
		{PageAddr64, 0x5000, 0x4ff8, 0xf947fc00_f0ffffe0, 0},  // a page back, load 8 bytes at 0xff8
		{PageAddr64, 0x5000, 0x5ff0, 0x3dc3fc00_90000000, 0},  // load 16 bytes
		{PageAddr64, 0x5000, 0x5003, 0x39400c00_90000000, 0},  // load a byte
		{InlName, 0x1000, 0x1234, 0x234, 0},                   // from the base
		{EhFrame, 0x1000, 0xff0, 0xfffffff0, 0},               // from its place
		{EhHdr, 0x2000, 0xff0, 0xfffffff0, 0},                 // from the base
		{Pdata, 0x2000, 0xffff_ffff + 0x1000, 0xffff_ffff, 0}, // not signed
	} {
		template := []byte{byte(c.value), byte(c.value >> 8), byte(c.value >> 16), byte(c.value >> 24),
			byte(c.value >> 32), byte(c.value >> 40), byte(c.value >> 48), byte(c.value >> 56)}
		if got, ok := c.kind.Decode(c.value, c.place, c.imm, 0x1000); !ok || got != c.target {
			t.Errorf("%v %#x at %#x points at %#x, %v", c.kind, c.value, c.place, got, ok)
		}
		if got := c.kind.Encode(template, c.place, c.imm, 0x1000, c.target); got != c.value {
			t.Errorf("%v to %#x at %#x is %#x, want %#x", c.kind, c.target, c.place, got, c.value)
		}
	}
	for _, v := range []uint64{0, 0xd503201f_90000000, 0x91004021_90000000} { // nothing, nop behind, another register
		if _, ok := PageAddr64.Decode(v, 0, 0, 0); ok {
			t.Errorf("%#x taken for a pair", v)
		}
	}
	if _, ok := Branch64.Decode(0xd503201f, 0, 0, 0); ok {
		t.Error("nop taken for a branch")
	}
}

// hostile asks for everything there is, in pieces, and returns an error when that takes longer than it may.
func hostile(tb testing.TB, data []byte) {
	m, err := image.Parse(data)
	if err != nil {
		return
	}
	start := time.Now()
	s, err := New(m)
	if err != nil {
		return
	}
	n := size(s)
	all := s.Append(nil, 0, n, n)
	check(tb, s, all)
	var pieces []Ref
	for at := uint64(0); at < n; at += 97 {
		pieces = s.Append(pieces, at, min(n, at+97), n)
	}
	if !slices.Equal(pieces, all) {
		tb.Fatal("pieces differ")
	}
	if took := time.Since(start); took > 10*time.Second {
		tb.Fatalf("%d bytes took %v", n, took)
	}
}

func TestMutilatedFilesAreNoTrouble(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, arm := range []bool{false, true} {
		for minor := 23; minor <= 26; minor++ {
			for range 300 {
				data := handmade.ELF(minor, arm)
				for range 1 + rng.IntN(8) {
					data[rng.IntN(len(data))] = byte(rng.Uint32())
				}
				hostile(t, data)
			}
		}
	}
	for _, target := range targets() {
		s := scan(t, target)
		data, g := s.image.Data, s.image.Go
		for range 10 {
			for range 2000 { // wherever Parse does not look
				r := s.regions[rng.IntN(len(s.regions))]
				if r.Class != Raw && r.Addr != g.Functab.Addr && r.Addr != g.Funcs.Addr && r.Addr != g.ModuleData.Addr {
					data[r.Off+rng.Uint64N(r.End-r.Off)] = byte(rng.Uint32())
				}
			}
			hostile(t, data)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, arm := range []bool{false, true} {
		f.Add(handmade.ELF(26, arm))
		f.Add(handmade.ELF(23, arm))
	}
	f.Fuzz(func(t *testing.T, data []byte) { hostile(t, data) })
}

func BenchmarkNew(b *testing.B) {
	s := scan(b, sample.Linux)
	b.SetBytes(int64(size(s)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(s.image); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	s := scan(b, sample.Linux)
	refs := make([]Ref, 0, 1<<16)
	b.SetBytes(int64(size(s)))
	b.ReportAllocs()
	for b.Loop() {
		for at := uint64(0); at < size(s); at += 64 << 10 {
			refs = s.Append(refs[:0], at, at+64<<10, size(s))
		}
	}
}

func scan(tb testing.TB, target sample.Target) *Scanner {
	tb.Helper()
	data, _ := sample.Pair(tb, target)
	return scanData(tb, data)
}

func scanData(tb testing.TB, data []byte) *Scanner {
	tb.Helper()
	m, err := image.Parse(data)
	if err != nil {
		tb.Fatal(err)
	}
	s, err := New(m)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}
