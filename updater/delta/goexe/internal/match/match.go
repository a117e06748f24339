// Package match finds what a new executable has in common with an old one. Only builders need it.
//
// Parties. A builder asks which new function was which old one, and which operations make the new file's bytes from the
// old one's. The answers travel in the patch: they may be good or bad, but a patcher never has to find them again, so they
// are no part of the format.
//
// Trust. The files may be anything that parses. Time and memory grow with their sizes, whatever is in them.
package match

import (
	"context"
	"math"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// Op and Span are what the patcher knows too.
type (
	Op   = remap.Op
	Span = remap.Span
)

// Result is what two files have in common.
type Result struct {
	// Functions gives for each new function the number of its old counterpart, -1 for none. Several may share one.
	Functions []int32
	// Ops make the new file's bytes outside the cut spans.
	Ops []Op
}

// Find compares two executables. The cut spans, by ascending offset, are those of the new file that are made otherwise.
func Find(ctx context.Context, old, new *refs.Scanner, cut []Span) (Result, error) {
	if len(old.Image().Data) > math.MaxInt32 || len(new.Image().Data) > math.MaxInt32 {
		return Result{}, image.ErrUnsupported
	}
	return find(ctx, newFile(old, nil), newFile(new, cut), derived(old))
}

// find searches twice. In the first round a reference is told by what it points at looks like. That gives a map, and in
// the second round references are equal exactly if the map will predict the new one from the old one.
func find(ctx context.Context, old, new *file, dead []Span) (Result, error) {
	oldMasked, newMasked := old.masked(), new.masked()
	align := byName(old, new, oldMasked, newMasked)
	known := func(i int) int32 { return align[i] }
	a := old.write(oldMasked, old.byLooks(oldMasked, func(i int) int32 { return int32(i) }))
	b := new.write(newMasked, new.byLooks(newMasked, known))
	s := &search{old: a, new: b, index: newIndex(a.bytes, dead), pairs: pairs(old, new, align)}
	pieces, err := s.run(ctx)
	if err != nil {
		return Result{}, err
	}
	return Result{align, operations(pieces, len(a.bytes), len(b.bytes))}, nil
}
