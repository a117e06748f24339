package pcln

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// instruction is what matters of one: values change between instructions, and what stands there tells which. It need not
// be right: what is read wrongly only makes a patch longer.
type instruction struct {
	end   uint32 // in quanta from where the function starts
	kind  uint8  // a hash of the opcode, of kindBits bits
	call  bool
	stack int16 // by how much it makes the frame larger; leaves for a return
}

const (
	kindBits = 6
	// leaves marks a return: the code behind it has the frame that was left.
	leaves = -1 << 15
	// maxText is how many quanta of one function are looked at.
	maxText = 1 << 20
)

func kindOf(opcode uint32) uint8 { return uint8(opcode * 0x9E3779B1 >> (32 - kindBits)) }

// appendInstructions appends the instructions of a function of that many quanta. Where there is no code, each quantum
// counts as one.
func appendInstructions(dst []instruction, arch image.Arch, code []byte, size uint32) []instruction {
	at := uint32(0)
	for at < size {
		i := instruction{end: at + 1}
		switch {
		case arch == image.ARM64 && uint64(at)*4+4 <= uint64(len(code)):
			i = instructionARM64(binary.LittleEndian.Uint32(code[4*at:]))
			i.end = at + 1
		case arch == image.AMD64 && int(at) < len(code):
			var length int
			i, length = instructionAMD64(code[at:])
			i.end = min(at+uint32(length), size)
		}
		dst = append(dst, i)
		at = i.end
	}
	return dst
}

func instructionARM64(w uint32) instruction {
	i := instruction{kind: kindOf(w >> 21)}
	imm := int16(w >> 10 & 0xfff)
	switch {
	case w>>26 == 0x25, w&0xfffffc1f == 0xd63f0000: // bl, blr
		i.call = true
	case w&0xfffffc1f == 0xd65f0000: // ret
		i.stack = leaves
	case w&0xffc003ff == 0xd10003ff: // sub sp, sp, #imm
		i.stack = imm
	case w&0xffc003ff == 0x910003ff: // add sp, sp, #imm
		i.stack = -imm
	case w&0xffe00fff == 0xf8000ffe, w&0xffe00fff == 0xf84007fe: // str lr, [sp, #imm]! and ldr lr, [sp], #imm
		i.stack = -(int16(w>>5) >> 7)
	}
	return i
}

// instructionAMD64 reads the instruction that code, which is not empty, starts with.
func instructionAMD64(code []byte) (i instruction, length int) {
	const longest = 15
	var b [longest + 17]byte // no offset below leads out of it
	copy(b[:], code)
	p, wide, short := 0, false, false
	for p < longest-1 && isPrefix(b[p]) {
		wide = b[p]&0xf8 == 0x48
		short = short || b[p] == 0x66
		p++
	}
	op := uint32(b[p])
	p++
	f := formOf(byte(op))
	switch op {
	case 0x0f:
		op = 0x100 | uint32(b[p])
		f, p = formOf0F(b[p]), p+1
		if op == 0x138 || op == 0x13a {
			p++
		}
	case 0xc5: // VEX
		op, f, p = 0x200|uint32(b[p+1]), formOfVector(1, b[p+1]), p+2
	case 0xc4: // VEX, longer
		op, f, p = 0x200|uint32(b[p+2]), formOfVector(b[p]&31, b[p+2]), p+3
	case 0x62: // EVEX
		op, f, p = 0x200|uint32(b[p+3]), formOfVector(b[p]&7, b[p+3]), p+4
	}
	modrm := b[p]
	reg := uint32(modrm >> 3 & 7)
	if op&^1 == 0xf6 && reg < 2 { // test
		f.immediate = 1 + 3*int(op&1)
	}
	if f.immediate == 4 && wide && op&^7 == 0xb8 {
		f.immediate = 8
	} else if f.immediate == 4 && short && !wide {
		f.immediate = 2
	}
	i.kind = kindOf(op<<4 | reg*uint32(b2i(f.group)))
	i.call = op == 0xe8 || op == 0xff && reg == 2
	i.stack = stackOf(op, modrm, b[p+1:])
	if f.modrm {
		p += 1 + operandSize(modrm, b[p+1])
	}
	return i, min(p+f.immediate, longest)
}

// stackOf returns by how much an instruction without unusual prefixes makes the frame larger.
func stackOf(op uint32, modrm byte, immediate []byte) int16 {
	switch {
	case op == 0xc3:
		return leaves
	case op&^7 == 0x50: // push
		return 8
	case op&^7 == 0x58: // pop
		return -8
	}
	by := int16(int8(immediate[0]))
	if op == 0x81 {
		by = int16(binary.LittleEndian.Uint32(immediate) & 0x7fff)
	} else if op != 0x83 {
		return 0
	}
	switch modrm {
	case 0xec: // sub sp
		return by
	case 0xc4: // add sp
		return -by
	}
	return 0
}

// operandSize returns how many bytes follow ModRM for a memory operand.
func operandSize(modrm, sib byte) int {
	mod, rm := modrm>>6, modrm&7
	n := 0
	if rm == 4 && mod != 3 {
		n = 1
		rm = sib & 7
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, mod == 0 && rm == 5:
		n += 4
	}
	return n
}

// form is what follows an opcode.
type form struct {
	modrm     bool
	group     bool // and its reg field tells which of several instructions it is
	immediate int
}

// formOf tells it of the one-byte opcodes.
func formOf(op byte) form {
	switch {
	case op < 0x40:
		return [8]form{{modrm: true}, {modrm: true}, {modrm: true}, {modrm: true}, {immediate: 1}, {immediate: 4}, {}, {}}[op&7]
	case op == 0x63, op >= 0x84 && op <= 0x8f, op >= 0xd0 && op <= 0xd3, op >= 0xd8 && op <= 0xdf:
		return form{modrm: true}
	case op == 0x69:
		return form{modrm: true, immediate: 4}
	case op == 0x6b, op&^1 == 0xc6 && op&1 == 0:
		return form{modrm: true, immediate: 1}
	case op == 0x80, op == 0x83, op&^1 == 0xc0:
		return form{modrm: true, group: true, immediate: 1}
	case op == 0x81, op == 0xc7:
		return form{modrm: true, group: true, immediate: 4}
	case op&^1 == 0xf6, op&^1 == 0xfe:
		return form{modrm: true, group: true}
	case op == 0x68, op == 0xa9, op&^7 == 0xb8, op&^1 == 0xe8:
		return form{immediate: 4}
	case op == 0x6a, op>>4 == 7, op == 0xa8, op&^7 == 0xb0, op&^3 == 0xe0, op == 0xeb:
		return form{immediate: 1}
	}
	return form{}
}

// formOf0F tells it of the opcodes behind 0F.
func formOf0F(op byte) form {
	switch {
	case op>>4 == 8: // jcc
		return form{immediate: 4}
	case op == 0x3a, op == 0x70, op >= 0x71 && op <= 0x73, op == 0xa4, op == 0xac, op == 0xba, op == 0xc2, op >= 0xc4 && op <= 0xc6:
		return form{modrm: true, immediate: 1}
	case op == 0x05, op == 0x0b, op == 0x31, op == 0x77, op == 0xa2, op >= 0xc8 && op <= 0xcf:
		return form{}
	}
	return form{modrm: true}
}

// formOfVector tells it of the opcodes behind VEX and EVEX; opcodes is 1 for those behind 0F, 2 and 3 for 0F 38 and 0F 3A.
func formOfVector(opcodes, op byte) form {
	f := form{modrm: true}
	if opcodes == 3 || opcodes == 1 && formOf0F(op).immediate == 1 {
		f.immediate = 1
	}
	f.modrm = opcodes != 1 || op != 0x77 // vzeroupper
	return f
}

func isPrefix(b byte) bool {
	switch b {
	case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3:
		return true
	}
	return b&0xf0 == 0x40 // REX
}

// padding returns how many quanta at the end of a function are no code.
func padding(arch image.Arch, code []byte) (n uint32) {
	if arch == image.ARM64 {
		for ; len(code) >= 4 && binary.LittleEndian.Uint32(code[len(code)-4:]) == 0; code = code[:len(code)-4] {
			n++
		}
		return n
	}
	for ; len(code) > 0 && code[len(code)-1] == 0xcc; code = code[:len(code)-1] {
		n++
	}
	return n
}
