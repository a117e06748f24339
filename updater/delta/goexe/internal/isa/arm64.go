package isa

// The instructions of arm64 that carry addresses: 4 bytes each, little endian. B and BL count 4-byte words in 26 bits.
// ADRP gives a register the address of a 4 KiB page, 21 bits of pages away; the instruction behind it adds the place in
// the page, in 12 bits that count bytes (ADD) or units of the size loaded or stored.
const (
	branchMask, branchBits = 0x7c000000, 0x14000000
	linkBit                = 1 << 31
	pageMask, pageBits     = 0x9f000000, 0x90000000
	pageSize               = 4096
)

// IsBranch tells whether a word is B or BL.
func IsBranch(w uint32) bool { return w&branchMask == branchBits }

// Links tells whether a branch is BL, a call.
func Links(w uint32) bool { return w&linkBit != 0 }

// IsPage tells whether a word is ADRP.
func IsPage(w uint32) bool { return w&pageMask == pageBits }

// DecodeBranch returns where the branch w at that place leads to. It is not ok when w is none.
func DecodeBranch(w uint32, place uint64) (uint64, bool) {
	return place + uint64(int64(int32(w<<6)>>6)*4), IsBranch(w)
}

// EncodeBranch returns the branch w at that place with another target.
func EncodeBranch(w uint32, place, target uint64) uint64 {
	const field = 1<<26 - 1
	return uint64(w&^field | uint32((target-place)>>2)&field)
}

// pageScale returns by how many bits the second instruction of a pair shifts its 12 bits.
func pageScale(w uint32) (shift uint8, ok bool) {
	switch {
	case w&0x7fc00000 == 0x11000000: // ADD, 32 or 64 bits, not shifted
		return 0, true
	case w&0x3b000000 == 0x39000000: // load or store with an unsigned offset
		if w&(1<<26) != 0 && w&(1<<23) != 0 { // 128 bits
			return 4, true
		}
		return uint8(w >> 30), true
	}
	return 0, false
}

// DecodePage returns the address that two instructions at that place make, v holding the second above the first. It is not
// ok when they do not belong together.
func DecodePage(v, place uint64) (uint64, bool) {
	first, second := uint32(v), uint32(v>>32)
	shift, ok := pageScale(second)
	if !ok || !IsPage(first) || second>>5&31 != first&31 { // the register just set must be the one used
		return 0, false
	}
	pages := int32((first>>29&3|first>>5&(1<<19-1)<<2)<<11) >> 11
	return place&^(pageSize-1) + uint64(int64(pages)*pageSize) + uint64(second>>10&0xfff)<<shift, true
}

// EncodePage returns the two instructions v at that place with another target.
func EncodePage(v, place, target uint64) uint64 {
	first, second := uint32(v), uint32(v>>32)
	shift, _ := pageScale(second)
	pages := uint32((target&^(pageSize-1) - place&^(pageSize-1)) >> 12)
	first = first&0x9f00001f | pages&3<<29 | pages>>2&(1<<19-1)<<5
	second = second&^(0xfff<<10) | uint32(target&0xfff>>shift)<<10
	return uint64(first) | uint64(second)<<32
}

// EffectARM64 returns what an instruction does.
func EffectARM64(w uint32) Effect {
	e := Effect{Kind: kindOf(w >> 21)}
	imm := int16(w >> 10 & 0xfff)
	switch {
	case IsBranch(w) && Links(w), w&0xfffffc1f == 0xd63f0000: // bl, blr
		e.Call = true
	case w&0xfffffc1f == 0xd65f0000: // ret
		e.Stack = Leaves
	case w&0xffc003ff == 0xd10003ff: // sub sp, sp, #imm
		e.Stack = imm
	case w&0xffc003ff == 0x910003ff: // add sp, sp, #imm
		e.Stack = -imm
	case w&0xffe00fff == 0xf8000ffe, w&0xffe00fff == 0xf84007fe: // str lr, [sp, #imm]! and ldr lr, [sp], #imm
		e.Stack = -(int16(w>>5) >> 7)
	}
	return e
}
