package goexe

import (
	"cmp"
	"slices"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pcln"
)

// placeFinder tells where in memory a place in the file is.
type placeFinder struct {
	byOff []image.Section
	last  image.Section
}

func newPlaceFinder(l []image.Section) placeFinder {
	l = slices.DeleteFunc(slices.Clone(l), func(s image.Section) bool { return s.FileSize == 0 })
	slices.SortFunc(l, func(a, b image.Section) int { return cmp.Compare(a.Off, b.Off) })
	return placeFinder{byOff: l}
}

func (f *placeFinder) addr(off uint64) (uint64, bool) {
	if off-f.last.Off >= f.last.FileSize {
		i := sort.Search(len(f.byOff), func(i int) bool { return f.byOff[i].Off > off }) - 1
		if i < 0 || off-f.byOff[i].Off >= f.byOff[i].FileSize {
			return 0, false
		}
		f.last = f.byOff[i]
	}
	return f.last.Addr + off - f.last.Off, true
}

// homes tells where in the old file the counterpart of a new place is: as far into the old function as the place is into
// the new one.
type homes struct {
	old            *program
	layout         *pcln.Layout
	textOff, size  uint64 // of the new text in the new file
	last           int
	offset, length uint64 // of the last function in the text
}

func newHomes(old *program, next *image.Image, layout *pcln.Layout) *homes {
	h := &homes{old: old, layout: layout, last: -1}
	if n := len(layout.Entries); n > 1 {
		if off, ok := next.Offset(next.Go.Text); ok {
			h.textOff, h.size = off, uint64(layout.Entries[n-1])
		}
	}
	return h
}

// diagonal returns the distance from the new place q to its counterpart, if its function has one.
func (h *homes) diagonal(q uint64) (d int64, ok bool) {
	in := q - h.textOff
	if in >= h.size {
		return 0, false
	}
	if h.last < 0 || in-h.offset >= h.length {
		h.find(uint32(in))
	}
	if h.last < 0 || h.layout.Align[h.last] < 0 {
		return 0, false
	}
	start, ok := h.old.image.Offset(h.old.funcs.Entry(int(h.layout.Align[h.last])))
	if !ok {
		return 0, false
	}
	return int64(start) - int64(h.textOff+h.offset), true
}

func (h *homes) find(in uint32) {
	e := h.layout.Entries
	h.last = sort.Search(len(e)-1, func(i int) bool { return e[i+1] > in })
	if h.last == len(e)-1 || e[h.last] > in {
		h.last = -1
		return
	}
	h.offset, h.length = uint64(e[h.last]), uint64(e[h.last+1]-e[h.last])
}
