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

// none is what a record says where there is no funcdata, and where there is no compilation unit.
const none = ^uint32(0)

const maxFuncdata = 255

// recordModels are what Funcs learns. The first index is whether there is a counterpart.
type recordModels struct {
	funcdata [classes]entropy.Prob // another number of them?
	number   entropy.Uint
	all      [classes][4]entropy.Prob
	history  int
	other    [words][classes]entropy.Prob
	by       [words][2]entropy.Int
	size     [words][2]entropy.Uint
	bytes    [2][2]byteModel
	data     [2][16]entropy.Prob
	absent   [2][16]entropy.Prob
	again    [16]entropy.Prob
	moved    [16]entropy.Int
}

// fields are the words of a record and what its funcdata say.
type fields struct {
	word [words]uint32
	data [maxFuncdata]uint32
}

// writer writes words and counts them.
type writer struct {
	w   io.Writer
	buf []byte
	at  uint64
	err error
}

func (w *writer) word(v uint32) {
	w.buf = binary.LittleEndian.AppendUint32(w.buf, v)
	w.at += 4
	if len(w.buf) >= flushAt {
		w.flush()
	}
}

func (w *writer) flush() {
	if w.err == nil {
		_, w.err = w.w.Write(w.buf)
	}
	w.buf = w.buf[:0]
}

// shapes goes through the new functions and tells what Pctab found of each.
type shapes struct {
	g      *Generator
	edited []uint32
}

// shape is how many tables a function has, where they are and which line it begins with, if that is not as the
// counterpart tells.
type shape struct {
	n    int
	at   []uint32 // nil: as carried
	line int32
}

func (s *shapes) at(i int, old []byte) shape {
	if len(s.edited) > 0 && s.edited[0] == uint32(i) {
		n := int(s.edited[1])
		h := shape{n, s.edited[3 : 3+n], int32(s.edited[2])}
		s.edited = s.edited[3+n:]
		return h
	}
	return shape{n: columns(old)}
}

// Funcs codes functab and the _func records and writes them, from g.Functab.Addr to g.Funcs.End(). Pctab comes first.
func (g *Generator) Funcs(c *entropy.Coder, w io.Writer) error {
	out := &writer{w: w, buf: make([]byte, 0, flushAt+64)}
	limit := g.new.Funcs.End() - g.new.Functab.Addr
	numbers, err := g.functab(c, out, limit)
	if err != nil {
		return err
	}
	pairs, shapes := g.pairs, shapes{g: g, edited: g.edited}
	for i := range g.new.NumFuncs {
		q := pairs.at(i)
		if err := g.record(c, out, i, q, shapes.at(i, q.record), int(numbers[i])); err != nil {
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
func (g *Generator) functab(c *entropy.Coder, out *writer, limit uint64) ([]byte, error) {
	n := g.new.NumFuncs
	numbers := make([]byte, n)
	pairs, shapes := g.pairs, shapes{g: g, edited: g.edited}
	at := g.new.Funcs.Addr - g.new.Functab.Addr
	last := byte(0)
	for i := range n {
		q := pairs.at(i)
		guess := last
		if q.record != nil {
			guess = q.record[4*wKind+3]
		}
		number := byte(0)
		if c.Encoding() {
			number = g.want.record(i)[4*wKind+3]
		}
		if c.Flag(&g.records.funcdata[q.class], number != guess) {
			number = byte(c.Uint(&g.records.number, uint64(number)))
		} else {
			number = guess
		}
		last, numbers[i] = number, number
		at = (at + 7) &^ 7
		out.word(g.layout.Entries[i])
		out.word(uint32(at))
		at += recordSize + 4*uint64(shapes.at(i, q.record).n-3+int(number))
	}
	out.word(g.layout.Entries[n])
	for out.at < g.new.Funcs.Addr-g.new.Functab.Addr {
		out.word(0)
	}
	if at > limit || limit-at >= 8 || limit%4 != 0 {
		return nil, errors.New("the records do not fill where they belong")
	}
	return numbers, c.Err()
}

// record codes and writes one record.
func (g *Generator) record(c *entropy.Coder, out *writer, i int, q *pair, h shape, number int) error {
	for out.at%8 != 0 {
		out.word(0)
	}
	guess := &g.guess
	if q.record != nil {
		g.carryRecord(guess, q, h, number)
	}
	if c.Encoding() {
		if err := g.actualFields(i, h); err != nil {
			return err
		}
	}
	m := &g.records
	edited := q.record == nil
	if !edited {
		edited = c.Flag(&m.all[q.class][m.history&3], c.Encoding() && !g.sameFields(number))
		m.history <<= 1
	}
	if edited {
		m.history |= 1
		g.fields(c, q, h, number)
	}
	g.write(out, i, q, h, number)
	return nil
}

// coded are the words of a record that are coded; of wKind that is all but the number of funcdata.
var codedWords = [...]int{wName, wArgs, wDeferReturn, wCU, wStartLine, wKind}

// carryRecord predicts a record from the counterpart's.
func (g *Generator) carryRecord(f *fields, q *pair, h shape, number int) {
	r := q.record
	f.word[wName] = g.now(word(r, wName), g.old.image.Go.Names.Addr, g.new.Names.Addr)
	f.word[wArgs] = word(r, wArgs)
	f.word[wDeferReturn] = word(r, wDeferReturn)
	if f.word[wDeferReturn] != 0 {
		f.word[wDeferReturn] = q.move(f.word[wDeferReturn])
	}
	f.word[wCU] = word(r, wCU)
	if f.word[wCU] != none {
		f.word[wCU] = uint32(g.units.predict(int32(f.word[wCU])))
	}
	f.word[wStartLine] = word(r, wStartLine)
	if h.at != nil && h.n > colLine && h.at[colLine] != 0 {
		f.word[wStartLine] += uint32(h.line - firstValue(g.placer.table(column(r, colLine))))
	}
	f.word[wKind] = word(r, wKind) & 0xffff
	data := r[recordSize+4*word(r, wPcdata):]
	for j := range number {
		f.data[j] = none
		if j < int(r[4*wKind+3]) {
			if v := word(data, j); v != none {
				f.data[j] = g.now(v, g.old.image.Go.GoFunc, g.new.GoFunc)
			}
		}
	}
}

// now predicts an offset from base, which was one from oldBase.
func (g *Generator) now(v uint32, oldBase, base uint64) uint32 {
	at, _ := g.remap.Predict(oldBase + uint64(v))
	return uint32(at - base)
}

// actualFields reads the builder's record.
func (g *Generator) actualFields(i int, h shape) error {
	r := g.want.record(i)
	if columns(r) != h.n || r[4*wKind+2] != 0 || word(r, wEntry) != g.layout.Entries[i] {
		return image.ErrUnsupported
	}
	f := &g.actualRecord
	for _, w := range codedWords {
		f.word[w] = word(r, w)
	}
	f.word[wKind] &= 0xffff
	data := r[recordSize+4*word(r, wPcdata):]
	for j := range int(r[4*wKind+3]) {
		f.data[j] = word(data, j)
	}
	return nil
}

func (g *Generator) sameFields(number int) bool {
	a, b := &g.guess, &g.actualRecord
	for _, w := range codedWords {
		if a.word[w] != b.word[w] {
			return false
		}
	}
	return slices.Equal(a.data[:number], b.data[:number])
}

// fields codes a record of which not all is as predicted; the guess becomes what it is.
func (g *Generator) fields(c *entropy.Coder, q *pair, h shape, number int) {
	m, f, want := &g.records, &g.guess, &g.actualRecord
	kind := 1
	if q.record == nil {
		kind = 0
		f.word = [words]uint32{wName: g.lastRecord[wName], wCU: g.lastRecord[wCU], wStartLine: uint32(h.line)}
	}
	for _, w := range codedWords {
		f.word[w] = m.word(c, w, kind, q, f.word[w], want.word[w])
	}
	for j := range number {
		f.data[j] = m.funcdatum(c, g, j, kind, f.data[j], want.data[j])
	}
	g.teach(q, number)
}

func (m *recordModels) word(c *entropy.Coder, w, kind int, q *pair, guess, want uint32) uint32 {
	if !c.Flag(&m.other[w][q.class], want != guess) {
		return guess
	}
	switch {
	case w == wKind:
		id := m.bytes[kind][0].code(c, byte(want))
		return uint32(id) | uint32(m.bytes[kind][1].code(c, byte(want>>8)))<<8
	case w == wDeferReturn:
		return q.length - uint32(c.Uint(&m.size[w][kind], uint64(q.length-want)))
	}
	return guess + uint32(c.Int(&m.by[w][kind], int64(int32(want-guess))))
}

// funcdatum codes what one funcdata says.
func (m *recordModels) funcdatum(c *entropy.Coder, g *Generator, j, kind int, guess, want uint32) uint32 {
	k := min(j, 15)
	if kind == 1 && !c.Flag(&m.data[0][k], want != guess) {
		return guess
	}
	if c.Flag(&m.absent[kind][k], want == none) {
		return none
	}
	last := g.lastData[k]
	if !c.Flag(&m.again[k], want != last) {
		return last
	}
	v := g.front + uint32(c.Int(&m.moved[k], int64(int32(want-g.front))))
	g.lastData[k] = v
	g.front = max(g.front, v)
	return v
}

// teach makes the map and the drifts know what a record turned out to be.
func (g *Generator) teach(q *pair, number int) {
	f := &g.guess
	copy(g.lastRecord[:], f.word[:])
	if q.record == nil {
		return
	}
	r := q.record
	if cu := word(r, wCU); cu != none && f.word[wCU] != none {
		g.units.learn(int32(cu), int32(f.word[wCU]))
	}
	data := r[recordSize+4*word(r, wPcdata):]
	for j := range min(number, int(r[4*wKind+3])) {
		if v := word(data, j); v != none && f.data[j] != none && g.now(v, g.old.image.Go.GoFunc, g.new.GoFunc) != f.data[j] {
			g.remap.Learn(g.old.image.Go.GoFunc+uint64(v), g.new.GoFunc+uint64(f.data[j]))
		}
	}
}

func (g *Generator) write(out *writer, i int, q *pair, h shape, number int) {
	var at [maxColumns]uint32
	if h.at == nil {
		for k := range h.n {
			at[k], _ = g.placer.carry(column(q.record, k))
		}
	} else {
		copy(at[:], h.at)
	}
	f := &g.guess
	g.lastRecord[wName], g.lastRecord[wCU] = f.word[wName], f.word[wCU]
	out.word(g.layout.Entries[i])
	out.word(f.word[wName])
	out.word(f.word[wArgs])
	out.word(f.word[wDeferReturn])
	for k := range 3 {
		out.word(at[k])
	}
	out.word(uint32(h.n - 3))
	out.word(f.word[wCU])
	out.word(f.word[wStartLine])
	out.word(f.word[wKind] | uint32(number)<<24)
	for k := 3; k < h.n; k++ {
		out.word(at[k])
	}
	for j := range number {
		out.word(f.data[j])
	}
}
