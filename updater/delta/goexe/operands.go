package goexe

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// operandModel learns what new code calls and reads. The bytes of a distance look like noise; where it leads to does not:
// to what the old function used there, or to what other new code used lately.
type operandModel struct {
	beside   [2]entropy.Uint // place among what the counterpart refers to, by: data or branch
	found    [2]entropy.Uint // place among the recent ones
	isEntry  entropy.Prob    // a branch to the start of a function?
	isInside entropy.Prob    // a branch to the function itself?
	callee   entropy.Int     // number of functions from here to the callee
	within   entropy.Int     // bytes
	data     entropy.Int     // bytes from the last one
	last     uint64
	recent   [2][]uint64

	cursor   uint64 // in the new file: where the next instruction starts
	function int    // that cursor is in
	asked    int    // function whose counterpart's references these are
	asking   uint64 // bytes of counterparts so far
	old      []refs.Ref
	next     int // in old: what is expected to come next
}

const (
	besideReach  = 16  // references looked at before and behind the expected one
	recentLimit  = 256 // targets remembered
	notBeside    = 2 * besideReach
	operandWidth = 4
	maxAsking    = 4 // times the old file: what counterparts are read in all, so that no patch has one read for ever
)

// code fills out with instructions: distances in them are coded as targets, all else as raw bytes.
func (w *walk) code(out []byte) error {
	m := w.models.operand
	var spare isa.Window
	for i := 0; i < len(out); {
		q := w.q + uint64(i)
		f, ok := w.funcs.at(q)
		if !ok {
			return w.raw(refs.CodeBytes, refs.Code, i, out[i:])
		}
		made := func(from uint64) []byte { // the new bytes from there up to q
			if from >= w.q {
				return out[from-w.q : i]
			}
			return w.out.last(len(out) + int(w.q-from))[:q-from]
		}
		m.advance(f, q, made)
		operand := isa.ReadAMD64(isa.Look(made(m.cursor), &spare))
		if operand.At > 0 && m.cursor+uint64(operand.At) == q && len(out)-i >= operandWidth && q+operandWidth <= f.end {
			w.operand(f, q, operand, out[i:i+operandWidth])
			i += operandWidth
			continue
		}
		if err := w.raw(refs.CodeBytes, refs.Code, i, out[i:i+1]); err != nil {
			return err
		}
		i++
	}
	return nil
}

// advance moves the cursor to the instruction of f that q is in, or is the start of.
func (m *operandModel) advance(f function, q uint64, made func(from uint64) []byte) {
	if m.function != f.number || m.cursor < f.start || m.cursor > q {
		m.function, m.cursor = f.number, f.start
	}
	if q-m.cursor > history {
		m.cursor = q
	}
	if m.cursor == q {
		return
	}
	b := made(m.cursor)
	var spare isa.Window
	for len(b) > 0 {
		length := isa.ReadAMD64(isa.Look(b, &spare)).Length
		if length == 0 && len(b) >= isa.LongestAMD64 {
			length = 1
		}
		if length == 0 || length > len(b) { // there is more to it
			break
		}
		b = b[length:]
	}
	m.cursor = q - uint64(len(b))
}

// operand codes a distance at the new place q.
func (w *walk) operand(f function, q uint64, o isa.AMD64, out []byte) {
	start := w.account.start(w.c)
	defer func() { w.account.add(w.c, start, "literals: ", "operands") }()
	place, ok := w.places.Address(q)
	if !ok {
		place = q
	}
	m := w.models.operand
	behind := place + operandWidth + uint64(o.Imm)
	var target uint64
	if w.want != nil {
		target = behind + uint64(int64(int32(binary.LittleEndian.Uint32(out))))
	}
	k := b2i(o.Branch)
	w.prepare(f)
	target, ok = w.beside(k, target)
	if !ok {
		target, ok = m.lately(w.c, k, target)
	}
	if !ok {
		target = w.anew(f, q, place, o.Branch, target)
	}
	m.remember(k, target)
	binary.LittleEndian.PutUint32(out, uint32(target-behind))
}

// prepare reads the references of f's counterpart and expects the one behind the old place to come next.
func (w *walk) prepare(f function) {
	m := w.models.operand
	if m.asked != f.number+1 {
		m.asked = f.number + 1
		m.old, m.next = m.old[:0], 0
		start, end, ok := w.funcs.counterpart(f)
		if m.asking += end - start; ok && m.asking <= maxAsking*uint64(len(w.old)) {
			m.old = w.scan.Append(m.old, start, end, end)
		}
	}
	i, _ := slices.BinarySearchFunc(m.old, w.p, func(r refs.Ref, p uint64) int { return cmp.Compare(uint64(r.Off), p) })
	m.next = max(m.next, i)
}

// beside codes a target as one that the counterpart refers to around the expected place.
func (w *walk) beside(branch int, target uint64) (uint64, bool) {
	m := w.models.operand
	if len(m.old) == 0 {
		return target, false
	}
	// 0, 1, 2, ... stand for the expected one, the next, the one before, the second next, ...
	which := func(n int) int {
		if n&1 != 0 {
			return m.next + (n+1)/2
		}
		return m.next - n/2
	}
	n := notBeside
	if w.c.Encoding() {
		for n = 0; n < notBeside; n++ {
			if i := which(n); i >= 0 && i < len(m.old) && w.meant(m.old[i]) == target {
				break
			}
		}
	}
	n = int(min(w.c.Uint(&m.beside[branch], uint64(n)), notBeside))
	i := which(n)
	if n == notBeside || i < 0 || i >= len(m.old) {
		return target, false
	}
	m.next = i + 1
	return w.meant(m.old[i]), true
}

// meant returns where an old reference would lead to in the new file.
func (w *walk) meant(r refs.Ref) uint64 {
	target, _ := w.where.Predict(w.scan.Target(r))
	return target
}

// lately codes a target as one of the recent ones.
func (m *operandModel) lately(c *entropy.Coder, branch int, target uint64) (uint64, bool) {
	l := m.recent[branch]
	i := slices.Index(l, target)
	i = int(min(c.Uint(&m.found[branch], uint64(i+1)), recentLimit)) - 1
	if i < 0 || i >= len(l) {
		return target, false
	}
	return l[i], true
}

func (m *operandModel) remember(branch int, target uint64) {
	l := m.recent[branch]
	i := slices.Index(l, target)
	if i < 0 {
		if len(l) < recentLimit {
			l = append(l, 0)
		}
		i = len(l) - 1
	}
	copy(l[1:i+1], l[:i])
	l[0] = target
	m.recent[branch] = l
}

// anew codes a target that was not seen lately.
func (w *walk) anew(f function, q, place uint64, branch bool, target uint64) uint64 {
	m := w.models.operand
	if !branch {
		m.last += uint64(w.c.Int(&m.data, int64(target-m.last)))
		return m.last
	}
	inText := target - (place - (q - w.funcs.text)) // from the start of the text
	e := w.funcs.layout.Entries
	inside := inText+w.funcs.text > f.start && inText+w.funcs.text < f.end
	if w.c.Flag(&m.isInside, inside) {
		return place + uint64(w.c.Int(&m.within, int64(target-place)))
	}
	number, exact := slices.BinarySearch(e, uint32(min(inText, 1<<32-1)))
	if w.c.Flag(&m.isEntry, exact && inText < w.funcs.size) {
		number = f.number + int(w.c.Int(&m.callee, int64(number-f.number)))
		number = max(0, min(number, len(e)-1))
		return place - (q - w.funcs.text) + uint64(e[number])
	}
	m.last += uint64(w.c.Int(&m.data, int64(target-m.last)))
	return m.last
}
