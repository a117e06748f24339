// Package remap says where in the new image a thing of the old one is now.
//
// Parties. Builder and patcher build the same [Map] from the same operations and teach it the same corrections; then the
// same questions get the same answers, on every machine. What it answers belongs to the numbered patch format.
//
// Trust. Operations, new sections and whatever is learned come from a patch and may be anything. Answers are wrong then,
// never a panic. Memory grows with the old file, the number of copies and the number of things learned, and with nothing
// else; an answer takes bounded time.
package remap

import (
	"math/bits"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Confidence tells what a prediction rests on.
type Confidence uint8

// The confidences.
const (
	Covered  Confidence = iota // the target was copied
	Gap                        // in the file, but not copied: it moves with what lies before it
	Learned                    // in the file, and learned
	BssExact                   // in memory only, and learned
	BssNear                    // in memory only; something nearby was learned
	None                       // nothing is known but how its section moved
	NumConfidences
)

const (
	pageBits  = 12 // the index counts in pages
	blockBits = 4  // what is learned in parts that are in memory only speaks for blocks
	near      = 64 // words of 64 blocks on both sides in which a neighbour is looked for: 64 KiB
)

// Map answers where things are now. It is not safe for concurrent use.
type Map struct {
	lo, span uint64  // what the index covers: addresses lo up to lo+span
	entries  []entry // by ascending start, the first at 0
	pages    []uint32

	guard   []uint64 // a bit for every block that something was learned in
	learned table    // address less lo -> what it became
	blocks  table    // block -> the shift learned there last

	old   []image.Section
	moved []image.Section // for each old section the new one of its name, or the old one itself
}

// entry speaks for everything from start to the next entry.
type entry struct {
	start, end uint32 // less lo; copied is what lies before end
	shift      uint64 // to be added, or one of the two below
}

// What is not in the file is told by shifts that no honest copy has.
const (
	nowhere    = 1<<63 - 1 // between sections
	memoryOnly = 1 << 63
)

// New builds the map from the copies, as [Copies] gives them.
func New(old *image.Image, sections []image.Section, copies []Copy) *Map {
	m := &Map{old: old.Sections, moved: make([]image.Section, len(old.Sections))}
	for i, s := range old.Sections {
		m.moved[i] = s
		if j := slices.IndexFunc(sections, func(n image.Section) bool { return n.Name == s.Name }); j >= 0 {
			m.moved[i] = sections[j]
		}
	}
	m.measure(uint64(len(old.Data)))
	m.fill(copies)
	m.index()
	m.guard = make([]uint64, m.span>>(blockBits+6)+1)
	return m
}

// measure sets what the index covers: all sections, unless they lie wider apart than an honest file's.
func (m *Map) measure(size uint64) {
	if len(m.old) == 0 {
		return
	}
	last := m.old[len(m.old)-1]
	m.lo = m.old[0].Addr
	m.span = min(last.Addr+last.MemSize-m.lo, 8*size+64<<20, 1<<32-2)
}

// fill makes the entries, section by section: its beginning, what was copied, and the part in memory only.
func (m *Map) fill(copies []Copy) {
	order := make([]uint32, len(copies))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(a, b uint32) int {
		x, y := copies[a], copies[b]
		switch {
		case x.Old < y.Old:
			return -1
		case x.Old > y.Old:
			return 1
		}
		return int(a) - int(b)
	})
	w := sweep{copies: copies, lo: m.lo, entries: make([]entry, 0, len(copies)+len(copies)/4+2*len(m.old))}
	for i := range m.old {
		s := &m.old[i]
		start := s.Addr - m.lo
		if start >= m.span {
			break
		}
		filed := min(s.FileSize, m.span-start)
		if filed > 0 {
			w.entries = append(w.entries, entry{uint32(start), uint32(start), m.moved[i].Addr - s.Addr})
			order = w.section(order, s.Addr, s.Addr+filed)
		}
		if s.FileSize < s.MemSize && start+filed < m.span {
			w.entries = append(w.entries, entry{uint32(start + filed), uint32(start + filed), memoryOnly})
		}
		if end := start + s.MemSize; end < m.span {
			w.entries = append(w.entries, entry{uint32(end), uint32(end), nowhere})
		}
	}
	m.entries = slices.Clip(w.entries)
}

// index notes for every page how many entries begin at or before its first byte.
func (m *Map) index() {
	m.pages = make([]uint32, m.span>>pageBits+2)
	n := 0
	for i := range m.pages {
		for n < len(m.entries) && uint64(m.entries[n].start) <= uint64(i)<<pageBits {
			n++
		}
		m.pages[i] = uint32(n)
	}
}

// find returns the entry that speaks for r, which is less than span.
func (m *Map) find(r uint64) *entry {
	a, b := m.pages[r>>pageBits], m.pages[r>>pageBits+1]
	for b-a > 8 {
		if mid := (a + b) / 2; uint64(m.entries[mid].start) <= r {
			a = mid
		} else {
			b = mid
		}
	}
	for a < b && uint64(m.entries[a].start) <= r {
		a++
	}
	return &m.entries[a-1]
}

// Predict returns the address at which what was at target is now, and what that rests on.
func (m *Map) Predict(target uint64) (uint64, Confidence) {
	r := target - m.lo
	if r >= m.span {
		return m.bySection(target), None
	}
	e := m.find(r)
	if m.guard[r>>(blockBits+6)]>>(r>>blockBits&63)&1 != 0 {
		if v, ok := m.learned.get(uint32(r)); ok {
			if e.shift == memoryOnly {
				return v, BssExact
			}
			return v, Learned
		}
	}
	switch {
	case e.shift == memoryOnly:
		if shift, ok := m.neighbour(r >> blockBits); ok {
			return target + shift, BssNear
		}
		return m.bySection(target), None
	case e.shift == nowhere:
		return m.bySection(target), None
	case r < uint64(e.end):
		return target + e.shift, Covered
	}
	return target + e.shift, Gap
}

// Learn tells what a reference to target turned out to be. It is worth a call when the prediction was wrong, or rested on
// BssNear or None.
func (m *Map) Learn(target, value uint64) {
	r := target - m.lo
	if r >= m.span {
		return
	}
	block := r >> blockBits
	m.guard[block>>6] |= 1 << (block & 63)
	m.learned.put(uint32(r), value)
	m.blocks.put(uint32(block), value-target)
}

// neighbour returns the shift of the nearest block that something was learned in.
func (m *Map) neighbour(block uint64) (shift uint64, ok bool) {
	below, okBelow := m.below(block)
	above, okAbove := m.above(block)
	if okBelow && (!okAbove || block-below <= above-block) {
		return m.blocks.get(uint32(below))
	}
	if okAbove {
		return m.blocks.get(uint32(above))
	}
	return 0, false
}

// below returns the nearest guarded block at or before this one.
func (m *Map) below(block uint64) (uint64, bool) {
	w := block >> 6
	set := m.guard[w] & (1<<(block&63+1) - 1)
	for range near {
		if set != 0 {
			return w<<6 + 63 - uint64(bits.LeadingZeros64(set)), true
		}
		if w == 0 {
			break
		}
		w--
		set = m.guard[w]
	}
	return 0, false
}

// above returns the nearest guarded block behind this one.
func (m *Map) above(block uint64) (uint64, bool) {
	w := block >> 6
	set := m.guard[w] &^ (1<<(block&63+1) - 1)
	for range near {
		if set != 0 {
			return w<<6 + uint64(bits.TrailingZeros64(set)), true
		}
		if w++; w == uint64(len(m.guard)) {
			break
		}
		set = m.guard[w]
	}
	return 0, false
}

// bySection moves target as the section does that it lies in, or else the end of the section before it.
func (m *Map) bySection(target uint64) uint64 {
	i, _ := slices.BinarySearchFunc(m.old, target, func(s image.Section, target uint64) int {
		if s.Addr <= target {
			return -1
		}
		return 1
	})
	if i == 0 {
		return target
	}
	from, to := m.old[i-1], m.moved[i-1]
	if d := target - from.Addr; d < from.MemSize {
		return to.Addr + d
	}
	return to.Addr + to.MemSize + (target - from.Addr - from.MemSize)
}
