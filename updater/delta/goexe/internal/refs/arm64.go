package refs

// The instructions of arm64 that carry addresses: 4 bytes each, little endian. B and BL count 4-byte words in 26 bits.
// ADRP gives a register the address of a 4 KiB page, 21 bits of pages away; the instruction behind it adds the place in
// the page, in 12 bits that count bytes (ADD) or units of the size loaded or stored.
const (
	branchMask, branchBits = 0x7c000000, 0x14000000
	linkBit                = 1 << 31 // BL rather than B
	pageMask, pageBits     = 0x9f000000, 0x90000000
	pageSize               = 4096
)

func isBranch(w uint32) bool { return w&branchMask == branchBits }
func isPage(w uint32) bool   { return w&pageMask == pageBits }

func decodeBranch(w uint32, place uint64) (uint64, bool) {
	return place + uint64(int64(int32(w<<6)>>6)*4), isBranch(w)
}

func encodeBranch(w uint32, place, target uint64) uint64 {
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

func decodePage(v, place uint64) (uint64, bool) {
	first, second := uint32(v), uint32(v>>32)
	shift, ok := pageScale(second)
	if !ok || !isPage(first) || second>>5&31 != first&31 { // the register just set must be the one used
		return 0, false
	}
	pages := int32((first>>29&3|first>>5&(1<<19-1)<<2)<<11) >> 11
	return place&^(pageSize-1) + uint64(int64(pages)*pageSize) + uint64(second>>10&0xfff)<<shift, true
}

func encodePage(v, place, target uint64) uint64 {
	first, second := uint32(v), uint32(v>>32)
	shift, _ := pageScale(second)
	pages := uint32((target&^(pageSize-1) - place&^(pageSize-1)) >> 12)
	first = first&0x9f00001f | pages&3<<29 | pages>>2&(1<<19-1)<<5
	second = second&^(0xfff<<10) | uint32(target&0xfff>>shift)<<10
	return uint64(first) | uint64(second)<<32
}
