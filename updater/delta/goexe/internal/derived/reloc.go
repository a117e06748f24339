package derived

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Relocs is PE's .reloc section: a block for each page that holds pointers, and zeros to the section's end.
type Relocs struct {
	Off, Size uint64   // of the section in the file
	RVAs      []uint32 // where the pointers are, ascending

	most uint64 // how many they may be, when they are decoded
}

const (
	relocPage  = 4096
	relocHead  = 8        // of a block: its page's address and its own size
	relocDir64 = 10 << 12 // an entry's type, above its offset in the page
)

// readRelocs reads the base relocations of a PE file, when they are all there is in a section.
func readRelocs(m *image.Image) *Relocs {
	s := m.SectionAt(m.Relocs.Addr)
	if s == nil || s.Addr != m.Relocs.Addr || m.Relocs.Size == 0 {
		return nil
	}
	rvas, ok := ParseRelocs(cut(m.Data, s.Off, s.FileSize))
	if !ok {
		return nil
	}
	return &Relocs{Off: s.Off, Size: s.FileSize, RVAs: rvas}
}

// ParseRelocs reads a .reloc section. ok is false when it is empty or not just as linkers write it: blocks and entries
// ascending, 64-bit pointers only, an odd number of them filled up by a zero, and nothing but zeros behind the last block.
func ParseRelocs(b []byte) (rvas []uint32, ok bool) {
	le := binary.LittleEndian
	next := uint64(0) // the lowest page that may come
	rvas = make([]uint32, 0, len(b)/2)
	for len(b) >= relocHead && le.Uint32(b[4:]) != 0 {
		page, n := uint64(le.Uint32(b)), uint64(le.Uint32(b[4:]))
		if page%relocPage != 0 || page < next || n <= relocHead || n%4 != 0 || n > uint64(len(b)) {
			return nil, false
		}
		next = page + relocPage
		var fits bool
		if rvas, fits = appendBlock(rvas, uint32(page), b[relocHead:n]); !fits {
			return nil, false
		}
		b = b[n:]
	}
	for _, v := range b {
		if v != 0 {
			return nil, false
		}
	}
	return rvas, len(rvas) > 0
}

func appendBlock(rvas []uint32, page uint32, b []byte) ([]uint32, bool) {
	last := -1
	for ; len(b) > 0; b = b[2:] {
		e := binary.LittleEndian.Uint16(b)
		if e == 0 && len(b) == 2 && last >= 0 {
			return rvas, true
		}
		off := int(e & (relocPage - 1))
		if e&^(relocPage-1) != relocDir64 || off <= last {
			return rvas, false
		}
		last = off
		rvas = append(rvas, page+uint32(off))
	}
	return rvas, true
}

// Append appends the section. It is longer than Size, up to six times, when a hostile patch lists too much for it.
func (r *Relocs) Append(dst []byte) []byte {
	le, from := binary.LittleEndian, len(dst)
	for i := 0; i < len(r.RVAs); {
		page := r.RVAs[i] &^ (relocPage - 1)
		head := len(dst)
		dst = append(dst, make([]byte, relocHead)...)
		for ; i < len(r.RVAs) && r.RVAs[i]&^(relocPage-1) == page; i++ {
			dst = le.AppendUint16(dst, uint16(r.RVAs[i]&(relocPage-1))|relocDir64)
		}
		if (len(dst)-head)%4 != 0 {
			dst = append(dst, 0, 0)
		}
		le.PutUint32(dst[head:], page)
		le.PutUint32(dst[head+4:], uint32(len(dst)-head))
	}
	return zerosTo(dst, from, r.Size)
}

// codable tells whether a patch for a file of that size can carry the list.
func (r *Relocs) codable(size uint64) bool {
	return uint64(len(r.RVAs)) <= mostPointers(size) && r.Size <= mostBytes(size)
}

// zerosTo fills dst with zeros until size bytes follow from.
func zerosTo(dst []byte, from int, size uint64) []byte {
	if n := uint64(len(dst) - from); n < size {
		dst = append(dst, make([]byte, size-n)...)
	}
	return dst
}
