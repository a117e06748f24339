package pcln

import (
	"cmp"
	"errors"
	"slices"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// The classes of functions, by what the copies say about their text.
const (
	alone  = iota // no counterpart
	level         // as long as the counterpart, and what is copied stays at its offset
	mostly        // moved within, three quarters copied
	partly        // less
	classes
)

// segment is text of a function that was copied from its counterpart: offsets from where they start.
type segment struct{ old, new, size uint32 }

// pair is a new function beside its counterpart.
type pair struct {
	class    uint8
	record   []byte // the counterpart's; nil when it has none
	length   uint32 // of the new text
	before   uint32 // of the old text
	segments []segment
}

// pairs are all of them.
type pairs struct {
	old     *Table
	layout  *Layout
	text    uint64 // address of the new text
	copies  []remap.Copy
	classes []uint8
	pair    pair
}

// newPairs finds the classes. The copies must be by ascending New and not overlap there.
func newPairs(old *Table, layout *Layout, text uint64, copies []remap.Copy) (*pairs, error) {
	at := uint64(0)
	for _, c := range copies {
		if c.New < at || c.New+c.Size < c.New || c.Old+c.Size < c.Old {
			return nil, errors.New("copies that are not in order")
		}
		at = c.New + c.Size
	}
	p := &pairs{old: old, layout: layout, text: text, copies: copies, classes: make([]uint8, len(layout.Align))}
	for i := range p.classes {
		start := text + uint64(layout.Entries[i])
		for len(copies) > 0 && copies[0].New+copies[0].Size <= start {
			copies = copies[1:]
		}
		p.classes[i] = p.measure(i, copies).class
	}
	return p, nil
}

// at returns function i beside its counterpart, until the next call.
func (p *pairs) at(i int) *pair {
	if p.classes[i] <= level {
		q := &p.pair
		*q = pair{class: p.classes[i], length: p.layout.length(i), segments: q.segments[:0]}
		if q.class == level {
			k := int(p.layout.Align[i])
			q.record, q.before = p.old.record(k), q.length
		}
		return q
	}
	start := p.text + uint64(p.layout.Entries[i])
	k := sort.Search(len(p.copies), func(k int) bool { return p.copies[k].New+p.copies[k].Size > start })
	return p.measure(i, p.copies[k:])
}

// measure looks at function i; copies are those that end behind its start.
func (p *pairs) measure(i int, copies []remap.Copy) *pair {
	q := &p.pair
	*q = pair{length: p.layout.length(i), segments: q.segments[:0]}
	k := int(p.layout.Align[i])
	if k < 0 {
		return q
	}
	if q.record = p.old.record(k); q.record == nil {
		return q
	}
	q.before = p.old.length(k)
	q.collect(copies, p.old.Entry(k), p.text+uint64(p.layout.Entries[i]))
	return q
}

// collect finds the segments and the class.
func (q *pair) collect(copies []remap.Copy, old, new uint64) {
	q.class = level
	covered := uint64(0)
	for _, c := range copies {
		if c.New >= new+uint64(q.length) {
			break
		}
		skip := max(sub(new, c.New), sub(old, c.Old))
		if skip >= c.Size {
			continue
		}
		a, b := c.Old+skip-old, c.New+skip-new
		if a >= uint64(q.before) || b >= uint64(q.length) {
			continue
		}
		n := min(c.Size-skip, uint64(q.before)-a, uint64(q.length)-b)
		q.segments = append(q.segments, segment{uint32(a), uint32(b), uint32(n)})
		covered += n
		if a != b {
			q.class = mostly
		}
	}
	if q.length != q.before {
		q.class = mostly
	}
	if q.class == mostly {
		if covered < uint64(q.length)/4*3 {
			q.class = partly
		}
		slices.SortFunc(q.segments, func(x, y segment) int {
			return cmp.Or(cmp.Compare(x.old, y.old), cmp.Compare(x.new, y.new))
		})
		q.segments = disjoint(q.segments)
	}
}

// disjoint cuts, in place, from each segment the old text that one before it has.
func disjoint(l []segment) []segment {
	keep, end := l[:0], uint32(0)
	for _, s := range l {
		if skip := uint32(sub(uint64(end), uint64(s.old))); skip < s.size {
			s = segment{s.old + skip, s.new + skip, s.size - skip}
			keep, end = append(keep, s), s.old+s.size
		}
	}
	return keep
}

// sub is a-b, or 0 if that is less.
func sub(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// move returns where the text at offset pc of the counterpart is now. What was not copied is where the next segment is.
func (q *pair) move(pc uint32) uint32 {
	if q.class == level {
		return pc
	}
	i, _ := slices.BinarySearchFunc(q.segments, pc, func(s segment, pc uint32) int {
		if s.old+s.size <= pc {
			return -1
		}
		return 1
	})
	switch {
	case i < len(q.segments):
		s := q.segments[i]
		return s.new + uint32(sub(uint64(pc), uint64(s.old)))
	case i > 0:
		s := q.segments[i-1]
		return s.new + pc - s.old
	}
	return pc
}
