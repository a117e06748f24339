package refs

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// What the compiler notes about functions stands in go:func.*. Two notes hold offsets: an inlining tree names the inlined
// functions, a list of stack objects says where their pointer masks are. The tree's length is noted nowhere; it is one
// more than the largest index that the function's table of inlined calls by pc yields.
const (
	inlineCallSize, inlineName   = 16, 4
	stackObjectSize, objectsHead = 16, 8
	objectMask                   = 12

	pcdataInline    = 2 // indexes in a _func record
	funcdataObjects = 2
	funcdataInline  = 3
	none            = ^uint32(0)
)

// funcdataWalk marks the references in go:func.*. Functions may share what they note, so a hostile file could ask for the
// same long walk many times over: the work is limited.
type funcdataWalk struct {
	marks
	table  []byte // go:func.*
	pctab  []byte
	budget int64 // bytes
}

func findFuncdata(m *image.Image) marks {
	g := &m.Go
	t := goFunc(m)
	w := funcdataWalk{
		marks: newMarks(t, InlName, Gcdata),
		table: m.Bytes(t.Addr, t.Size),
		pctab: m.Bytes(g.Pctab.Addr, g.Pctab.Size),
	}
	w.budget = 4 * int64(len(w.table)+len(w.pctab))
	functab := m.Bytes(g.Functab.Addr, g.Functab.Size+g.Funcs.Size)
	for i := range g.NumFuncs {
		f := functab[binary.LittleEndian.Uint32(functab[8*i+4:]):]
		tables, notes := binary.LittleEndian.Uint32(f[28:]), f[43]
		data := f[44+4*tables:]
		if notes > funcdataObjects {
			w.objects(binary.LittleEndian.Uint32(data[4*funcdataObjects:]))
		}
		if notes > funcdataInline && tables > pcdataInline {
			w.tree(binary.LittleEndian.Uint32(data[4*funcdataInline:]), binary.LittleEndian.Uint32(f[44+4*pcdataInline:]))
		}
	}
	return w.marks
}

// objects marks the masks in the list of stack objects at off.
func (w *funcdataWalk) objects(off uint32) {
	if uint64(off)+objectsHead > uint64(len(w.table)) {
		return
	}
	list := w.table[off:]
	count := binary.LittleEndian.Uint64(list)
	list = list[objectsHead:]
	if count > uint64(len(list)/stackObjectSize) {
		return
	}
	for i := range int(count) {
		if w.budget -= stackObjectSize; w.budget < 0 {
			return
		}
		at := i*stackObjectSize + objectMask
		if binary.LittleEndian.Uint32(list[at:]) != 0 {
			w.set(w.start+uint64(off)+objectsHead+uint64(at), 2)
		}
	}
}

// tree marks the names in the inlining tree at off, whose length the pc table at calls tells.
func (w *funcdataWalk) tree(off, calls uint32) {
	if off == none || calls == 0 || uint64(calls) >= uint64(len(w.pctab)) || uint64(off) >= uint64(len(w.table)) {
		return
	}
	length := min(w.largest(w.pctab[calls:])+1, int64(len(w.table)-int(off))/inlineCallSize)
	for i := range length {
		w.set(w.start+uint64(off)+uint64(i)*inlineCallSize+inlineName, 1)
	}
	w.budget -= length * inlineCallSize
}

// largest returns the largest value of a table by pc, -1 for none: pairs of a value's change, folded so that small
// changes of either sign are small, and a distance; a change of 0 ends it, but for the first.
func (w *funcdataWalk) largest(b []byte) int64 {
	value, largest := int32(-1), int32(-1)
	for i := 0; i < len(b) && w.budget > 0; {
		change, start := uint32(b[i]), i
		i++
		if change >= 0x80 {
			change &= 0x7f
			for shift := 7; i < len(b); shift += 7 {
				c := b[i]
				i++
				change |= uint32(c&0x7f) << (shift & 31)
				if c < 0x80 {
					break
				}
			}
		}
		if change == 0 && start > 0 {
			break
		}
		value += int32(change>>1) ^ -int32(change&1)
		largest = max(largest, value)
		for i < len(b) && b[i] >= 0x80 {
			i++
		}
		i++
		w.budget -= int64(i - start)
	}
	return int64(largest)
}
