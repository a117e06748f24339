package isa

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

func TestEffectAMD64(t *testing.T) {
	var spare Window
	for _, x := range []struct {
		code  []byte
		call  bool
		stack int16
	}{
		{code: []byte{0x90}},
		{code: []byte{0x55}, stack: 8},                              // push bp
		{code: []byte{0x5d}, stack: -8},                             // pop bp
		{code: []byte{0xc3}, stack: Leaves},                         // ret
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
		window := Look(behind, &spare)
		i, n := EffectAMD64(window), ReadAMD64(window).Length
		if n != len(x.code) || i.Call != x.call || i.Stack != x.stack {
			t.Errorf("% x: %d bytes, %+v", x.code, n, i)
		}
	}
}

func TestEffectARM64(t *testing.T) {
	for _, x := range []struct {
		word uint32
		want Effect
	}{
		{0x94000010, Effect{Call: true}}, // bl
		{0xd63f0020, Effect{Call: true}}, // blr x1
		{0xd65f03c0, Effect{Stack: Leaves}},
		{0xd10083ff, Effect{Stack: 32}},  // sub sp, sp, #32
		{0x910083ff, Effect{Stack: -32}}, // add sp, sp, #32
		{0xf81e0ffe, Effect{Stack: 32}},  // str x30, [sp, #-32]!
		{0xf84207fe, Effect{Stack: -32}}, // ldr x30, [sp], #32
		{0xd503201f, Effect{}},           // nop
	} {
		x.want.Kind = kindOf(x.word >> 21)
		if got := EffectARM64(x.word); got != x.want {
			t.Errorf("%08x: %+v, not %+v", x.word, got, x.want)
		}
	}
}

// Whatever the bytes, nothing panics, and an instruction is no longer than it can be.
func TestAnyBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var w, spare Window
	for range 100_000 {
		for i := range w {
			w[i] = byte(r.Uint32())
		}
		for i := range r.IntN(WindowSize) { // many prefixes, too
			w[i] = [4]byte{0x66, 0x48, 0x2e, 0xf0}[r.IntN(4)]
		}
		i := ReadAMD64(&w)
		if i.Length < 0 || i.Length > LongestAMD64 || i.Length > 0 && i.At > 0 && i.At+4+i.Imm != i.Length {
			t.Fatalf("% x: %+v", w, i)
		}
		for _, e := range []Effect{EffectAMD64(&w), EffectARM64(binary.LittleEndian.Uint32(w[:]))} {
			if e.Kind >= 1<<KindBits || e.Call && e.Stack != 0 {
				t.Fatalf("% x: %+v", w, e)
			}
		}
		if n := r.IntN(WindowSize); *Look(w[:n], &spare) != *Look(append(bytes.Clone(w[:n]), make([]byte, WindowSize)...), nil) {
			t.Fatal("something other than zeros follows")
		}
	}
}
