package derived

import (
	"errors"
	"fmt"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// ErrLayout says that a patch describes derived tables that no file of its size has.
var ErrLayout = errors.New("derived tables that cannot be")

// Sides are the two files a layout is coded between. Of New only Format, Base and Sections are used.
type Sides struct {
	Old, New         *image.Image
	OldSize, NewSize uint64
}

// layoutModels are the numbers of one layout; it is coded once, so most learn next to nothing.
type layoutModels struct {
	has    [6]entropy.Prob
	number entropy.Int
	small  entropy.Int
}

// CodeLayout codes where the derived tables of the new file are, against the old one's. new is ignored in decoding. The
// result has no lists yet when it is decoded: see [Tables.CodeLists]. Whether it fits in the file, [Tables.Spans] tells.
func CodeLayout(c *entropy.Coder, old, new *Tables, s Sides) (*Tables, error) {
	t := new
	if !c.Encoding() {
		t = &Tables{}
	}
	m := &layoutModels{}
	t.FindFunc = c.Flag(&m.has[0], t.FindFunc)
	var err error
	switch s.New.Format {
	case image.PE:
		err = t.codeRelocs(c, m, old, s)
	case image.MachO:
		if err = t.codeRebases(c, m, old, s); err == nil {
			err = t.codeDirectories(c, m, old, s)
		}
	}
	if err == nil {
		err = c.Err()
	}
	return t, err
}

// mostPointers is how many pointers a file of that size may list, and mostBytes how long the list may be there. Real files
// have a third of it at most; the limits keep what a patcher takes for a hostile patch below the size of the new file.
func mostPointers(size uint64) uint64 { return size/64 + 1024 }
func mostBytes(size uint64) uint64    { return size / 4 }

// against codes v as a difference to what is expected.
func against(c *entropy.Coder, m *entropy.Int, v, expected uint64) uint64 {
	return expected + uint64(c.Int(m, int64(v-expected)))
}

// codeRelocs codes which section holds the relocations: it starts and ends with them.
func (t *Tables) codeRelocs(c *entropy.Coder, m *layoutModels, old *Tables, s Sides) error {
	if !c.Flag(&m.has[1], t.Relocs != nil) {
		return nil
	}
	expected := len(s.New.Sections) - 1
	if old.Relocs != nil {
		expected = sectionAt(s.Old, old.Relocs.Off)
	}
	index := uint64(0)
	if c.Encoding() {
		index = uint64(sectionAt(s.New, t.Relocs.Off))
	}
	index = against(c, &m.small, index, uint64(expected))
	if index >= uint64(len(s.New.Sections)) {
		return fmt.Errorf("%w: relocations in section %d", ErrLayout, index)
	}
	if !c.Encoding() {
		at := s.New.Sections[index]
		t.Relocs = &Relocs{Off: at.Off, Size: at.FileSize, most: mostPointers(s.NewSize)}
	}
	if t.Relocs.Size > mostBytes(s.NewSize) {
		return fmt.Errorf("%w: %d bytes of relocations in a file of %d", ErrLayout, t.Relocs.Size, s.NewSize)
	}
	return nil
}

// sectionAt returns the index of the section that holds a byte of the file.
func sectionAt(m *image.Image, off uint64) int {
	for i, s := range m.Sections {
		if off >= s.Off && off-s.Off < s.FileSize {
			return i
		}
	}
	return 0
}

func (t *Tables) codeRebases(c *entropy.Coder, m *layoutModels, old *Tables, s Sides) error {
	if !c.Flag(&m.has[2], t.Rebases != nil) {
		return nil
	}
	o := old.Rebases
	if o == nil {
		o = &Rebases{Base: s.Old.Base}
	}
	if !c.Encoding() {
		t.Rebases = &Rebases{most: mostPointers(s.NewSize)}
	}
	r := t.Rebases
	r.Base = s.New.Base
	r.Off = against(c, &m.number, r.Off, o.Off+filesEnd(s.New)-filesEnd(s.Old))
	r.Size = against(c, &m.number, r.Size, o.Size)
	n := against(c, &m.small, uint64(len(r.Segments)), uint64(len(o.Segments)))
	if n > maxSegments || r.Size > mostBytes(s.NewSize) {
		return fmt.Errorf("%w: %d bytes of rebase opcodes for %d segments in a file of %d", ErrLayout, r.Size, n, s.NewSize)
	}
	if !c.Encoding() {
		r.Segments = make([]uint64, n)
	}
	for i := range r.Segments {
		r.Segments[i] = against(c, &m.number, r.Segments[i], expectedSegment(o, s, i))
		if i > 0 && r.Segments[i-1] >= r.Segments[i] {
			return fmt.Errorf("%w: segments that do not ascend", ErrLayout)
		}
	}
	return nil
}

// expectedSegment guesses a segment's address: it starts where the section of the same number as in the old file does, or
// has not moved.
func expectedSegment(o *Rebases, s Sides, i int) uint64 {
	if i >= len(o.Segments) {
		return 0
	}
	for k, sect := range s.Old.Sections {
		if sect.Addr == o.Segments[i] && k < len(s.New.Sections) {
			return s.New.Sections[k].Addr
		}
	}
	return o.Segments[i]
}

// filesEnd returns where the last section ends in the file.
func filesEnd(m *image.Image) uint64 {
	end := uint64(0)
	for _, s := range m.Sections {
		end = max(end, s.Off+s.FileSize)
	}
	return end
}

func (t *Tables) codeDirectories(c *entropy.Coder, m *layoutModels, old *Tables, s Sides) error {
	n := against(c, &m.small, uint64(len(t.Directories)), uint64(len(old.Directories)))
	if n > maxDirectories {
		return fmt.Errorf("%w: %d code directories", ErrLayout, n)
	}
	if !c.Encoding() {
		t.Directories = make([]Directory, n)
	}
	last := Directory{Hash: hashSHA256, PageBits: minPageBits}
	for i := range t.Directories {
		expected := last
		if i < len(old.Directories) {
			expected = old.Directories[i].grown(s.OldSize, s.NewSize)
			if i > 0 {
				expected.Limit = last.Limit
			}
		}
		d := &t.Directories[i]
		d.Hash = uint8(against(c, &m.small, uint64(d.Hash), uint64(expected.Hash)))
		d.PageBits = uint8(against(c, &m.small, uint64(d.PageBits), uint64(expected.PageBits)))
		d.Limit = against(c, &m.number, d.Limit, expected.Limit)
		d.Off = against(c, &m.number, d.Off, d.Limit+expected.Off-expected.Limit)
		d.Count = d.pages()
		if !d.valid(s.NewSize) {
			return fmt.Errorf("%w: a code directory at %d of a file of %d", ErrLayout, d.Off, s.NewSize)
		}
		last = *d
	}
	return nil
}

// grown guesses how a directory changes when its file's size does: a file that is longer by a page has one more hash.
func (d Directory) grown(oldSize, newSize uint64) Directory {
	if !d.valid(oldSize) {
		return d
	}
	rest := oldSize - d.Limit - d.Size() // of the signature, whatever the size of the code
	each := hashes[d.Hash].size
	after := d.Off - d.Limit
	d.Limit = 0
	if newSize > rest {
		d.Count = (newSize - rest + 1<<d.PageBits + each - 1) / (1<<d.PageBits + each)
		d.Limit = max(newSize-rest, d.Size()) - d.Size()
	}
	d.Off = d.Limit + after
	return d
}
