package isa

import "encoding/binary"

// How long an amd64 instruction is, and where in it a 32-bit distance stands. An instruction is: prefixes, one to three
// bytes of opcode, where the opcode wants it a ModRM byte that may bring a SIB byte and a displacement, then an immediate.
//
// The tables give a letter for each opcode of the one-byte map and of the map behind 0F. Digits add up: 1 for ModRM,
// 2 for an immediate byte, 4 for an immediate of 4 bytes (2 behind the prefix 66). Besides:
//
//	8 a branch with a 32-bit distance    p prefix               m immediate of the operand's size, 8 bytes too
//	x no instruction in 64-bit mode      r REX prefix           o 64-bit offset
//	w two bytes                          n three bytes          f, g ModRM; its reg field tells whether an immediate follows
//	e leads to another map
const (
	oneByte = "111124xx111124xe" + "111124xx111124xx" + // 00: add or | adc sbb
		"111124px111124px" + "111124px111124px" + // 20: and sub | xor cmp
		"rrrrrrrrrrrrrrrr" + "0000000000000000" + // 40: REX | push pop
		"xxe1pppp45230000" + "2222222222222222" + // 60: EVEX movsxd push imul | jcc
		"35x3111111111111" + "0000000000x00000" + // 80: group 1, test, mov, lea | nop xchg
		"oooo000024000000" + "22222222mmmmmmmm" + // a0: mov test string | mov
		"33w0ee35n0w002x0" + "1111xxx011111111" + // c0: shift ret VEX mov | shift, x87
		"2222222288x20000" + "p0pp00fg00000011" // e0: loop in out call jmp | groups 3 to 5

	twoByte = "1111x00000x0x103" + "1111111111111111" + // 00: system | moves, hints
		"1111xxxx11111111" + "000000x0exexxxxx" + // 20: mov cr, compare | msr
		"1111111111111111" + "1111111111111111" + // 40: cmov | sse
		"1111111111111111" + "3333111011xx1111" + // 60: sse | pshuf emms
		"8888888888888888" + "1111111111111111" + // 80: jcc | setcc
		"000131xx00013111" + "1111111111311111" + // a0: cpuid bt shld | cmpxchg movzx
		"1131333100000000" + "1111111111111111" + // c0: cmpps pinsr bswap | sse
		"1111111111111111" + "1111111111111111" // e0: sse
)

// behindModRM gives by the outer fields of a ModRM byte how many bytes it and what belongs to it take. Besides:
//
//	r 5, the last 4 a distance from the next instruction    s 2, and 4 more if the SIB byte says so
const behindModRM = "1111sr11" + "22223222" + "55556555" + "11111111"

// LongestAMD64 is how long an instruction of amd64 may be, in bytes.
const LongestAMD64 = 15

// AMD64 is where things are in an instruction of amd64.
type AMD64 struct {
	Length int  // bytes; 0: it is none
	At     int  // where its 32-bit distance from the next instruction stands; 0: there is none
	Imm    int  // bytes of the instruction behind that, less its own 4
	Branch bool // it is a call or a jump by that distance
}

// plain tells of the opcodes that need no thought how the instruction goes on: 1 for ModRM, and 2 for each byte of the
// immediate; odd for others. Nearly all instructions have such an opcode, behind REX at most.
var plain = func() (t [256]uint8) {
	for op := range t {
		t[op] = odd
		if form := oneByte[op]; form <= '9' && form&8 == 0 {
			t[op] = form&1 | form&2 | form&4<<1
		}
	}
	return t
}()

const odd = 0xff

// ReadAMD64 reads the instruction that b begins with. What follows the distance only matters for Length and Imm.
func ReadAMD64(b *Window) AMD64 {
	op, p := b[0], 1
	if op&0xf0 == 0x40 { // REX
		op, p = b[1], 2
	}
	form := plain[op]
	if form == odd {
		return readOdd(b)
	}
	i := AMD64{Imm: int(form >> 1)}
	if form&1 != 0 {
		p = i.modRM(b, p)
	}
	i.Length = p + i.Imm
	return i
}

// modRM reads the ModRM byte at p and what belongs to it, and returns where that ends.
func (i *AMD64) modRM(b *Window, p int) int {
	modrm := b[p]
	switch size := behindModRM[modrm>>3&0x18|modrm&7]; size {
	case 'r':
		i.At = p + 1
		return p + 5
	case 's':
		if b[p+1]&7 == 5 {
			return p + 6
		}
		return p + 2
	default:
		return p + int(size-'0')
	}
}

// readOdd reads any instruction.
func readOdd(b *Window) AMD64 {
	p, short, wide, address32 := 0, false, false, false
	op := b[0]
	form := oneByte[op]
	for form == 'r' || form == 'p' {
		wide = form == 'r' && op&8 != 0 // REX counts only right before the opcode
		short = short || op == 0x66
		address32 = address32 || op == 0x67
		if p++; p == LongestAMD64 {
			return AMD64{}
		}
		op = b[p]
		form = oneByte[op]
	}
	p++
	if form == 'e' {
		form, p = otherMap(b, op, p)
	}
	imm := 0
	if form > '9' {
		switch form {
		case 'm':
			form, imm = '0', 4
			if wide {
				imm = 8
			} else if short {
				imm = 2
			}
		case 'f', 'g':
			if b[p]&0x30 != 0 { // neither /0 nor /1
				form = '1'
			} else {
				form = '3' + 2*(form-'f')
			}
		case 'o':
			form, imm = '0', 8
			if address32 {
				imm = 4
			}
		case 'w':
			form, imm = '0', 2
		case 'n':
			form, imm = '0', 3
		default:
			return AMD64{}
		}
	}
	if form&2 != 0 {
		imm = 1
	} else if form&4 != 0 {
		imm = 4
		if short && !wide {
			imm = 2
		}
	}
	i := AMD64{Imm: imm}
	if form&1 != 0 {
		p = i.modRM(b, p)
	} else if form == '8' {
		i.At, i.Branch = p, true
		p += 4
	}
	if p += imm; p <= LongestAMD64 {
		i.Length = p
	}
	return i
}

// otherMap reads what stands between a byte that leads to another map and the ModRM byte: the opcode's form, and where
// the bytes behind the opcode start. Instructions with VEX or EVEX have ModRM, but for vzeroupper; whether an immediate
// follows is as in the old maps.
func otherMap(b *Window, lead byte, p int) (byte, int) {
	const old, general, immediate = 1, 2, 3 // maps 0F, 0F 38, 0F 3A; 5 and 6 are EVEX's own
	var number, op byte
	switch lead {
	case 0x0f:
		op = b[p]
		switch op {
		case 0x38:
			return '1', p + 2
		case 0x3a:
			return '3', p + 2
		}
		return twoByte[op], p + 1
	case 0xc5: // VEX, two bytes
		number, op = old, b[p+1]
		p += 2
	case 0xc4: // VEX, three bytes
		number, op = b[p]&31, b[p+2]
		p += 3
		if number > immediate {
			return 'x', p
		}
	case 0x62: // EVEX, four bytes; a bit that is always set, one that never is
		number, op = b[p]&15, b[p+3]
		if b[p+1]&4 == 0 {
			return 'x', p
		}
		p += 4
	}
	switch number {
	case old:
		if op == 0x77 && lead != 0x62 {
			return '0', p
		}
		return '1' | twoByte[op]&2, p
	case general, 5, 6:
		return '1', p
	case immediate:
		return '3', p
	}
	return 'x', p
}

// EffectAMD64 returns what the instruction that b begins with does.
func EffectAMD64(b *Window) Effect {
	p := 0
	for p < LongestAMD64 && (oneByte[b[p]] == 'r' || oneByte[b[p]] == 'p') {
		p++
	}
	op, modrm := uint32(b[p]), b[p+1]
	switch op { // opcodes of other maps get numbers of their own
	case 0x0f:
		return Effect{Kind: kindOf((0x100 | uint32(b[p+1])) << 4)}
	case 0xc5, 0xc4, 0x62: // VEX in two and in three bytes, EVEX
		lead := 2 + b2i(op != 0xc5) + b2i(op == 0x62)
		return Effect{Kind: kindOf((0x200 | uint32(b[p+lead])) << 4)}
	}
	reg := uint32(modrm >> 3 & 7)
	e := Effect{Kind: kindOf(op << 4), Stack: stackAMD64(op, modrm, b[p+2:])}
	if op&^3 == 0x80 || op&^1 == 0xc0 || op&^1 == 0xf6 || op&^1 == 0xfe { // reg tells which of several it is
		e.Kind = kindOf(op<<4 | reg)
	}
	e.Call = op == 0xe8 || op == 0xff && reg == 2
	return e
}

// stackAMD64 returns by how much an instruction without unusual prefixes makes the frame larger.
func stackAMD64(op uint32, modrm byte, immediate []byte) int16 {
	by := int16(int8(immediate[0]))
	switch {
	case op == 0xc3:
		return Leaves
	case op&^7 == 0x50: // push
		return 8
	case op&^7 == 0x58: // pop
		return -8
	case op == 0x81:
		by = int16(binary.LittleEndian.Uint32(immediate) & 0x7fff)
	case op != 0x83:
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

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
