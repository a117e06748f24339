package goexe

import (
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pcln"
)

// functions finds the new function at a place in the new file, and its counterpart in the old one.
type functions struct {
	old     *program
	layout  *pcln.Layout
	text    uint64 // where in the new file the entries count from
	size    uint64 // of the text
	current function
}

// function is one of the new file.
type function struct {
	number     int // -1: none
	start, end uint64
}

func newFunctions(old *program, next *image.Image, layout *pcln.Layout) *functions {
	f := &functions{old: old, layout: layout, current: function{number: -1}}
	if n := len(layout.Entries); n > 1 {
		if off, ok := next.Offset(next.Go.Text); ok {
			f.text, f.size = off, uint64(layout.Entries[n-1])
		}
	}
	return f
}

// at returns the function at the new place q.
func (f *functions) at(q uint64) (function, bool) {
	if f.current.number < 0 || q < f.current.start || q >= f.current.end {
		f.current = f.find(q)
	}
	return f.current, f.current.number >= 0
}

func (f *functions) find(q uint64) function {
	in := q - f.text
	if in >= f.size {
		return function{number: -1}
	}
	e := f.layout.Entries
	i := sort.Search(len(e)-1, func(i int) bool { return uint64(e[i+1]) > in })
	if i == len(e)-1 || uint64(e[i]) > in {
		return function{number: -1}
	}
	return function{i, f.text + uint64(e[i]), f.text + uint64(e[i+1])}
}

// counterpart returns where in the old file a function's counterpart starts and ends.
func (f *functions) counterpart(g function) (start, end uint64, ok bool) {
	i := int(f.layout.Align[g.number])
	if i < 0 {
		return 0, 0, false
	}
	from, to := f.old.funcs.Entry(i), f.old.funcs.Entry(i+1)
	start, ok = f.old.image.Offset(from)
	if !ok || to < from || to-from > uint64(len(f.old.image.Data))-start {
		return 0, 0, false
	}
	return start, start + to - from, true
}

// diagonal returns the distance from the new place q to the same place in its function's counterpart.
func (f *functions) diagonal(q uint64) (d int64, ok bool) {
	g, ok := f.at(q)
	if !ok {
		return 0, false
	}
	start, _, ok := f.counterpart(g)
	return int64(start - g.start), ok
}
