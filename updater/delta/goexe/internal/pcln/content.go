package pcln

import (
	"errors"
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// The pc tables by their place in a record.
const (
	colSP = iota
	colFile
	colLine
	colUnsafe
	colStackMap
	colInline
)

// coded is the order in which a function's tables are coded: what tells most about the others comes first.
var coded = [maxColumns]int{colInline, colFile, colLine, colStackMap, colSP, colUnsafe, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// beside are the columns whose changes a column's own tend to coincide with.
var beside = [maxColumns][2]int{
	colSP: {colLine, colStackMap}, colLine: {colInline, colFile}, colUnsafe: {colStackMap, colLine}, colStackMap: {colLine, colInline},
	colInline: {-1, -1}, 6: {colStackMap, colLine}, 7: {colLine, colStackMap},
}

const (
	contexts = 7
	// maxSteps bounds the tables of one function.
	maxSteps = 1 << 20
	escape   = 255
)

var errSteps = errors.New("a pc table is longer than its function")

// contents codes pc tables that are not what was predicted.
type contents struct {
	values, lengths *entropy.Mixed
	context         [contexts]uint32
	farValue        [4 * maxColumns]entropy.Int
	farLength       [maxColumns]entropy.Uint
	fileHit         [16]entropy.Prob
	fileEnd         [4]entropy.Prob
	raw             entropy.Uint

	entered  [4096]int32 // lines that inlined code of a file was entered at last
	lastLine int32       // of the function before
	lineOf   []int32     // by inline index: the last line, 0 for none
	fileOf   []int32     // by inline index: the file, -1 for none
	value    func(k int, s carried) int32
	learn    func(k int, s carried, value int32)
}

// newContents returns models fit for about that many bytes of new text.
func newContents(text uint64) *contents {
	size := uint(min(max(bits.Len64(text)-3, 12), 17))
	return &contents{
		values:  entropy.NewMixed(contexts, size, 4*maxColumns),
		lengths: entropy.NewMixed(contexts, size, 4*maxColumns),
	}
}

// task is one table to be coded.
type task struct {
	k      int
	size   uint32              // where it ends, in quanta
	actual []step              // the builder's
	old    []carried           // the counterpart's, nil for none
	others *[maxColumns][]step // the function's tables that are known
	unit   uint32              // of the compilation unit, for contexts only
	budget int                 // how many steps it may have
}

func (m *contents) code(c *entropy.Coder, dst []step, t *task) ([]step, error) {
	if t.k == colFile {
		return m.codeFiles(c, dst, t)
	}
	return m.codeSteps(c, dst, t)
}

// cursor walks along steps.
type cursor struct {
	steps []step
	i     int
}

// to moves to the step that holds at pc and returns where it started; ok is false behind the end.
func (u *cursor) to(pc uint32) (from uint32, ok bool) {
	for u.i < len(u.steps) && u.steps[u.i].end <= pc {
		u.i++
	}
	if u.i > 0 {
		from = u.steps[u.i-1].end
	}
	return from, u.i < len(u.steps)
}

func mix(k int, id, a, b, d uint32) uint32 {
	h := (uint32(k)<<8 | id) * 0x9E3779B1
	h = (h ^ a) * 0x85EBCA6B
	h = (h ^ h>>15 ^ b) * 0xC2B2AE35
	h = (h ^ h>>13 ^ d) * 0x27D4EB2F
	return h ^ h>>16
}

func zigzag(v int32) uint32 { return uint32(v)<<1 ^ uint32(v>>31) }

func unzigzag(u uint32) int32 { return int32(u>>1) ^ -int32(u&1) }

// symbols turns values of a column into small numbers and back. Columns that count upwards, as inline indexes do, count
// down from what would be the next new one.
type symbols struct {
	counting bool
	base     int32
	highest  int32
}

func (s *symbols) of(v int32) uint32 {
	if !s.counting {
		return zigzag(v - s.base)
	}
	switch d := int64(s.highest) + 1 - int64(v); {
	case v == -1:
		return 1
	case d == 0:
		return 0
	case d > 0 && d < 1<<20 && v >= 0:
		return uint32(d) + 1
	}
	return 1 << 30
}

func (s *symbols) value(u uint32) int32 {
	if !s.counting {
		return s.base + unzigzag(u)
	}
	switch u {
	case 0:
		return s.highest + 1
	case 1:
		return -1
	}
	return s.highest + 2 - int32(u)
}

// state is where the coding of a table is.
type state struct {
	pc, from        uint32
	v1, v2          uint32 // symbols of the last values
	l1, l2          uint32 // of the last lengths
	prev, prev2     int32
	old             int // step of the counterpart's table
	hit             uint32
	side            [2]cursor
	sideAt          [2]uint32 // how far the next change is, 0 for none
	sideOn          uint32    // whether there is a change here
	kind            uint32
	symbols         symbols
	expected        uint32 // the symbol of what the counterpart's table has here
	aligned         uint32
	left            uint32 // how long the counterpart's step still holds
	inline, inline0 int32
}

func (m *contents) codeSteps(c *entropy.Coder, dst []step, t *task) ([]step, error) {
	s := state{prev: -1, prev2: -1, symbols: symbols{counting: t.k == colInline || t.k == colStackMap, highest: -1}}
	s.inline0 = -2
	for i, k := range beside[t.k] {
		if k >= 0 {
			s.side[i].steps = t.others[k]
		}
	}
	if t.k == colLine {
		m.lineOf = m.lineOf[:0]
	}
	dst = dst[:0]
	for s.pc < t.size {
		if len(dst) >= t.budget {
			return dst, errSteps
		}
		m.look(t, &s)
		want, end := int32(0), uint32(0)
		if c.Encoding() {
			want, end = t.actual[len(dst)].value, t.actual[len(dst)].end
		}
		v := m.codeValue(c, t, &s, want)
		if len(dst) > 0 && v == s.prev {
			return dst, errors.New("a pc table that does not change")
		}
		length, err := m.codeLength(c, t, &s, v, end-s.pc)
		if err != nil {
			return dst, err
		}
		s.pc += length
		dst = append(dst, step{v, s.pc})
	}
	if t.k == colLine && len(dst) > 0 {
		m.lastLine = dst[len(dst)-1].value
	}
	return dst, nil
}

// look finds out what surrounds the place in the other tables.
func (m *contents) look(t *task, s *state) {
	s.sideOn = 0
	for i := range s.side {
		from, ok := s.side[i].to(s.pc)
		s.sideAt[i] = 0
		if ok {
			s.sideAt[i] = s.side[i].steps[s.side[i].i].end - s.pc
			if from == s.pc {
				s.sideOn |= 1 << i
			}
		}
	}
	s.symbols.base = s.prev
	s.kind = 0
	if t.k == colLine {
		m.lineBase(t, s)
	}
	s.expected, s.aligned, s.left = 1<<16, 0, 0
	for s.old < len(t.old) && t.old[s.old].end <= s.pc {
		s.old++
	}
	if s.old < len(t.old) {
		o := t.old[s.old]
		s.expected = min(s.symbols.of(m.value(t.k, o)), 1<<15)
		s.left = min(o.end-s.pc, 1<<16)
		if s.old == 0 && s.pc == 0 || s.old > 0 && t.old[s.old-1].end == s.pc {
			s.aligned = 1
		}
	}
}

// lineBase finds the line that the next one is probably near to.
func (m *contents) lineBase(t *task, s *state) {
	s.inline = -1
	if in := s.side[0]; in.i < len(in.steps) {
		s.inline = in.steps[in.i].value
	}
	i := int(s.inline) + 1
	switch {
	case len(m.lineOf) == 0:
		s.symbols.base, s.kind = m.lastLine, 3
	case s.inline == s.inline0:
		s.symbols.base, s.kind = s.prev, 0
	case i >= 0 && i < len(m.lineOf) && m.lineOf[i] != 0:
		s.symbols.base, s.kind = m.lineOf[i], 1
	default:
		s.symbols.base, s.kind = *m.enteredAt(t, s), 2
	}
}

func (m *contents) enteredAt(t *task, s *state) *int32 {
	file := uint32(0)
	if f := s.side[1]; f.i < len(f.steps) {
		file = uint32(f.steps[f.i].value)
	}
	return &m.entered[mix(0, 0, file, t.unit, 0)>>20]
}

func (m *contents) codeValue(c *entropy.Coder, t *task, s *state, want int32) int32 {
	x := &m.context
	k := t.k
	e := s.expected<<2 | s.aligned<<1
	x[0] = mix(k, 0, s.v1, s.kind, 0)
	x[1] = mix(k, 1, s.v1, s.v2, s.kind)
	x[2] = mix(k, 2, e, s.hit, 0)
	x[3] = mix(k, 3, e, s.v1, s.l1)
	x[4] = mix(k, 4, s.sideOn, s.v1, min(s.sideAt[0], 64))
	x[5] = mix(k, 5, s.l1, s.v1, s.kind)
	if k == colLine {
		x[6] = mix(k, 6, uint32(s.symbols.base), s.kind, s.v1)
	} else {
		x[6] = mix(k, 6, uint32(s.prev), uint32(s.prev2), 0)
	}
	set := k*4 + int(s.aligned)<<1
	if s.hit > 1 {
		set++
	}
	u := s.symbols.of(want)
	got := uint32(c.Byte(m.values, x[:], set, byte(min(u, escape))))
	v := s.symbols.value(got)
	if got == escape {
		v = s.symbols.base + int32(c.Int(&m.farValue[4*k+int(s.kind)], int64(want)-int64(s.symbols.base)))
	}
	switch {
	case s.expected == 1<<16:
	case s.expected == got:
		s.hit = min(s.hit+1, 3)
	default:
		s.hit = 0
	}
	if s.aligned == 1 {
		m.learn(k, t.old[s.old], v)
	}
	if k == colLine {
		m.sawLine(t, s, v)
	}
	s.v2, s.v1 = s.v1, got
	s.symbols.highest = max(s.symbols.highest, v)
	return v
}

func (m *contents) sawLine(t *task, s *state, v int32) {
	if s.kind == 2 {
		*m.enteredAt(t, s) = v
	}
	i := int(s.inline) + 1
	if i >= 0 && i < 1<<16 {
		for len(m.lineOf) <= i {
			m.lineOf = append(m.lineOf, 0)
		}
		m.lineOf[i] = v
	}
	s.inline0 = s.inline
}

func (m *contents) codeLength(c *entropy.Coder, t *task, s *state, v int32, want uint32) (uint32, error) {
	x := &m.context
	k := t.k
	rest := t.size - s.pc
	left := min(s.left, 254)
	if s.left == rest {
		left = 255
	}
	side0, side1 := min(s.sideAt[0], 254), min(s.sideAt[1], 254)
	if s.sideAt[0] == rest {
		side0 = 255
	}
	if s.sideAt[1] == rest {
		side1 = 255
	}
	x[0] = mix(k, 10, s.l1, 0, 0)
	x[1] = mix(k, 11, s.l1, s.l2, s.v1)
	x[2] = mix(k, 12, s.v1, s.v2, 0)
	x[3] = mix(k, 13, left, s.hit, 0)
	x[4] = mix(k, 14, side0, s.v1, 0)
	x[5] = mix(k, 15, side0, side1, 0)
	if k == colLine {
		x[6] = mix(k, 16, uint32(v), s.kind, s.v1)
	} else {
		x[6] = mix(k, 16, uint32(v), uint32(bits.Len32(rest)), 0)
	}
	set := k*4 + int(min(left, 1))<<1
	if s.hit > 1 {
		set++
	}
	u := min(want, escape)
	if want == rest {
		u = 0
	}
	got := uint32(c.Byte(m.lengths, x[:], set, byte(u)))
	length := got
	switch got {
	case 0:
		length = rest
	case escape:
		length = escape + uint32(min(c.Uint(&m.farLength[k], uint64(want)-escape), uint64(t.size)))
	}
	if length > rest {
		return 0, errSteps
	}
	s.prev2, s.prev = s.prev, v
	s.l2, s.l1 = s.l1, got
	return length, c.Err()
}
