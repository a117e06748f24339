package remap

import (
	"cmp"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Places tells where in memory a place in the file is. It is fast where questions come in order, and not safe for
// concurrent use.
type Places struct {
	filed []image.Section // with bytes in the file, by ascending Off
	last  int             // where the previous question was answered
}

// NewPlaces returns the places of sections that are disjoint in the file. It does not keep the list.
func NewPlaces(sections []image.Section) *Places {
	filed := slices.DeleteFunc(slices.Clone(sections), func(s image.Section) bool { return s.FileSize == 0 })
	slices.SortStableFunc(filed, func(a, b image.Section) int { return cmp.Compare(a.Off, b.Off) })
	return &Places{filed: filed}
}

// Address returns the address of the byte at off, if it has one.
func (l *Places) Address(off uint64) (addr uint64, ok bool) {
	addr, _, ok = l.at(off)
	return addr, ok
}

// at returns the address of the byte at off and how many bytes, at least one, follow in the same way: in the section or,
// if ok is false, up to the next one.
func (l *Places) at(off uint64) (addr, run uint64, ok bool) {
	if l.last >= len(l.filed) || off < l.filed[l.last].Off || l.next(l.last) <= off {
		i, _ := slices.BinarySearchFunc(l.filed, off, func(s image.Section, off uint64) int {
			if s.Off <= off {
				return -1
			}
			return 1
		})
		if l.last = max(i-1, 0); i == 0 {
			return 0, l.next(-1) - off, false
		}
	}
	s := &l.filed[l.last]
	if d := off - s.Off; d < s.FileSize {
		return s.Addr + d, min(s.FileSize-d, l.next(l.last)-off), true
	}
	return 0, l.next(l.last) - off, false
}

// next returns where the section behind number i begins.
func (l *Places) next(i int) uint64 {
	if i+1 >= len(l.filed) {
		return forever
	}
	return l.filed[i+1].Off
}

const forever = 1<<64 - 1
