package pcln

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// absent is what a record says where there is no funcdata, or no compilation unit.
const absent = ^uint32(0)

// recordModels are what Funcs learns, and what it has at hand.
type recordModels struct {
	count   [classes]entropy.Prob // is the number of funcdata another than expected?
	number  entropy.Uint
	edited  [classes][4]entropy.Prob // is something else than predicted? By the last two.
	history int
	other   [words][classes]entropy.Prob
	by      [words][2]entropy.Int // by whether there is a counterpart, as what follows
	deferAt [2]entropy.Uint
	kind    [2][2]byteModel
	data    dataModels

	units        drift  // of compilation units
	name, unit   uint32 // of the function before
	guess, exact fields // of the one at hand; exact is the builder's
}

// fields are the words of a record and its funcdata.
type fields struct {
	word [words]uint32
	data [maxFuncdata]uint32
}

const maxFuncdata = 255

// codedWords are the words that do not follow from what is known; of wKind the number of funcdata does.
var codedWords = [...]int{wName, wArgs, wDeferReturn, wCU, wStartLine, wKind}

const kindMask = 0xffff

// shape is what Pctab found of a function: how many tables, where they are and which line they begin with.
type shape struct {
	n    int
	at   []uint32 // nil: all are the counterpart's
	line int32
}

// shapes holds what cannot be found again from the counterparts: for each function that has such its index, how many
// tables, the line it begins with, and where the tables are. It grows by parts, as copying it would take as much again.
type shapes [][]uint32

const shapesPart = 16 << 10

// add notes the shape of function i.
func (s *shapes) add(i int, line int32, at []uint32) {
	last := len(*s) - 1
	if last < 0 || cap((*s)[last])-len((*s)[last]) < 3+len(at) {
		*s = append(*s, make([]uint32, 0, shapesPart))
		last++
	}
	(*s)[last] = append(append((*s)[last], uint32(i), uint32(len(at)), uint32(line)), at...)
}

// take returns the shape of function i, which has that counterpart, and leaves it out from now on. Functions are asked
// for in order, of a copy.
func (s *shapes) take(i int, old []byte) shape {
	for len(*s) > 0 && len((*s)[0]) == 0 {
		*s = (*s)[1:]
	}
	if len(*s) == 0 || (*s)[0][0] != uint32(i) {
		return shape{n: columns(old)}
	}
	part := (*s)[0]
	n := int(part[1])
	(*s)[0] = part[3+n:]
	return shape{n, part[3 : 3+n], int32(part[2])}
}

// Funcs codes functab and the _func records and writes them, from where Functab starts to where Funcs ends. Pctab comes
// first.
func (g *Generator) Funcs(c *entropy.Coder, w io.Writer) error {
	out := &wordWriter{w: w, buf: make([]byte, 0, flushAt+64)}
	limit := g.new.Funcs.End() - g.new.Functab.Addr
	numbers, err := g.functab(c, out, limit)
	if err != nil {
		return err
	}
	shapes := slices.Clone(g.shapes)
	for i := range g.new.NumFuncs {
		q := g.pairs.at(i)
		for out.at%8 != 0 {
			out.word(0)
		}
		if err := g.codeRecord(c, out, i, q, shapes.take(i, q.record), int(numbers[i])); err != nil {
			return fmt.Errorf("record of function %d: %w", i, err)
		}
		if err := c.Err(); err != nil {
			return err
		}
	}
	for out.at < limit {
		out.word(0)
	}
	out.flush()
	return out.err
}

// functab codes how many funcdata each function has, which it returns: then all is known to write functab.
func (g *Generator) functab(c *entropy.Coder, out *wordWriter, limit uint64) ([]byte, error) {
	numbers := make([]byte, g.new.NumFuncs)
	shapes := slices.Clone(g.shapes)
	first := g.new.Funcs.Addr - g.new.Functab.Addr
	at := first
	number := byte(0)
	for i := range numbers {
		q := g.pairs.at(i)
		if q.record != nil {
			number = q.record[4*wKind+3]
		}
		want := byte(0)
		if c.Encoding() {
			want = g.want.record(i)[4*wKind+3]
		}
		if c.Flag(&g.records.count[q.class], want != number) {
			number = byte(c.Uint(&g.records.number, uint64(want)))
		}
		numbers[i] = number
		at = (at + 7) &^ 7
		out.word(g.layout.Entries[i])
		out.word(uint32(at))
		at += recordSize + 4*uint64(shapes.take(i, q.record).n-3+int(number))
	}
	out.word(g.layout.Entries[len(numbers)])
	for out.at < first {
		out.word(0)
	}
	if at > limit || limit-at >= 8 || limit%4 != 0 {
		return nil, errors.New("the records do not fill where they belong")
	}
	return numbers, c.Err()
}

// codeRecord codes and writes one record.
func (g *Generator) codeRecord(c *entropy.Coder, out *wordWriter, i int, q *pair, h shape, number int) error {
	m := &g.records
	if c.Encoding() {
		if err := g.readExact(i, h); err != nil {
			return err
		}
	}
	edited := q.record == nil
	if !edited {
		g.carryRecord(q, h, number)
		edited = c.Flag(&m.edited[q.class][m.history&3], c.Encoding() && !m.asPredicted(number))
		m.history = m.history<<1 | b2i(edited)
	}
	if edited {
		g.editRecord(c, q, h, number)
	}
	f := &m.guess
	m.data.see(f, number)
	m.name, m.unit = f.word[wName], f.word[wCU]
	f.word[wEntry], f.word[wPcdata] = g.layout.Entries[i], uint32(h.n-3)
	f.word[wKind] |= uint32(number) << 24
	g.writeRecord(out, q, h, number)
	return nil
}

// readExact reads the builder's record.
func (g *Generator) readExact(i int, h shape) error {
	r := g.want.record(i)
	f := &g.records.exact
	for w := range words {
		f.word[w] = word(r, w)
	}
	if columns(r) != h.n || f.word[wEntry] != g.layout.Entries[i] || f.word[wKind]&^kindMask != uint32(r[4*wKind+3])<<24 {
		return fmt.Errorf("%w: a record has a shape of its own", image.ErrUnsupported)
	}
	f.word[wKind] &= kindMask
	for j := range int(r[4*wKind+3]) {
		f.data[j] = word(r, words+h.n-3+j)
	}
	return nil
}

// carryRecord predicts a record from the counterpart's.
func (g *Generator) carryRecord(q *pair, h shape, number int) {
	r, f := q.record, &g.records.guess
	f.word[wName] = g.now(word(r, wName), g.old.image.Go.Names.Addr, g.new.Names.Addr)
	f.word[wArgs] = word(r, wArgs)
	if f.word[wDeferReturn] = word(r, wDeferReturn); f.word[wDeferReturn] != 0 {
		f.word[wDeferReturn] = q.move(f.word[wDeferReturn])
	}
	if f.word[wCU] = word(r, wCU); f.word[wCU] != absent {
		f.word[wCU] = uint32(g.records.units.predict(int32(f.word[wCU])))
	}
	f.word[wStartLine] = word(r, wStartLine)
	if h.at != nil && h.at[colLine] != 0 {
		f.word[wStartLine] += uint32(h.line - firstValue(g.placer.table(column(r, colLine))))
	}
	f.word[wKind] = word(r, wKind) & kindMask
	for j := range number {
		f.data[j] = absent
		if v := funcdatum(r, j); v != absent {
			f.data[j] = g.now(v, g.old.image.Go.GoFunc, g.new.GoFunc)
		}
	}
}

// funcdatum returns what a record says of funcdata j.
func funcdatum(r []byte, j int) uint32 {
	if j >= int(r[4*wKind+3]) {
		return absent
	}
	return word(r, words+int(word(r, wPcdata))+j)
}

// now predicts an offset from base, which was one from oldBase.
func (g *Generator) now(v uint32, oldBase, base uint64) uint32 {
	at, _ := g.remap.Predict(oldBase + uint64(v))
	return uint32(at - base)
}

// asPredicted tells the builder whether the record is what was predicted.
func (m *recordModels) asPredicted(number int) bool {
	for _, w := range codedWords {
		if m.guess.word[w] != m.exact.word[w] {
			return false
		}
	}
	return slices.Equal(m.guess.data[:number], m.exact.data[:number])
}

// editRecord codes a record of which not all is as predicted; the guess becomes what it is.
func (g *Generator) editRecord(c *entropy.Coder, q *pair, h shape, number int) {
	m := &g.records
	f, known := &m.guess, b2i(q.record != nil)
	if q.record == nil {
		f.word = [words]uint32{wName: m.name, wCU: m.unit, wStartLine: uint32(h.line)}
	}
	for _, w := range codedWords {
		f.word[w] = m.codeWord(c, w, known, q, f.word[w], m.exact.word[w])
	}
	for j := range number {
		f.data[j] = m.data.code(c, f, j, known, m.exact.data[j])
	}
	if q.record != nil {
		g.teach(q.record, number)
	}
}

func (m *recordModels) codeWord(c *entropy.Coder, w, known int, q *pair, guess, want uint32) uint32 {
	if !c.Flag(&m.other[w][q.class], want != guess) {
		return guess
	}
	switch w {
	case wKind:
		id := m.kind[known][0].code(c, byte(want))
		return uint32(id) | uint32(m.kind[known][1].code(c, byte(want>>8)))<<8
	case wDeferReturn: // it is at the end of the function
		return q.length - uint32(c.Uint(&m.deferAt[known], uint64(q.length-want)))
	}
	return guess + uint32(c.Int(&m.by[w][known], int64(int32(want-guess))))
}

// teach makes known what the record of a counterpart turned out to be.
func (g *Generator) teach(old []byte, number int) {
	f := &g.records.guess
	if cu := word(old, wCU); cu != absent && f.word[wCU] != absent {
		g.records.units.learn(int32(cu), int32(f.word[wCU]))
	}
	was, is := g.old.image.Go.GoFunc, g.new.GoFunc
	for j := range number {
		if v := funcdatum(old, j); v != absent && f.data[j] != absent && g.now(v, was, is) != f.data[j] {
			g.remap.Learn(was+uint64(v), is+uint64(f.data[j]))
		}
	}
}

func (g *Generator) writeRecord(out *wordWriter, q *pair, h shape, number int) {
	at := h.at
	if at == nil {
		var carried [maxColumns]uint32
		at = carried[:h.n]
		for k := range at {
			at[k], _ = g.placer.carry(column(q.record, k)) // Pctab has placed them
		}
	}
	f := &g.records.guess
	copy(f.word[wPcsp:], at[:3])
	for _, v := range f.word {
		out.word(v)
	}
	for _, v := range at[3:] {
		out.word(v)
	}
	for _, v := range f.data[:number] {
		out.word(v)
	}
}

// wordWriter writes words and counts their bytes.
type wordWriter struct {
	w   io.Writer
	buf []byte
	at  uint64
	err error
}

func (w *wordWriter) word(v uint32) {
	w.buf = binary.LittleEndian.AppendUint32(w.buf, v)
	w.at += 4
	if len(w.buf) >= flushAt {
		w.flush()
	}
}

func (w *wordWriter) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}
