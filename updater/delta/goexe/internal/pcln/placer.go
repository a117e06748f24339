package pcln

import (
	"encoding/binary"
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

	tables [][]slot // what is placed, by hash: when one of them is full a larger one follows
	used   int      // slots of the last one

	old    []byte // the old pctab
	starts []word64
	at     []uint32 // where each old table is now; 0 for nowhere yet
}

// slot is a placed table. Two tables that differ with an equal hash of some 50 bits would be taken for one; the builder,
// who compares, would then refuse.
type slot struct{ hash, at uint32 }

// word64 tells for 64 bytes of the old pctab where tables start, and how many start before them.
type word64 struct {
	starts uint64
	before uint32
}

const flushAt = 32 << 10

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
	p.tables = [][]slot{make([]slot, 1<<bits.Len32(n+n/8+64))}
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
	at, err := p.place(p.table(off))
	p.at[i] = at
	return at, err
}

// place returns where a table is, after writing it if it is new.
func (p *placer) place(table []byte) (uint32, error) {
	if len(table) == 0 {
		return 0, nil
	}
	h := hash(table)
	free := p.find(h)
	if free.hash != 0 {
		return free.at, nil
	}
	if uint64(len(table)) > p.limit-p.front {
		return 0, errFull
	}
	at := uint32(p.front)
	*free = slot{tag(h), at}
	p.front += uint64(len(table))
	p.used++
	if last := p.tables[len(p.tables)-1]; p.used > len(last)/8*7 {
		p.tables, p.used = append(p.tables, make([]slot, 2*len(last))), 0
	}
	if p.buf = append(p.buf, table...); len(p.buf) >= flushAt {
		return at, p.flush()
	}
	return at, nil
}

// find returns the slot of that hash, or the free one where it belongs.
func (p *placer) find(h uint64) *slot {
	var s *slot
	for _, slots := range p.tables {
		mask := uint64(len(slots) - 1)
		for i := h & mask; ; i = (i + 1) & mask {
			s = &slots[i]
			if s.hash == tag(h) {
				return s
			}
			if s.hash == 0 {
				break
			}
		}
	}
	return s
}

func tag(h uint64) uint32 { return uint32(h>>32) | 1 }

// hash mixes 8 bytes at a time.
func hash(b []byte) uint64 {
	const odd = 0x9E3779B97F4A7C15
	h := uint64(len(b)) * odd
	for ; len(b) >= 8; b = b[8:] {
		h = fold(h^binary.LittleEndian.Uint64(b), odd)
	}
	var rest [8]byte
	copy(rest[:], b)
	return fold(fold(h^binary.LittleEndian.Uint64(rest[:]), odd), 0xD6E8FEB86659FD93)
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
