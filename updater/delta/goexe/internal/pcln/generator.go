package pcln

import (
	"bytes"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// Generator makes the new tables.
type Generator struct {
	old    *Table
	want   *Table // nil when decoding
	new    *image.Go
	layout *Layout
	pairs  pairs
	remap  *remap.Map

	predictor predictor
	placer    *placer
	shifts    *shifts
	contents  *contents
	models    columnModels
	records   recordModels

	// Of the function at hand:
	predicted [maxColumns]prediction
	tables    [maxColumns]prediction // what is coded of it
	steps     [maxColumns][]step     // the same as steps, if known
	known     [maxColumns]bool
	actual    []step
	budget    int // how many steps its tables may still have
	trail     int // which of its tables were as predicted
	blank     int // and which empty

	last int // tables of the function before
	// edited holds what cannot be found again from the counterpart, for each function that has such: its index, how many
	// tables, the line it begins with, and where the tables are.
	edited []uint32

	guess, actualRecord fields
	lastRecord          [words]uint32 // of the function before
	lastData            [16]uint32
	front               uint32
	units               drift // of compilation units
}

// columnModels are what Pctab learns besides contents.
type columnModels struct {
	all      [classes][4]entropy.Prob // is everything as predicted?
	history  [classes]int
	columns  entropy.Uint
	moreCols [classes]entropy.Prob
	end      [classes]entropy.Prob
	padding  entropy.Uint
	same     [maxColumns][classes][8]entropy.Prob
	empty    [maxColumns][2][4]entropy.Prob
	raw      entropy.Prob
	rawSize  entropy.Uint
	rawBytes byteModel
}

// NewGenerator returns a generator for the new image that g and layout describe. copies are by ascending New address;
// m tells where what lies at an old address is found in the new image, and is taught. want is the builder's; a patcher
// leaves it nil.
func NewGenerator(old *Table, g *image.Go, layout *Layout, copies []remap.Copy, m *remap.Map, want *Table) (*Generator, error) {
	at := uint64(0)
	for _, c := range copies {
		if c.New < at || c.New+c.Size < c.New || c.Old+c.Size < c.Old {
			return nil, fmt.Errorf("copies that are not in order")
		}
		at = c.New + c.Size
	}
	gen := &Generator{
		last: 5,
		old:  old, want: want, new: g, layout: layout, remap: m,
		pairs:  pairs{old: old, layout: layout, text: g.Text, copies: copies},
		placer: newPlacer(old),
		shifts: newShifts(old),
	}
	gen.predictor = predictor{quantum: old.quantum, placer: gen.placer, shifts: gen.shifts}
	gen.predictor.work = 64*len(old.pctab) + 64*int(g.Pctab.Size)
	return gen, nil
}

// Pctab codes the pc tables and writes them: g.Pctab.Size bytes.
func (g *Generator) Pctab(c *entropy.Coder, w io.Writer) error {
	if err := g.placer.begin(w, g.new.Pctab.Size); err != nil {
		return err
	}
	g.contents = newContents(g.changedText())
	g.contents.learn, g.contents.value = g.learn, g.predictor.value
	pairs := g.pairs
	for i := range g.new.NumFuncs {
		if err := g.function(c, i, pairs.at(i)); err != nil {
			return fmt.Errorf("pc tables of function %d: %w", i, err)
		}
		if err := c.Err(); err != nil {
			return err
		}
		if g.predictor.work < 0 {
			return errWork
		}
	}
	g.contents = nil
	return g.placer.end()
}

// changedText returns how much text is in functions that are not copied whole.
func (g *Generator) changedText() (n uint64) {
	pairs := g.pairs
	for i := range g.new.NumFuncs {
		if q := pairs.at(i); q.class != level {
			n += uint64(q.length)
		}
	}
	return n
}

func (g *Generator) learn(k int, s carried, value int32) {
	switch k {
	case colFile:
		g.shifts.learnFile(g.predictor.cu, s.value, value)
	case colLine:
		g.shifts.learnLine(s.file, s.value, value)
	}
}

// function codes the pc tables of function i.
func (g *Generator) function(c *entropy.Coder, i int, q *pair) error {
	p := &g.predictor
	p.begin(q)
	var record []byte
	if c.Encoding() {
		if record = g.want.record(i); record == nil || 3+word(record, wPcdata) > maxColumns {
			return fmt.Errorf("%w: function %d has no record", image.ErrUnsupported, i)
		}
	}
	if q.class != level {
		p.size = g.end(c, record, p.end())
	}
	if q.record == nil {
		return g.edit(c, i, nil, record)
	}
	predicted := g.predicted[:columns(q.record)]
	for k := range predicted {
		predicted[k] = p.column(k)
	}
	m := &g.models
	h := &m.history[q.class]
	edited := c.Flag(&m.all[q.class][*h], c.Encoding() && !g.asPredicted(record, predicted))
	*h = *h << 1 & 3
	if edited {
		*h |= 1
		return g.edit(c, i, predicted, record)
	}
	return g.place(i, predicted, record)
}

// asPredicted tells the builder whether every table is what was predicted.
func (g *Generator) asPredicted(record []byte, predicted []prediction) bool {
	if columns(record) != len(predicted) {
		return false
	}
	for k, f := range predicted {
		if !bytes.Equal(g.want.pcTable(column(record, k)), g.predictor.bytes(f)) {
			return false
		}
	}
	return true
}

// end codes where the tables end, in quanta: guess, or so much padding before the end of the text.
func (g *Generator) end(c *entropy.Coder, record []byte, guess uint32) uint32 {
	m, q := &g.models, g.predictor.q
	most := q.length / g.old.quantum
	size := guess
	for k := 0; c.Encoding() && k < columns(record); k++ {
		steps, ok := parseSteps(g.actual[:0], g.want.pcTable(column(record, k)))
		g.actual = steps
		if ok && steps[len(steps)-1].end <= most {
			size = steps[len(steps)-1].end
			break
		}
	}
	if !c.Flag(&m.end[q.class], size != guess) {
		return guess
	}
	return uint32(sub(uint64(most), c.Uint(&m.padding, uint64(most-size))))
}

// edit codes the tables of a function one by one.
func (g *Generator) edit(c *entropy.Coder, i int, predicted []prediction, record []byte) error {
	p, m := &g.predictor, &g.models
	if p.q.class == level {
		p.size = g.end(c, record, p.end())
	}
	guess, n := len(predicted), 0
	if predicted == nil {
		guess = g.last
	}
	if record != nil {
		n = columns(record)
	}
	if c.Flag(&m.moreCols[p.q.class], n != guess) {
		n = int(min(c.Uint(&m.columns, uint64(n)), maxColumns))
		if n < 3 {
			return fmt.Errorf("%d pc tables", n)
		}
	} else {
		n = guess
	}
	g.last = n
	g.known, g.tables = [maxColumns]bool{}, [maxColumns]prediction{}
	g.budget, g.trail = maxSteps, 0
	tables := g.tables[:n]
	for _, k := range coded {
		if k >= n {
			continue
		}
		var f prediction
		if k < len(predicted) {
			f = predicted[k]
		}
		var err error
		if tables[k], err = g.column(c, k, f, record); err != nil {
			return err
		}
	}
	return g.place(i, tables, record)
}

// column codes pc table k.
func (g *Generator) column(c *entropy.Coder, k int, f prediction, record []byte) (prediction, error) {
	p, m := &g.predictor, &g.models
	guess := p.bytes(f)
	var table []byte
	if record != nil {
		table = g.want.pcTable(column(record, k))
	}
	none := 0
	if guess == nil {
		none = 1
	}
	if guess != nil || p.q.class != alone {
		other := c.Flag(&m.same[k][p.q.class][g.trail&3<<1|none], !bytes.Equal(table, guess))
		g.trail <<= 1
		if !other {
			return f, nil
		}
		g.trail |= 1
	}
	if guess != nil || p.q.class == alone {
		empty := c.Flag(&m.empty[k][none][g.blank&3], len(table) == 0)
		g.blank <<= 1
		if empty {
			g.blank |= 1
			return prediction{}, nil
		}
	}
	return g.content(c, k, table)
}

// content codes a pc table that is none of those.
func (g *Generator) content(c *entropy.Coder, k int, table []byte) (prediction, error) {
	p := &g.predictor
	ok := false
	if c.Encoding() {
		g.actual, ok = parseSteps(g.actual[:0], table)
		ok = ok && g.actual[len(g.actual)-1].end == p.size
	}
	if c.Flag(&g.models.raw, c.Encoding() && !ok) {
		return g.rawTable(c, k, table)
	}
	for _, other := range beside[k] {
		if other >= 0 {
			g.know(other)
		}
	}
	t := task{k: k, size: p.size, actual: g.actual, others: &g.steps, unit: p.cu, budget: g.budget}
	if steps, ok := p.carry(k); ok {
		t.old = steps
	}
	steps, err := g.contents.code(c, g.steps[k], &t)
	if err != nil {
		return prediction{}, err
	}
	g.steps[k], g.known[k] = steps, true
	g.budget -= len(steps)
	p.tables[k] = appendSteps(p.tables[k][:0], steps)
	return prediction{table: p.tables[k]}, nil
}

// rawTable codes a pc table byte by byte.
func (g *Generator) rawTable(c *entropy.Coder, k int, table []byte) (prediction, error) {
	m := &g.models
	n := c.Uint(&m.rawSize, uint64(len(table)))
	if n > maxSteps || n > g.new.Pctab.Size {
		return prediction{}, errSteps
	}
	out := g.predictor.tables[k][:0]
	for j := range int(n) {
		b := byte(0)
		if c.Encoding() {
			b = table[j]
		}
		out = append(out, m.rawBytes.code(c, b))
	}
	g.predictor.tables[k] = out
	g.steps[k], g.known[k] = g.steps[k][:0], true
	return prediction{table: out}, nil
}

// know makes the steps of a table that was coded before available.
func (g *Generator) know(k int) {
	if g.known[k] {
		return
	}
	g.known[k] = true
	if k >= len(g.tables) {
		return
	}
	steps, ok := g.predictor.parse(g.steps[k], g.predictor.bytes(g.tables[k]))
	if !ok {
		steps = steps[:0]
	}
	g.steps[k] = steps
}

// place lays the tables of function i out.
func (g *Generator) place(i int, tables []prediction, record []byte) error {
	var at [maxColumns]uint32
	same := g.predictor.q.record != nil && len(tables) == columns(g.predictor.q.record)
	for j := range tables {
		k := j
		if n := len(tables) - 1; n >= colInline && j >= colInline {
			if k = j + 1; j == n {
				k = colInline
			}
		}
		var err error
		if f := tables[k]; f.asIs {
			at[k], err = g.placer.carry(f.old)
		} else {
			at[k], err = g.placer.place(f.table)
			same = false
		}
		if err != nil {
			return err
		}
		if record != nil && at[k] != column(record, k) {
			return fmt.Errorf("%w: the pc tables have an order of their own", image.ErrUnsupported)
		}
	}
	if !same {
		line := firstValue(g.predictor.bytes(tables[colLine]))
		g.edited = append(g.edited, uint32(i), uint32(len(tables)), uint32(line))
		g.edited = append(g.edited, at[:len(tables)]...)
	}
	return nil
}

// byteModel models bytes of which little is known.
type byteModel [256]entropy.Prob

func (m *byteModel) code(c *entropy.Coder, b byte) byte {
	node := 1
	for i := 7; i >= 0; i-- {
		node = node<<1 | c.Bit(&m[node], int(b>>i)&1, entropy.Steady)
	}
	return byte(node)
}
