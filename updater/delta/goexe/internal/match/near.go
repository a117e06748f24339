package match

import "encoding/binary"

// vicinity finds even short common pieces in a small part of the old text: where a function's counterpart is.
type vicinity struct {
	start, end int     // the part
	heads      []int32 // by hash of 4 bytes: the first place plus 1
	next       []int32 // by place less start
	bits       uint
}

const (
	shortest    = 4       // bytes
	around      = 2048    // bytes: where there is no counterpart, so much and up to twice as much on both sides
	vicinityMax = 1 << 18 // bytes of the old text that are listed at most
)

func (v *vicinity) fill(text []byte, start, end int) {
	if v.start == start && v.end == end {
		return
	}
	v.start, v.end = start, end
	n := min(end, start+vicinityMax) - start - shortest + 1
	if n < 0 {
		n = 0
	}
	v.bits = 6
	for 1<<v.bits < n {
		v.bits++
	}
	v.heads = zeroed(v.heads, 1<<v.bits)
	v.next = zeroed(v.next, n)
	for i := n - 1; i >= 0; i-- {
		h := v.hash(text[start+i:])
		v.next[i] = v.heads[h]
		v.heads[h] = int32(i + 1)
	}
}

func (v *vicinity) hash(b []byte) uint32 {
	return binary.LittleEndian.Uint32(b) * 0x9e3779b1 >> (32 - v.bits)
}

func zeroed(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	s = s[:n]
	clear(s)
	return s
}
