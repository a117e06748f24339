package pcln

import (
	"bytes"
	"errors"
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
	pairs  *pairs
	texts  *texts
	remap  *remap.Map

	predictor predictor
	placer    *placer
	contents  *contents
	models    columnModels
	function  function
	columns   int // of the function before

	records recordModels
	shapes  shapes

	shapeWords  uint64
	columnWords uint64 // of all records so far: what they hold of tables must fit in Funcs
	take        func(bytes uint64) error
	taken       uint64 // by what grows from function to function
}

// NewGenerator returns a generator for the new image that g and layout describe. copies are by ascending New address; m
// tells where what lies at an old address is in the new image, and is taught. want is the builder's; a patcher leaves it
// nil. take is asked, also later, for the memory that the patch has it take: it refuses what is too much.
func NewGenerator(old *Table, g *image.Go, layout *Layout, copies []remap.Copy, m *remap.Map, want *Table, take func(bytes uint64) error) (*Generator, error) {
	pairs, err := newPairs(old, layout, g.Text, copies)
	if err != nil {
		return nil, err
	}
	gen := &Generator{
		old: old, want: want, new: g, layout: layout, remap: m, pairs: pairs, take: take,
		texts:  newTexts(pairs),
		placer: newPlacer(old),
	}
	if err := take(gen.texts.size()); err != nil {
		return nil, err
	}
	gen.texts.bytes = make([]byte, 0, gen.texts.size())
	gen.predictor = predictor{quantum: old.quantum, placer: gen.placer, shifts: newShifts(old)}
	gen.predictor.work = 64 * (len(old.pctab) + int(g.Pctab.Size))
	return gen, nil
}

// Watch returns what must be shown the new file from its start up to the pc tables, the text lying at that offset in it.
// Both sides must do so; without the text a patch only becomes longer.
func (g *Generator) Watch(text uint64) io.Writer {
	g.texts.offset = text
	return g.texts
}

// Pctab codes the pc tables and writes them: as many bytes as Pctab has.
func (g *Generator) Pctab(c *entropy.Coder, w io.Writer) error {
	if err := g.placer.begin(w, g.new.Pctab.Size); err != nil {
		return err
	}
	g.contents = newContents(&g.predictor, g.texts.size())
	for i := range g.new.NumFuncs {
		if err := g.tables(c, i); err != nil {
			return fmt.Errorf("pc tables of function %d: %w", i, err)
		}
		if err := c.Err(); err != nil {
			return err
		}
		if g.predictor.work < 0 {
			return errWork
		}
		if err := g.account(); err != nil {
			return err
		}
	}
	g.contents = nil
	g.texts.forget()
	return g.placer.end()
}

// keptOfTable is what is kept of each table that is no old one, in bytes: the index that finds it may be a third full.
const keptOfTable = 24

// account takes the memory for what was kept since it was last called.
func (g *Generator) account() error {
	now := keptOfTable*g.placer.fresh + 4*g.shapeWords
	since := now - g.taken
	g.taken = now
	return g.take(since)
}

// tables codes the pc tables of function i.
func (g *Generator) tables(c *entropy.Coder, i int) error {
	q := g.pairs.at(i)
	p, f := &g.predictor, &g.function
	p.begin(q)
	f.index, f.record, f.code, f.anywhere = i, nil, f.code[:0], false
	if c.Encoding() {
		if f.record = g.want.record(i); f.record == nil || columns(f.record) != int(3+word(f.record, wPcdata)) {
			return fmt.Errorf("%w: no record, or one with too many tables", image.ErrUnsupported)
		}
	}
	if q.class != level {
		p.size = g.codeEnd(c)
	}
	if q.record == nil {
		return g.edit(c, nil)
	}
	predicted := f.predicted[:columns(q.record)]
	for k := range predicted {
		predicted[k] = p.column(k)
	}
	m := &g.models
	h := &m.history[q.class]
	edited := c.Flag(&m.edited[q.class][*h], c.Encoding() && !g.asPredicted(predicted))
	*h = *h << 1 & 3
	if edited {
		*h |= 1
		return g.edit(c, predicted)
	}
	return g.place(predicted)
}

// asPredicted tells the builder whether every table is what was predicted.
func (g *Generator) asPredicted(predicted []prediction) bool {
	if columns(g.function.record) != len(predicted) {
		return false
	}
	for k, f := range predicted {
		if !bytes.Equal(g.want.pcTable(column(g.function.record, k)), g.predictor.bytes(f)) {
			return false
		}
	}
	return true
}

// codeEnd codes where the tables end, in quanta: where the code ends, or else so much before the end of the text.
func (g *Generator) codeEnd(c *entropy.Coder) uint32 {
	m, p, f := &g.models, &g.predictor, &g.function
	most := p.q.length / g.old.quantum
	var guess uint32
	if p.q.class == level {
		guess = p.end()
	} else {
		guess = most - min(padding(g.old.image.Arch, g.text()), most)
	}
	size := guess
	for k := 0; c.Encoding() && k < columns(f.record); k++ {
		steps, ok := parseSteps(f.actual[:0], g.want.pcTable(column(f.record, k)))
		f.actual = steps
		if ok && steps[len(steps)-1].end <= most {
			size = steps[len(steps)-1].end
			break
		}
	}
	if !c.Flag(&m.end[p.q.class], size != guess) {
		return guess
	}
	return uint32(sub(uint64(most), c.Uint(&m.padding, uint64(most-size))))
}

// text returns the code of the function at hand, or where it is level its counterpart's, which is much the same.
func (g *Generator) text() []byte {
	i := g.function.index
	if g.predictor.q.class == level {
		k := int(g.layout.Align[i])
		return g.old.image.Bytes(g.old.Entry(k), uint64(g.old.length(k)))
	}
	return g.texts.between(g.layout.Entries[i], g.layout.Entries[i+1])
}

var errOrder = fmt.Errorf("%w: its pc tables have an order of their own", image.ErrUnsupported)

// place lays the tables of the function at hand out: in the order of the record, but the inline indexes last.
func (g *Generator) place(tables []prediction) error {
	f := &g.function
	var at [maxColumns]uint32
	same := g.predictor.q.record != nil && len(tables) == columns(g.predictor.q.record)
	for j := range tables {
		k := layoutOrder(j, len(tables))
		var err error
		if t := tables[k]; t.asIs {
			at[k], err = g.placer.carry(t.old)
		} else {
			at[k], err = g.placer.place(t.table)
			same = false
		}
		if err != nil {
			return err
		}
		if f.record != nil && at[k] != column(f.record, k) {
			return errOrder
		}
	}
	if g.columnWords += uint64(len(tables) - 3); 4*g.columnWords > g.new.Funcs.Size {
		return errors.New("more pc tables than records have room for")
	}
	if !same {
		line := firstValue(g.predictor.bytes(tables[colLine]))
		g.shapes.add(f.index, line, at[:len(tables)])
		g.shapeWords += uint64(3 + len(tables))
	}
	return nil
}

var errWork = errors.New("the function tables take too long to carry over")
