package pcln

import (
	"encoding/binary"
	"math/bits"
)

// index finds placed tables by a hash of what is in them. Two tables with the same 50 or so bits of hash would be taken
// for one; the builder, who compares, would then refuse.
type index struct {
	parts [][]entry // when one is full, a larger one follows
	used  int       // slots of the last one
}

type entry struct{ tag, at uint32 }

// newIndex returns an index that has room for n tables before it grows.
func newIndex(n int) index {
	return index{parts: [][]entry{make([]entry, 1<<bits.Len(uint(n+n/7+8)))}}
}

func tagOf(h uint64) uint32 { return uint32(h>>32) | 1 } // 0 is a free slot's

func (x *index) find(h uint64) (at uint32, ok bool) {
	for _, slots := range x.parts {
		mask := uint64(len(slots) - 1)
		for i := h & mask; slots[i].tag != 0; i = (i + 1) & mask {
			if slots[i].tag == tagOf(h) {
				return slots[i].at, true
			}
		}
	}
	return 0, false
}

// add notes a table that was not found.
func (x *index) add(h uint64, at uint32) {
	slots := x.parts[len(x.parts)-1]
	mask := uint64(len(slots) - 1)
	i := h & mask
	for slots[i].tag != 0 {
		i = (i + 1) & mask
	}
	slots[i] = entry{tagOf(h), at}
	if x.used++; x.used >= len(slots)/8*7 {
		x.parts, x.used = append(x.parts, make([]entry, 2*len(slots))), 0
	}
}

// hash mixes 8 bytes at a time.
func hash(b []byte) uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := uint64(len(b)) * odd
	for ; len(b) >= 8; b = b[8:] {
		h = fold(h^binary.LittleEndian.Uint64(b), odd)
	}
	var rest [8]byte
	copy(rest[:], b)
	return fold(fold(h^binary.LittleEndian.Uint64(rest[:]), odd), 0xD6E8FEB86659FD93)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
