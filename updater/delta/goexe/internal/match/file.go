package match

import (
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// file is one of the two executables with all that is known about it.
type file struct {
	image     *image.Image
	refs      []refs.Ref
	target    func(refs.Ref) uint64
	functions []function
	buckets   []int32 // the last function that begins at or before each 256th byte of the text
	cut       []Span  // left out of the text that is searched
}

// text is a file as the search sees it: its bytes but for what was cut out, with every reference replaced by a number for
// what it points at.
type text struct {
	bytes  []byte
	inside []uint64 // a bit for every byte: it belongs to a reference, but is not its first byte
}

// in tells whether t cannot be taken apart before byte i.
func (t *text) in(i int) bool { return t.inside[i>>6]>>(i&63)&1 != 0 }

// unit returns how many bytes at i go together: those of a reference, or one.
func (t *text) unit(i int) int {
	n := 1
	for i+n < len(t.bytes) && t.in(i+n) {
		n++
	}
	return n
}

// newFile reads what a scanner knows.
func newFile(s *refs.Scanner, cut []Span) *file {
	m := s.Image()
	size := uint64(len(m.Data))
	f := &file{image: m, refs: s.Append(nil, 0, size, size), target: s.Target, cut: cut}
	f.readFunctions()
	return f
}

// derived lists the spans of a file that are never copied from.
func derived(s *refs.Scanner) []Span {
	var list []Span
	for _, r := range s.Regions() {
		if r.Class == refs.Derived {
			list = append(list, Span{Off: r.Off, Size: r.End - r.Off})
		}
	}
	return list
}

// place returns where in the text the byte at a file offset is, or would be if it were not cut out.
func (f *file) place(off uint64) int {
	gone := uint64(0)
	for _, c := range f.cut {
		if c.Off >= off {
			break
		}
		gone += min(c.Size, off-c.Off)
	}
	return int(off - gone)
}

// masked returns the file's bytes with all references zeroed.
func (f *file) masked() []byte {
	b := append([]byte(nil), f.image.Data...)
	for _, r := range f.refs {
		clear(b[r.Off : r.Off+uint32(r.Width)])
	}
	return b
}

// write puts the numbers into masked bytes, and cuts out what is to be cut.
func (f *file) write(masked []byte, numbers []uint32) *text {
	for i, r := range f.refs {
		putNumber(masked[r.Off:], numbers[i])
	}
	t := &text{bytes: masked}
	at, from := 0, 0
	for _, c := range f.cut {
		at += copy(masked[at:], masked[from:c.Off])
		from = int(c.Off + c.Size)
	}
	at += copy(masked[at:], masked[from:])
	t.bytes = masked[:at]
	t.inside = make([]uint64, at>>6+1)
	gone, cut := uint64(0), f.cut
	for _, r := range f.refs {
		for len(cut) > 0 && cut[0].Off <= uint64(r.Off) {
			gone += cut[0].Size
			cut = cut[1:]
		}
		for i := uint64(r.Off) - gone + 1; i < uint64(r.Off)-gone+uint64(r.Width) && i < uint64(at); i++ {
			t.inside[i>>6] |= 1 << (i & 63)
		}
	}
	return t
}
