package pcln

import (
	"errors"
	"io"
	"math/bits"
)

// errFull says that more was to be written than the table holds.
var errFull = errors.New("the pc tables do not fit where they belong")

// placer lays pc tables out as the linker does: a zero first, then each distinct table where it is first used. What is
// empty is at 0. It writes what it has placed and remembers of it a hash only.
type placer struct {
	w     io.Writer
	buf   []byte
	front uint64 // where the next table goes
	limit uint64

	made    index  // tables that are no old ones
	fresh   uint64 // how many tables are in made
	carried index  // old tables, but for the last of them, which are in
	pending []placed

	old    []byte // the old pctab
	starts []word64
	at     []uint32 // where each old table is now; 0 for nowhere yet
}

// placed is an old table that no other one was compared with so far. Nearly all tables are such: looking each of them up
// at once would have the processor wait for memory every time.
type placed struct {
	hash uint64
	at   uint32
}

// word64 tells for 64 bytes of the old pctab where tables start, and how many start before them.
type word64 struct {
	starts uint64
	before uint32
}

const (
	flushAt    = 32 << 10
	maxPending = 1 << 12
)

// newPlacer returns a placer that knows where the old tables are. It writes from begin on.
func newPlacer(t *Table) *placer {
	p := &placer{old: t.pctab, starts: make([]word64, len(t.pctab)/64+1)}
	for i := range t.num {
		r := t.record(i)
		if r == nil {
			continue
		}
		for k := range columns(r) {
			if off := column(r, k); off < uint32(len(p.old)) {
				p.starts[off/64].starts |= 1 << (off % 64)
			}
		}
	}
	n := uint32(0)
	for i := range p.starts {
		p.starts[i].before = n
		n += uint32(bits.OnesCount64(p.starts[i].starts))
	}
	p.at = make([]uint32, n)
	p.made, p.carried = newIndex(0), newIndex(int(n))
	p.pending = make([]placed, 0, maxPending)
	return p
}

// begin starts a table of that size.
func (p *placer) begin(w io.Writer, size uint64) error {
	p.w, p.limit = w, size
	if size == 0 {
		return errFull
	}
	p.buf = append(make([]byte, 0, flushAt+4096), 0)
	p.front = 1
	return nil
}

// end fills the table up with zeros, less than a word of them, and writes what is left.
func (p *placer) end() error {
	if p.limit-p.front >= 8 {
		return errors.New("the pc tables do not fill where they belong")
	}
	p.buf = append(p.buf, make([]byte, p.limit-p.front)...)
	return p.flush()
}

func (p *placer) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

// table returns the old pc table at off, nil for none. off comes from an old record.
func (p *placer) table(off uint32) []byte {
	if off == 0 || off >= uint32(len(p.old)) {
		return nil
	}
	i := off / 64
	rest := p.starts[i].starts &^ (2<<(off%64) - 1)
	for rest == 0 {
		if i++; i == uint32(len(p.starts)) {
			return p.old[off : int(off)+tableEnd(p.old[off:])]
		}
		rest = p.starts[i].starts
	}
	return p.old[off : i*64+uint32(bits.TrailingZeros64(rest))]
}

// carry places the old table at off as it is.
func (p *placer) carry(off uint32) (uint32, error) {
	if off == 0 || off >= uint32(len(p.old)) {
		return 0, nil
	}
	s := &p.starts[off/64]
	i := s.before + uint32(bits.OnesCount64(s.starts&(1<<(off%64)-1)))
	if p.at[i] != 0 {
		return p.at[i], nil
	}
	table := p.table(off)
	if len(table) == 0 {
		return 0, nil
	}
	h := hash(table)
	at, ok := p.made.find(h)
	if !ok {
		var err error
		if at, err = p.append(table); err != nil {
			return 0, err
		}
		if p.pending = append(p.pending, placed{h, at}); len(p.pending) == maxPending {
			p.settle()
		}
	}
	p.at[i] = at
	return at, nil
}

// settle makes the old tables that were placed known.
func (p *placer) settle() {
	for _, t := range p.pending {
		p.carried.add(t.hash, t.at)
	}
	p.pending = p.pending[:0]
}

// place returns where a table is, after writing it if it is new.
func (p *placer) place(table []byte) (uint32, error) {
	if len(table) == 0 {
		return 0, nil
	}
	p.settle()
	h := hash(table)
	if at, ok := p.made.find(h); ok {
		return at, nil
	}
	if at, ok := p.carried.find(h); ok {
		return at, nil
	}
	at, err := p.append(table)
	if err == nil {
		p.made.add(h, at)
		p.fresh++
	}
	return at, err
}

// append writes a table.
func (p *placer) append(table []byte) (uint32, error) {
	if uint64(len(table)) > p.limit-p.front {
		return 0, errFull
	}
	at := uint32(p.front)
	p.front += uint64(len(table))
	if p.buf = append(p.buf, table...); len(p.buf) >= flushAt {
		return at, p.flush()
	}
	return at, nil
}
