package goexe

import (
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// residueModel learns where copied bytes still differ once their references are right, and by how much. Changes come
// in flocks: the same few bytes at the same distances, over and over.
type residueModel struct {
	gap       *entropy.Mixed
	more      [refs.NumClasses][64][4]entropy.Prob // does anything differ in the rest? by: how much is left, how much did
	long      [refs.NumClasses]entropy.Uint
	change    *entropy.Mixed
	gaps      [3]uint32 // the last symbols
	changes   [2]uint32 // the last differences
	replacing [256]byte // what each old byte last became
}

const (
	gapContexts    = 6
	changeContexts = 7
	longGap        = 255 // gap symbol: the distance follows as a number
)

func newResidueModel() *residueModel {
	return &residueModel{
		gap:    entropy.NewMixed(gapContexts, 15, int(refs.NumClasses)),
		change: entropy.NewMixed(changeContexts, 15, int(refs.NumClasses)),
	}
}

// hash joins what is known into a context; salt keeps contexts of the same words apart.
func hash(salt uint32, words ...uint32) uint32 {
	h := salt * 0x9E3779B1
	for _, x := range words {
		h = (h ^ x) * 0x2545F491
		h ^= h >> 15
	}
	return h
}

// residues makes out, copied from the old bytes at w.p, what the new file has at w.q.
func (w *walk) residues(out []byte) {
	m := w.models.residue
	start := w.account.start(w.c)
	k := w.classes.at(w.p)
	class := k
	count := uint32(0)
	for i := 0; i < len(out); i++ {
		gap := len(out) - i
		if w.want != nil {
			gap = equal(out[i:], w.want[w.q+uint64(i):])
		}
		gap = m.distance(w.c, k, gap, len(out)-i, count)
		i += gap
		if i >= len(out) {
			break
		}
		k = w.classes.at(w.p + uint64(i))
		var v, last byte
		if w.want != nil {
			v = w.want[w.q+uint64(i)]
		}
		if i > 0 {
			last = out[i-1]
		}
		out[i] = m.differs(w.c, k, last, out[i], v)
		count++
	}
	w.account.add(w.c, start, "residues: ", class.Group().String())
}

// distance codes how many of the left bytes are right before the next wrong one: left when all are.
func (m *residueModel) distance(c *entropy.Coder, k refs.Class, gap, left int, count uint32) int {
	size := uint32(bits.Len(uint(left)))
	if c.Bit(&m.more[k][size][min(count, 3)], b2i(gap < left), entropy.Steady) == 0 {
		return left
	}
	class := uint32(k)
	g, d := &m.gaps, &m.changes
	context := [gapContexts]uint32{
		hash(1, class, size, min(count, 3)),
		hash(2, class, g[0], d[0]),
		hash(3, class, g[0], d[0], g[1]),
		hash(4, g[0], d[0], g[1], d[1], g[2]),
		hash(5, class, g[0], g[1]),
		hash(6, class, uint32(min(left, 255)), min(count, 7)),
	}
	symbol := c.Byte(m.gap, context[:], int(k), byte(min(gap, longGap)))
	if symbol == longGap {
		gap = longGap + int(min(c.Uint(&m.long[k], uint64(gap-longGap)), uint64(left)))
	} else {
		gap = int(symbol)
	}
	g[2], g[1], g[0] = g[1], g[0], uint32(symbol)
	return min(gap, left-1)
}

// differs codes what the old byte became, v when writing.
func (m *residueModel) differs(c *entropy.Coder, k refs.Class, last, old, v byte) byte {
	class, o := uint32(k), uint32(old)
	g, d := &m.gaps, &m.changes
	context := [changeContexts]uint32{
		hash(11, class, o),
		hash(12, class, g[0], d[0]),
		hash(13, class, o, uint32(m.replacing[old]-old)),
		hash(14, class, g[0], d[0], g[1]),
		hash(15, g[0], d[0], g[1], d[1], g[2]),
		hash(16, class, o, d[0]),
		hash(17, class, o, uint32(last)),
	}
	change := c.Byte(m.change, context[:], int(k), v-old)
	v = old + change
	d[1], d[0] = d[0], uint32(change)
	m.replacing[old] = v
	return v
}

// equal returns how many bytes a and b, which is at least as long, have in common at their start.
func equal(a, b []byte) int {
	i := 0
	for ; i+8 <= len(a); i += 8 {
		if x := word(a[i:], 8) ^ word(b[i:], 8); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i
}
