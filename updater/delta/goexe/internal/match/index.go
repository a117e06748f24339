package match

import (
	"encoding/binary"
	"math/bits"
)

const window = 16 // bytes that have to be equal before the whole old file is asked

// An effort is how hard to search.
type effort struct {
	stride int  // every so many bytes of the old file are found
	chain  int  // old places that are looked at for one new place
	near   bool // look for short pieces in the vicinity too
}

// index finds places in a text by the window of bytes that begins there.
type index struct {
	effort
	text  []byte
	heads []int32 // by hash: the first place, divided by stride, plus 1
	next  []int32 // by place divided by stride: the next one of the same hash
	shift uint
}

// newIndex returns an index with room for a text of that size at any effort.
func newIndex(size int) *index {
	x := new(index)
	for _, e := range efforts {
		n, shift := e.measure(size)
		x.heads = zeroed(x.heads, 1<<(64-shift))
		x.next = zeroed(x.next, n)
	}
	return x
}

// measure returns how many places of a text are listed, and the shift for about half as many hashes.
func (e effort) measure(size int) (places int, shift uint) {
	places = size/e.stride + 1
	return places, uint(64 - max(bits.Len(uint(places))-1, 10))
}

// fill lists every stride-th place of a text that is not in one of the dead spans, which ascend.
func (x *index) fill(text []byte, dead []Span, e effort) {
	stride := e.stride
	n, shift := e.measure(len(text))
	x.text, x.effort, x.shift = text, e, shift
	x.heads = zeroed(x.heads, 1<<(64-x.shift))
	x.next = zeroed(x.next, n)
	for at := (len(text) - window) / stride * stride; at >= 0; at -= stride {
		for len(dead) > 0 && uint64(at) < dead[len(dead)-1].Off {
			dead = dead[:len(dead)-1]
		}
		if k := len(dead) - 1; k >= 0 && uint64(at)-dead[k].Off < dead[k].Size {
			continue
		}
		h := x.hash(text[at:])
		x.next[at/stride] = x.heads[h]
		x.heads[h] = int32(at/stride + 1)
	}
}

func (x *index) hash(b []byte) uint64 {
	lo := binary.LittleEndian.Uint64(b) * 0x9e3779b97f4a7c15
	hi := binary.LittleEndian.Uint64(b[8:]) * 0xc2b2ae3d27d4eb4f
	return (lo ^ bits.RotateLeft64(hi, 33)) * 0x9e3779b97f4a7c15 >> x.shift
}

// equal returns how many bytes a and b have in common at their beginnings.
func equal(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		if d := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); d != 0 {
			return i + bits.TrailingZeros64(d)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
