package pcln

import (
	"errors"
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
)

// The pc tables by their place in a record. What follows is coded too, but without a model of its own.
const (
	colSP = iota
	colFile
	colLine
	colUnsafe
	colStackMap
	colInline
	colArgLive
	colPanics
)

// coded is the order in which a function's tables are coded: what tells most about the others comes first.
var coded = [maxColumns]int{colInline, colFile, colLine, colStackMap, colSP, colUnsafe, colArgLive, colPanics, 8, 9, 10, 11, 12, 13, 14, 15}

// beside are the columns, coded before, whose changes go together with a column's own.
var beside = [maxColumns][]int{
	colSP:       {colLine, colStackMap},
	colFile:     {colInline},
	colLine:     {colInline, colFile},
	colUnsafe:   {colStackMap, colLine},
	colStackMap: {colLine, colInline},
	colArgLive:  {colStackMap, colLine},
	colPanics:   {colLine, colStackMap},
}

const (
	// maxSteps bounds the tables of one function.
	maxSteps = 1 << 20
	// escape is the symbol of values that have none.
	escape = 255
	// nothing is the symbol of what the counterpart's table says where there is none.
	nothing = 1 << 16
)

var (
	errSteps     = errors.New("a pc table is longer than its function")
	errUnchanged = errors.New("a pc table says the same twice in a row")
)

// contents codes pc tables that are not what was predicted: for each place between two instructions whether the value
// changes there, and what it becomes.
type contents struct {
	p      *predictor
	marks  *entropy.Blend
	single [1 << 14]entropy.Prob // where changes are rare, one context will do
	values *entropy.Blend
	far    [maxColumns][lineKinds]entropy.Int
	differ [maxColumns][lineKinds][4]entropy.Prob
	narrow [maxColumns]entropy.Prob
	files  fileModels
	lines  lines
}

// newContents returns models fit for about that many bytes of new text.
func newContents(p *predictor, text uint64) *contents {
	size := uint(min(max(bits.Len64(text), 15), 21)) - 3
	return &contents{
		p:      p,
		marks:  entropy.NewBlend(size, maxColumns*markSets),
		values: entropy.NewBlend(size+1, maxColumns*valueSets*entropy.SymbolSets),
	}
}

// table is one table to be coded.
type table struct {
	column int
	size   uint32    // where it ends, in quanta
	actual []step    // the builder's
	old    []carried // the counterpart's, nil for none
	beside [2][]step // those of the function that go together with it
	code   []instruction
	budget int // how many steps it may have
}

// place is where the coding of a table has come to.
type place struct {
	pc, run      uint32 // run: instructions since the last change
	marks        uint32 // whether there were changes at the last places
	before, here *instruction

	prev, prev2 int32  // the last values
	v1, v2      uint32 // and their symbols
	symbols     symbols
	line        linePlace

	beside [2]cursor
	on     uint32 // which of them change here
	by     uint32 // and by how much

	old      int    // step of the counterpart's table
	expected uint32 // the symbol of its value
	aligned  uint32 // whether it changes here
	hits     uint32 // how often in a row it was right, up to 3
}

// code codes a table into dst, which is overwritten.
func (m *contents) code(c *entropy.Coder, dst []step, t *table) ([]step, error) {
	if t.column == colFile {
		return m.codeFiles(c, dst, t)
	}
	s := &place{prev: -1, prev2: -1, before: new(instruction)}
	s.symbols = symbols{counts: t.column == colInline || t.column == colStackMap, highest: -1}
	for i := range t.beside {
		s.beside[i].steps = t.beside[i]
	}
	if t.column == colLine {
		m.lines.begin(s)
	}
	narrow := m.codeNarrow(c, t)
	dst = dst[:0]
	for i := range t.code {
		s.here = &t.code[i]
		s.run++
		if i == 0 || (!narrow || usual(t.column, s)) && m.mark(c, t, s, dst) {
			if len(dst) >= t.budget {
				return dst, errSteps
			}
			v, err := m.change(c, t, s, dst)
			if err != nil {
				return dst, err
			}
			dst = append(dst, step{v, t.size})
		}
		s.pc, s.before = s.here.end, s.here
	}
	if t.column == colLine {
		m.lines.last = s.prev
	}
	return dst, c.Err()
}

// codeNarrow codes whether the table changes at usual places only; then the others need no thought.
func (m *contents) codeNarrow(c *entropy.Coder, t *table) bool {
	if t.column != colStackMap && t.column != colSP {
		return false
	}
	return !c.Flag(&m.narrow[t.column], c.Encoding() && !t.narrow())
}

// narrow tells the builder whether the table changes at usual places only.
func (t *table) narrow() bool {
	s, n := place{before: new(instruction)}, 0
	for i := range t.code {
		s.here = &t.code[i]
		if i > 0 && t.actual[n].end == s.before.end {
			if !usual(t.column, &s) {
				return false
			}
			n++
		}
		s.before = s.here
	}
	return true
}

// usual tells whether a place is one where the frame or the live pointers may change.
func usual(column int, s *place) bool {
	if column == colSP {
		return s.before.Stack != 0
	}
	return s.here.Call
}

// mark codes whether the value changes at a place.
func (m *contents) mark(c *entropy.Coder, t *table, s *place, dst []step) bool {
	m.look(t, s)
	want := c.Encoding() && t.actual[len(dst)-1].end == s.pc
	got := m.codeMark(c, t.column, s, b2i(want))
	s.marks = s.marks<<1 | uint32(got)
	switch {
	case s.expected == nothing:
	case uint32(got) != s.aligned:
		s.hits = 0
	case got != 0:
		s.hits = min(s.hits+1, 3)
	}
	return got != 0
}

const (
	markSets  = 3 * 4
	valueSets = 2 * 2
)

func (m *contents) codeMark(c *entropy.Coder, k int, s *place, want int) int {
	p, n := uint32(s.before.Kind), uint32(s.here.Kind)
	old := uint32(0)
	if s.expected != nothing {
		old = 1 + s.aligned
	}
	h := mix(k, 20, p, n, s.on|old<<2)
	single := &m.single[h>>18]
	if single.Rare() {
		return c.Bit(single, want, entropy.Nimble)
	}
	got := c.Blend(m.marks, &entropy.Hashes{
		h,
		mix(k, 21, old|s.hits<<2, s.on, min(s.run, 15)),
		mix(k, 24, s.by, n, s.marks&15),
		mix(k, 25, p|n<<16, s.v1, s.marks&3),
	}, k*markSets+int(old*4+s.on), want)
	single.Learn(got, entropy.Nimble)
	return got
}

// change codes the value from a place on. The step before ends there.
func (m *contents) change(c *entropy.Coder, t *table, s *place, dst []step) (int32, error) {
	want := int32(0)
	if c.Encoding() {
		want = t.actual[len(dst)].value
	}
	if len(dst) == 0 {
		m.look(t, s)
	} else {
		dst[len(dst)-1].end = s.pc
	}
	v, symbol := m.codeValue(c, t, s, want)
	if len(dst) > 0 && v == s.prev {
		return 0, errUnchanged
	}
	if s.aligned == 1 {
		m.p.learn(t.column, t.old[s.old], v)
	}
	if t.column == colLine {
		m.lines.saw(m.p.cu, s, v)
	}
	s.prev2, s.prev = s.prev, v
	s.v2, s.v1 = s.v1, symbol
	s.symbols.highest = max(s.symbols.highest, v)
	s.run = 0
	return v, c.Err()
}

// look finds out what surrounds a place.
func (m *contents) look(t *table, s *place) {
	s.on, s.by = 0, 0
	for i := range s.beside {
		if by, on := s.beside[i].at(s.pc); on {
			s.on |= 1 << i
			s.by = s.by*64 + by
		}
	}
	s.symbols.base = s.prev
	switch t.column {
	case colLine:
		m.lines.look(m.p.cu, s)
	case colSP:
		s.symbols.base = s.frame()
	}
	for s.old < len(t.old) && t.old[s.old].end <= s.pc {
		s.old++
	}
	s.expected, s.aligned = nothing, 0
	if s.old < len(t.old) {
		s.expected = min(s.symbols.of(m.p.value(t.column, t.old[s.old])), nothing-1)
		s.aligned = uint32(b2i(startsAt(t.old, s.old, s.pc)))
	}
}

// frame returns how large the frame is where the code says so.
func (s *place) frame() int32 {
	switch {
	case s.pc == 0:
		return 0
	case s.before.Stack == isa.Leaves:
		return s.symbols.highest
	}
	return s.prev + int32(s.before.Stack)
}

// startsAt tells whether a step starts at pc.
func startsAt(steps []carried, i int, pc uint32) bool {
	if i == 0 {
		return pc == 0
	}
	return steps[i-1].end == pc
}

func (m *contents) codeValue(c *entropy.Coder, t *table, s *place, want int32) (v int32, symbol uint32) {
	k := t.column
	if s.aligned == 1 {
		v := m.p.value(k, t.old[s.old])
		if (s.pc == 0 || v != s.prev) && !c.Flag(&m.differ[k][s.line.kind][s.hits], want != v) {
			return v, min(s.symbols.of(v), escape)
		}
		s.hits = 0
	}
	kind := uint32(s.line.kind)
	h := entropy.Hashes{
		mix(k, 1, s.v1, s.v2, kind),
		mix(k, 2, s.expected<<1|s.aligned, s.hits, 0),
		mix(k, 3, s.by, s.v1, kind),
		mix(k, 4, min(s.run, 20), s.v1, kind),
	}
	switch k {
	case colLine:
		h[2] = mix(k, 5, m.lines.around(s.symbols.base), uint32(s.here.Kind), 0)
	case colSP:
		h[2] = mix(k, 5, uint32(s.before.Stack), 0, 0)
		h[3] = mix(k, 6, uint32(s.prev), uint32(s.prev2), uint32(s.before.Stack))
	}
	set := k*valueSets + int(s.aligned)<<1 + b2i(s.hits > 1)
	symbol = c.Symbol(m.values, &h, set*entropy.SymbolSets, min(s.symbols.of(want), escape))
	if symbol == escape {
		return s.symbols.base + int32(c.Int(&m.far[k][s.line.kind], int64(want)-int64(s.symbols.base))), symbol
	}
	return s.symbols.value(symbol), symbol
}

// mix hashes what is known of a place in column k for one of its contexts.
func mix(k int, context, a, b, d uint32) uint32 {
	h := (uint32(k)<<8 | context) * 0x9E3779B1
	h = (h ^ a) * 0x85EBCA6B
	h = (h ^ h>>15 ^ b) * 0xC2B2AE35
	h = (h ^ h>>13 ^ d) * 0x27D4EB2F
	return h ^ h>>16
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
