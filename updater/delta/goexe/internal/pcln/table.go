// Package pcln makes the tables a Go program finds its functions and lines with anew: pctab, functab and the _func
// records. They are not copied from the old file but coded function by function against the old function's, and laid out
// by the linker's own rules.
//
// Parties. The builder has the tables of both files and refuses a new one that the rules do not reproduce byte for byte.
// The patcher reads the old tables only, and only where they lie.
//
// Trust. The old image and the coded numbers may be anything. What comes out is then wrong, but it has exactly the length
// that the caller asked for, or there is an error; memory stays in proportion to the old tables and to that length.
package pcln

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// The fields of a _func record, in words of 4 bytes.
const (
	wEntry = iota
	wName
	wArgs
	wDeferReturn
	wPcsp
	wPcfile
	wPcln
	wPcdata // how many
	wCU
	wStartLine
	wKind // funcID, flag, 0, nfuncdata: a byte each
	words
)

const recordSize = 4 * words

// Table is the function tables of one image, read where they lie.
type Table struct {
	image   *image.Image
	pctab   []byte
	funcs   []byte // functab and the records behind it, as one: what funcoff counts in
	names   []byte
	num     int
	first   uint64 // where records begin in funcs
	quantum uint32 // of pc deltas
}

// Parse finds the tables of an image. It reads nothing but their bounds; see Verify.
func Parse(m *image.Image) (*Table, error) {
	g := &m.Go
	if g.NumFuncs < 1 || g.Functab.Size != 8*uint64(g.NumFuncs)+4 || g.Funcs.Addr != g.Functab.End() {
		return nil, fmt.Errorf("%w: functab has a shape of its own", image.ErrUnsupported)
	}
	t := &Table{image: m, num: g.NumFuncs, quantum: quantum(m.Arch)}
	t.pctab = m.Bytes(g.Pctab.Addr, g.Pctab.Size)
	t.funcs = m.Bytes(g.Functab.Addr, g.Funcs.End()-g.Functab.Addr)
	t.first = (g.Functab.Size + 7) &^ 7
	t.names = m.Bytes(g.Names.Addr, g.Names.Size)
	if uint64(len(m.Data)) > math.MaxUint32 || t.pctab == nil || t.funcs == nil || t.names == nil {
		return nil, fmt.Errorf("%w: the function tables are not in the file, or it is too large", image.ErrUnsupported)
	}
	return t, nil
}

func quantum(a image.Arch) uint32 {
	if a == image.ARM64 {
		return 4
	}
	return 1
}

// NumFuncs returns how many functions there are.
func (t *Table) NumFuncs() int { return t.num }

// Entry returns the address of function i; Entry(NumFuncs()) is where the last one ends.
func (t *Table) Entry(i int) uint64 { return t.image.Go.Text + uint64(t.start(i)) }

// Name returns the name of function i, empty when the file does not hold it.
func (t *Table) Name(i int) []byte {
	r := t.record(i)
	if r == nil {
		return nil
	}
	off := uint64(word(r, wName))
	if off >= uint64(len(t.names)) {
		return nil
	}
	name := t.names[off:]
	if end := bytes.IndexByte(name, 0); end >= 0 {
		return name[:end]
	}
	return nil
}

func (t *Table) start(i int) uint32 { return binary.LittleEndian.Uint32(t.funcs[8*i:]) }

// length returns how much text function i has.
func (t *Table) length(i int) uint32 { return t.start(i+1) - t.start(i) }

// recordAt returns where function i's record is said to be.
func (t *Table) recordAt(i int) uint64 { return uint64(binary.LittleEndian.Uint32(t.funcs[8*i+4:])) }

// record returns function i's record and what follows it, or nil when it does not lie in the table.
func (t *Table) record(i int) []byte {
	off := t.recordAt(i)
	if off+recordSize > uint64(len(t.funcs)) {
		return nil
	}
	r := t.funcs[off:]
	if uint64(len(r)) < recordSize+4*(uint64(word(r, wPcdata))+uint64(r[4*wKind+3])) {
		return nil
	}
	return r
}

func word(r []byte, i int) uint32 { return binary.LittleEndian.Uint32(r[4*i:]) }

// pcTable returns the pc table at off, nil for none.
func (t *Table) pcTable(off uint32) []byte {
	if off == 0 || off >= uint32(len(t.pctab)) {
		return nil
	}
	return t.pctab[off : int(off)+tableEnd(t.pctab[off:])]
}

// maxColumns is how many pc tables a new function may have: pcsp, pcfile, pcln and its pcdata. Go's have eight.
const maxColumns = 16

// columns returns how many pc tables a record names, no more than maxColumns.
func columns(r []byte) int { return int(min(3+word(r, wPcdata), maxColumns)) }

// column returns where the record's pc table k is.
func column(r []byte, k int) uint32 {
	if k < 3 {
		return word(r, wPcsp+k)
	}
	return word(r, words+k-3)
}

// layoutOrder returns which of n tables of a function the linker lays out as number j: they follow the record, but for
// the inline indexes, which come last.
func layoutOrder(j, n int) int {
	switch {
	case j < colInline:
		return j
	case j == n-1:
		return colInline
	}
	return j + 1
}
