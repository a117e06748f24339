package pcln

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// shifts is what was learned of the sources: by how much the lines of each old file moved, and which index each file of
// an old compilation unit has now.
type shifts struct {
	cus   []byte // the old cutab
	lines map[uint32]*drift
	hot   []uint64 // a bit for each old file, by its place in filetab: do lines of it move?
	known []uint64 // a bit for each word of the old cutab: has the file another index than its neighbours make one think?
	index []int32  // which
}

// drift says that numbers from at on, up to the next such, moved by by.
type drift struct{ at, by []int32 }

// predict returns where v is now. What lies before all that is known moves with the first of it.
func (d *drift) predict(v int32) int32 {
	if len(d.at) == 0 {
		return v
	}
	i, exact := slices.BinarySearch(d.at, v)
	if !exact && i > 0 {
		i--
	}
	return v + d.by[i]
}

// learn is told where a number is now.
func (d *drift) learn(old, new int32) {
	if d.predict(old) == new {
		return
	}
	i, exact := slices.BinarySearch(d.at, old)
	switch {
	case exact:
		d.by[i] = new - old
	case len(d.at) < maxPoints:
		d.at, d.by = slices.Insert(d.at, i, old), slices.Insert(d.by, i, new-old)
	}
}

// maxPoints bounds how finely a drift is known, maxShifted for how many files.
const (
	maxPoints  = 1 << 12
	maxShifted = 1 << 12
)

const noFile = ^uint32(0)

func newShifts(t *Table) *shifts {
	g := &t.image.Go
	s := &shifts{lines: map[uint32]*drift{}, hot: make([]uint64, g.Files.Size/64+1)}
	s.cus = t.image.Bytes(g.CUs.Addr, g.CUs.Size)
	return s
}

// file names the old file of that index in the compilation unit at cu.
func (s *shifts) file(cu uint32, index int32) uint32 {
	i := uint64(cu) + uint64(uint32(index))
	if index < 0 || i >= uint64(len(s.cus)/4) {
		return noFile
	}
	return binary.LittleEndian.Uint32(s.cus[4*i:])
}

// moves tells whether lines of the old file are known to have moved.
func (s *shifts) moves(file uint32) bool {
	return uint64(file) < 64*uint64(len(s.hot)) && s.hot[file/64]>>(file%64)&1 != 0
}

// line predicts where the line of an old file is now.
func (s *shifts) line(file uint32, line int32) int32 {
	if !s.moves(file) {
		return line
	}
	return s.lines[file].predict(line)
}

// learnLine is told where a line of an old file is now.
func (s *shifts) learnLine(file uint32, old, new int32) {
	if s.line(file, old) == new || uint64(file) >= 64*uint64(len(s.hot)) {
		return
	}
	f := s.lines[file]
	if f == nil {
		if len(s.lines) == maxShifted {
			return
		}
		f = &drift{}
		s.lines[file] = f
		s.hot[file/64] |= 1 << (file % 64)
	}
	f.learn(old, new)
}

// fileIndex predicts which index the file has now: what was learned, or as far from the next known file before it in the
// compilation unit as it was.
func (s *shifts) fileIndex(cu uint32, index int32) int32 {
	i := uint64(cu) + uint64(uint32(index))
	if index < 0 || i >= 64*uint64(len(s.known)) {
		return index
	}
	w := i / 64
	rest := s.known[w] & (2<<(i%64) - 1)
	for rest == 0 && w > uint64(cu)/64 {
		w--
		rest = s.known[w]
	}
	if rest == 0 {
		return index
	}
	at := w*64 + uint64(63-bits.LeadingZeros64(rest))
	if at < uint64(cu) {
		return index
	}
	return s.index[at] + int32(i-at)
}

// learnFile is told which index the file has now.
func (s *shifts) learnFile(cu uint32, old, new int32) {
	i := uint64(cu) + uint64(uint32(old))
	if old < 0 || i >= uint64(len(s.cus)/4) || s.fileIndex(cu, old) == new {
		return
	}
	if s.known == nil {
		s.index = make([]int32, len(s.cus)/4)
		s.known = make([]uint64, len(s.index)/64+1)
	}
	s.known[i/64] |= 1 << (i % 64)
	s.index[i] = new
}
