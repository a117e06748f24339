package isa

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// Encodings that x86asm does not know, or that are easily mistaken.
func TestInstructions(t *testing.T) {
	for code, want := range map[string]AMD64{
		"90":                       {1, 0, 0, false}, // nop
		"e811223344":               {5, 1, 0, true},  // call
		"0f8411223344":             {6, 2, 0, true},  // je
		"7402":                     {2, 0, 1, false}, // je, short
		"488d0511223344":           {7, 3, 0, false}, // lea rax, [rip+...]
		"833d1122334405":           {7, 2, 1, false}, // cmp dword [rip+...], 5
		"c7051122334455667788":     {10, 2, 4, false},
		"66c705112233445566":       {9, 3, 2, false},
		"48c7051122334455667788":   {11, 3, 4, false},
		"48b81122334455667788":     {10, 0, 8, false}, // mov rax, imm64
		"66b81122":                 {4, 0, 2, false},
		"b811223344":               {5, 0, 4, false},
		"f6051122334455":           {7, 2, 1, false},  // test byte [rip+...], imm8
		"f71511223344":             {6, 2, 0, false},  // not dword [rip+...]
		"8b04251122334455":         {7, 0, 0, false},  // mov eax, [abs32]
		"8b44240811":               {4, 0, 0, false},  // mov eax, [rsp+8]
		"4c8b8c24112233445566":     {8, 0, 0, false},  // mov r9, [rsp+disp32]
		"c5f877":                   {3, 0, 0, false},  // vzeroupper
		"c5fb580d11223344":         {8, 4, 0, false},  // vaddsd xmm1, xmm0, [rip+...]
		"c4e37d39c101":             {6, 0, 1, false},  // vextracti128
		"c4e27d180511223344":       {9, 5, 0, false},  // vbroadcastss ymm0, [rip+...]
		"c5f970c04e":               {5, 0, 1, false},  // vpshufd
		"62f1fd486f0511223344":     {10, 6, 0, false}, // vmovdqa64 zmm0, [rip+...]
		"62f3fd48250511223344ff":   {11, 6, 1, false}, // vpternlogq zmm0, zmm0, [rip+...], 255
		"62f1fd486f4001":           {7, 0, 0, false},  // vmovdqa64 zmm0, [rax+64]
		"66480f38f6df":             {6, 0, 0, false},  // adcx
		"660f3a0fc108":             {6, 0, 1, false},  // palignr
		"f30f1efa":                 {4, 0, 0, false},  // endbr64
		"65488b042530000000":       {9, 0, 0, false},  // mov rax, gs:[0x30]
		"66662e0f1f840000000000":   {11, 0, 0, false}, // nop, padded
		"c8112233":                 {4, 0, 3, false},  // enter
		"48a11122334455667788":     {10, 0, 8, false}, // mov rax, [moffs64]
		"67a111223344":             {6, 0, 4, false},
		"06":                       {},                // push es: not in 64-bit mode
		"62f1f9486f0511223344":     {},                // EVEX without the bit that is always set
		"c4e47d180511223344":       {},                // VEX with a map that there is not
		"666666666666666666666666": {15, 0, 0, false}, // cut off below: prefixes without end
	} {
		var w Window
		b, err := hex.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		copy(w[:], b)
		if code == "666666666666666666666666" {
			for i := range w {
				w[i] = 0x66
			}
			want = AMD64{}
		}
		got := ReadAMD64(&w)
		if got.Length == 0 {
			got = AMD64{}
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", code, got, want)
		}
	}
}

// On real programs, x86asm must agree wherever it knows the instruction: it knows no VEX, no EVEX and a few others less.
func TestAgainstX86asm(t *testing.T) {
	for _, target := range []sample.Target{{OS: "linux", Arch: "amd64"}, {OS: "windows", Arch: "amd64"}} {
		if testing.Short() && target != sample.Linux {
			continue
		}
		data, _ := sample.Pair(t, target)
		m, err := image.Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		functab := m.Bytes(m.Go.Functab.Addr, m.Go.Functab.Size)
		entry := func(i int) uint64 { return m.Go.Text + uint64(binary.LittleEndian.Uint32(functab[8*i:])) }
		var spare Window
		known, unknown := 0, 0
		for i := range m.Go.NumFuncs {
			from, _ := m.Offset(entry(i))
			to := from + entry(i+1) - entry(i)
			for x := from; x < to; {
				got := ReadAMD64(Look(data[x:], &spare))
				if got.Length == 0 {
					break // the build ID stands among the functions, too
				}
				want, err := x86asm.Decode(data[x:to], 64)
				if lead := data[x]; err != nil || want.Op == 0 || lead == 0xc4 || lead == 0xc5 || lead == 0x62 {
					unknown++
				} else if known++; got.Length != want.Len || got.At > 0 && want.PCRelOff != got.At || (got.At > 0) != (want.PCRel == 4) {
					t.Errorf("%v: % x at %#x: %+v, want %v (%d bytes, distance at %d)", target, data[x:x+16], x, got, want, want.Len, want.PCRelOff)
				}
				x += uint64(got.Length)
			}
		}
		t.Logf("%v: %d instructions, %d more that x86asm does not know", target, known, unknown)
		if known < 100_000 || unknown > known/100 {
			t.Errorf("%v: %d known, %d unknown", target, known, unknown)
		}
	}
}

// What is read in short is read as it is at length.
func TestPlainOpcodes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w Window
	for n := range 200_000 {
		binary.LittleEndian.PutUint64(w[:], r.Uint64())
		binary.LittleEndian.PutUint64(w[8:], r.Uint64())
		switch n % 4 {
		case 0:
			w[0] = 0x40 | w[0]&15
		case 1:
			w[0] = 0x66
		}
		if got, want := ReadAMD64(&w), readOdd(&w); got != want {
			t.Fatalf("%x: %+v, want %+v", w, got, want)
		}
	}
}
