package match

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// file is one of the two executables with all that is known about it.
type file struct {
	image     *image.Image
	regions   []refs.Region
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

// bytesPerRef is how many bytes of a program there are for each reference, or a few more.
const bytesPerRef = 28

// newFile reads what a scanner knows.
func newFile(s *refs.Scanner, cut []Span) *file {
	m := s.Image()
	size := uint64(len(m.Data))
	all := s.Append(make([]refs.Ref, 0, size/bytesPerRef), 0, size, size)
	f := &file{image: m, regions: s.Regions(), refs: outside(all, cut), target: s.Target, cut: cut}
	f.readFunctions()
	return f
}

// outside keeps, in place, the references that have no byte in a cut span.
func outside(list []refs.Ref, cut []Span) []refs.Ref {
	keep := list[:0]
	for _, r := range list {
		for len(cut) > 0 && cut[0].Off+cut[0].Size <= uint64(r.Off) {
			cut = cut[1:]
		}
		if len(cut) == 0 || uint64(r.Off)+uint64(r.Width) <= cut[0].Off {
			keep = append(keep, r)
		}
	}
	return keep
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

// cutOut makes a text of masked bytes, in place. Its references have no numbers yet.
func (f *file) cutOut(masked []byte) *text {
	at, from := 0, 0
	for _, c := range f.cut {
		at += copy(masked[at:], masked[from:c.Off])
		from = int(c.Off + c.Size)
	}
	at += copy(masked[at:], masked[from:])
	t := &text{bytes: masked[:at], inside: make([]uint64, at>>6+1)}
	f.places(func(r refs.Ref, at int) {
		for i := at + 1; i < at+int(r.Width); i++ {
			t.inside[i>>6] |= 1 << (i & 63)
		}
	})
	return t
}

// number puts numbers, one for each of the file's references, into its text.
func (f *file) number(t *text, numbers []uint32) {
	i := 0
	f.places(func(_ refs.Ref, at int) {
		binary.LittleEndian.PutUint32(t.bytes[at:], numbers[i])
		i++
	})
}

// places tells where in the text each reference is.
func (f *file) places(yield func(r refs.Ref, at int)) {
	gone, cut := 0, f.cut
	for _, r := range f.refs {
		for len(cut) > 0 && cut[0].Off <= uint64(r.Off) {
			gone += int(cut[0].Size)
			cut = cut[1:]
		}
		yield(r, int(r.Off)-gone)
	}
}
