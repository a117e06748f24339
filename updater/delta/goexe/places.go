package goexe

import (
	"cmp"
	"slices"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
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
