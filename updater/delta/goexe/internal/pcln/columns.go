package pcln

import (
	"bytes"
	"fmt"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// columnModels are what Pctab learns besides contents.
type columnModels struct {
	edited   [classes][4]entropy.Prob // is something else than predicted? By the last two of the class.
	history  [classes]int
	end      [classes]entropy.Prob
	padding  entropy.Uint
	count    [classes]entropy.Prob
	columns  entropy.Uint
	other    [maxColumns][classes][8]entropy.Prob // by what was of the last two columns, and whether nothing is predicted
	empty    [maxColumns][2][4]entropy.Prob
	raw      entropy.Prob
	rawSize  entropy.Uint
	rawBytes byteModel
	anywhere entropy.Prob
}

// function is what is known of the function at hand.
type function struct {
	index     int
	record    []byte // the builder's
	predicted [maxColumns]prediction
	tables    [maxColumns]prediction // what is coded of it
	steps     [maxColumns][]step     // the same as steps, where known
	known     [maxColumns]bool
	code      []instruction // empty: not looked at
	anywhere  bool          // code is every quantum
	actual    []step        // the builder's table at hand
	budget    int           // how many steps its tables may still have
	others    int           // which of its tables were not as predicted
	empties   int           // and which empty
}

// edit codes the tables of the function at hand one by one.
func (g *Generator) edit(c *entropy.Coder, predicted []prediction) error {
	p, m, f := &g.predictor, &g.models, &g.function
	if p.q.class == level {
		p.size = g.codeEnd(c)
	}
	n, guess := 0, len(predicted)
	if predicted == nil {
		guess = max(g.columns, 3)
	}
	if f.record != nil {
		n = columns(f.record)
	}
	if !c.Flag(&m.count[p.q.class], n != guess) {
		n = guess
	} else if n = int(min(c.Uint(&m.columns, uint64(n)), maxColumns)); n < 3 {
		return fmt.Errorf("%d pc tables", n)
	}
	g.columns = n
	f.known, f.tables = [maxColumns]bool{}, [maxColumns]prediction{}
	f.budget, f.others, f.empties = maxSteps, 0, 0
	for _, k := range coded {
		if k >= n {
			continue
		}
		var guess prediction
		if k < len(predicted) {
			guess = predicted[k]
		}
		var err error
		if f.tables[k], err = g.column(c, k, guess); err != nil {
			return err
		}
	}
	return g.place(f.tables[:n])
}

// column codes pc table k.
func (g *Generator) column(c *entropy.Coder, k int, guess prediction) (prediction, error) {
	p, m, f := &g.predictor, &g.models, &g.function
	predicted := p.bytes(guess)
	var table []byte
	if f.record != nil {
		table = g.want.pcTable(column(f.record, k))
	}
	none := b2i(len(predicted) == 0)
	if p.q.class != alone {
		other := c.Flag(&m.other[k][p.q.class][f.others&3<<1|none], !bytes.Equal(table, predicted))
		f.others = f.others<<1 | b2i(other)
		if !other {
			return guess, nil
		}
	}
	if none == 0 || p.q.class == alone {
		empty := c.Flag(&m.empty[k][none][f.empties&3], len(table) == 0)
		f.empties = f.empties<<1 | b2i(empty)
		if empty {
			return prediction{}, nil
		}
	}
	return g.content(c, k, table)
}

// content codes a pc table that is none of those.
func (g *Generator) content(c *entropy.Coder, k int, bytes []byte) (prediction, error) {
	p, f := &g.predictor, &g.function
	ok := false
	if c.Encoding() {
		f.actual, ok = parseSteps(f.actual[:0], bytes)
		ok = ok && len(f.actual) <= f.budget && f.actual[len(f.actual)-1].end == p.size && p.size <= maxText
	}
	if c.Flag(&g.models.raw, c.Encoding() && !ok) {
		return g.rawTable(c, k, bytes)
	}
	t := table{column: k, size: p.size, actual: f.actual, budget: f.budget}
	for i, other := range beside[k] {
		t.beside[i] = g.known(other)
	}
	if k != colFile {
		if err := g.instructions(c); err != nil {
			return prediction{}, err
		}
		t.code = f.code
	}
	t.old, _ = p.carry(k)
	steps, err := g.contents.code(c, f.steps[k], &t)
	f.steps[k], f.known[k] = steps, true
	if err != nil {
		return prediction{}, err
	}
	f.budget -= len(steps)
	p.tables[k] = appendSteps(p.tables[k][:0], steps)
	return prediction{table: p.tables[k]}, nil
}

// instructions finds the places where values can change: between instructions or, if the table at hand needs others,
// anywhere.
func (g *Generator) instructions(c *entropy.Coder) error {
	p, f := &g.predictor, &g.function
	if p.size > maxText {
		return errSteps
	}
	if len(f.code) == 0 || f.anywhere {
		f.code = appendInstructions(f.code[:0], g.old.image.Arch, g.text(), p.size)
	}
	f.anywhere = c.Flag(&g.models.anywhere, c.Encoding() && !between(f.code, f.actual))
	if f.anywhere {
		f.code = appendInstructions(f.code[:0], g.old.image.Arch, nil, p.size)
	}
	return nil
}

// between tells whether all steps end where instructions do.
func between(code []instruction, steps []step) bool {
	i := 0
	for _, s := range steps {
		for i < len(code) && code[i].end < s.end {
			i++
		}
		if i == len(code) || code[i].end != s.end {
			return false
		}
	}
	return true
}

// rawTable codes a pc table byte by byte.
func (g *Generator) rawTable(c *entropy.Coder, k int, table []byte) (prediction, error) {
	m, f := &g.models, &g.function
	n := c.Uint(&m.rawSize, uint64(len(table)))
	if n > g.placer.limit-g.placer.front {
		return prediction{}, errFull
	}
	out := g.predictor.tables[k][:0]
	for j := range int(n) {
		b := byte(0)
		if c.Encoding() {
			b = table[j]
		}
		out = append(out, m.rawBytes.code(c, b))
		if err := c.Err(); err != nil {
			return prediction{}, err
		}
	}
	g.predictor.tables[k] = out
	f.steps[k], f.known[k] = f.steps[k][:0], true
	return prediction{table: out}, nil
}

// known returns the steps of a table that was coded before, none if it has no such.
func (g *Generator) known(k int) []step {
	p, f := &g.predictor, &g.function
	if !f.known[k] {
		steps, ok := p.parse(f.steps[k], p.bytes(f.tables[k]))
		if !ok {
			steps = steps[:0]
		}
		f.steps[k], f.known[k] = steps, true
	}
	return f.steps[k]
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
