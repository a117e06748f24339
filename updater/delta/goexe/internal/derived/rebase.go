package derived

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Rebases is the table of Mach-O's rebase opcodes as Go's linker writes it: for each pointer one opcode with its segment
// and place in it and one that says "one pointer", in the order in which the linker came by them; then zeros.
type Rebases struct {
	Off, Size uint64   // of the opcodes in the file
	Base      uint64   // what Offsets count from
	Segments  []uint64 // addresses of the segments, in order, ascending; at most 16
	Offsets   []uint32 // where the pointers are, in the linker's order

	most uint64 // how many they may be, when they are decoded
}

const (
	rebaseType    = 0x11 // they are pointers
	rebaseSegment = 0x20 // | segment, then a ULEB128
	rebaseOnce    = 0x51
	rebaseLeast   = 3 // bytes for one pointer
	maxSegments   = 16
)

func (l loads) rebases(m *image.Image) *Rebases {
	b := cut(m.Data, l.rebase.off, l.rebase.size)
	if len(b) == 0 {
		return nil
	}
	r := &Rebases{Off: l.rebase.off, Size: l.rebase.size, Base: m.Base, Segments: l.segments}
	if !r.parse(b) {
		return nil
	}
	return r
}

// parse fills in Offsets. It says false when Append would not give the same bytes.
func (r *Rebases) parse(b []byte) bool {
	if len(r.Segments) > maxSegments || b[0] != rebaseType {
		return false
	}
	for i := 1; i < len(r.Segments); i++ {
		if r.Segments[i-1] >= r.Segments[i] {
			return false
		}
	}
	b = b[1:]
	for len(b) > 0 && b[0] != 0 {
		seg := int(b[0]) - rebaseSegment
		if seg < 0 || seg >= len(r.Segments) {
			return false
		}
		v, n := binary.Uvarint(b[1:])
		if n <= 0 || n != uvarintLen(v) || len(b) < n+2 || b[n+1] != rebaseOnce {
			return false
		}
		addr := r.Segments[seg] + v
		if addr < v || r.segment(addr) != seg || addr-r.Base > math.MaxUint32 {
			return false
		}
		r.Offsets = append(r.Offsets, uint32(addr-r.Base))
		b = b[n+2:]
	}
	for _, v := range b {
		if v != 0 {
			return false
		}
	}
	return len(r.Offsets) > 0
}

// codable tells whether a patch for a file of that size can carry the list: no pointer twice, and not too many.
func (r *Rebases) codable(size uint64) bool {
	l := slices.Sorted(slices.Values(r.Offsets))
	return len(slices.Compact(l)) == len(r.Offsets) && uint64(len(l)) <= mostPointers(size) && r.Size <= mostBytes(size)
}

// segment returns the index of the segment an address lies in: the last that starts at or before it.
func (r *Rebases) segment(addr uint64) int {
	k := len(r.Segments) - 1
	for k >= 0 && r.Segments[k] > addr {
		k--
	}
	return k
}

// Append appends the opcodes. They are more than Size, up to four times, when a hostile patch lists too much for it.
// Pointers before the first segment, which only such a patch has, are left out.
func (r *Rebases) Append(dst []byte) []byte {
	from := len(dst)
	dst = append(dst, rebaseType)
	for _, off := range r.Offsets {
		addr := r.Base + uint64(off)
		if k := r.segment(addr); k >= 0 {
			dst = append(dst, rebaseSegment|byte(k))
			dst = binary.AppendUvarint(dst, addr-r.Segments[k])
			dst = append(dst, rebaseOnce)
		}
	}
	return zerosTo(dst, from, r.Size)
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
