// Package match finds what a new executable has in common with an old one. Only builders need it.
//
// Parties. A builder asks which new function was which old one, and which operations make the new file's bytes from the
// old one's. The answers travel in the patch: they may be good or bad, but a patcher never has to find them again, so they
// are no part of the format.
//
// Trust. The files may be anything that parses. Time and memory grow with their sizes, whatever is in them.
package match

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

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
		return Result{}, fmt.Errorf("%w: more than 2 GiB", image.ErrUnsupported)
	}
	return find(ctx, newFile(old, nil), newFile(new, cut), derived(old))
}

// efforts are those of the two rounds.
var efforts = []effort{{stride: 8, chain: 4}, {stride: 4, chain: 8, near: true}}

// find searches twice. In the first round a reference is told by what it points at looks like. That gives a map, and in
// the second round references are equal exactly if the map predicts the new one from the old one.
func find(ctx context.Context, old, new *file, dead []Span) (Result, error) {
	oldMasked, newMasked := old.masked(), new.masked()
	align := byName(old, new, oldMasked, newMasked)
	oldNumbers := old.byLooks(oldMasked, func(i int) int32 { return int32(i) })
	newNumbers := new.byLooks(newMasked, func(i int) int32 { return align[i] })
	a, b := old.cutOut(oldMasked), new.cutOut(newMasked)
	var ops []Op
	x := newIndex(len(a.bytes))
	for round, effort := range efforts {
		old.number(a, oldNumbers)
		new.number(b, newNumbers)
		x.fill(a.bytes, dead, effort)
		s := &search{old: a, new: b, index: x, pairs: pairs(old, new, align), prices: pricesOf(new)}
		pieces, err := s.run(ctx)
		if err != nil {
			return Result{}, err
		}
		ops = operations(pieces, len(b.bytes))
		if round == len(efforts)-1 {
			break
		}
		elect(old, new, ops, align)
		m, err := mapOf(old, new, ops, align)
		if err != nil {
			return Result{}, err
		}
		oldNumbers = old.byPlace(func(target uint64) uint64 { now, _ := m.Predict(target); return now })
		newNumbers = new.byPlace(func(target uint64) uint64 { return target })
	}
	return Result{align, ops}, nil
}

// mapOf returns where things are by operations and functions.
func mapOf(old, new *file, ops []Op, align []int32) (*remap.Map, error) {
	copies, err := remap.Copies(old.image.Sections, new.image.Sections, new.cut, ops)
	if err != nil {
		return nil, err
	}
	m := remap.New(old.image, new.image.Sections, copies)
	for i, k := range align {
		if k >= 0 {
			m.Learn(old.functions[k].start, new.functions[i].start)
		}
	}
	teach(m, old, new, ops)
	return m, nil
}

// teach shows m the references that operations take along, as the patcher will come to know them.
func teach(m *remap.Map, old, new *file, ops []Op) {
	places := make([]int32, 0, len(new.refs))
	new.places(func(_ refs.Ref, at int) { places = append(places, int32(at)) })
	i, p, q := 0, 0, 0
	for _, o := range ops {
		k, _ := slices.BinarySearchFunc(old.refs, uint32(p), func(r refs.Ref, p uint32) int { return cmp.Compare(r.Off, p) })
		for i < len(places) && int(places[i]) < q {
			i++
		}
		for end := q + int(o.Add); k < len(old.refs) && i < len(places) && int(places[i]) < end; {
			was, is := old.refs[k], new.refs[i]
			switch at := int(was.Off) - p + q; {
			case at < int(places[i]):
				k++
			case at > int(places[i]):
				i++
			default:
				if target := new.target(is); was.Kind == is.Kind {
					if now, c := m.Predict(old.target(was)); now != target || c >= remap.BssNear {
						m.Learn(old.target(was), target)
					}
				}
				k++
				i++
			}
		}
		p += int(o.Add + o.Seek)
		q += int(o.Add + o.Copy)
	}
}
