package pcln

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Layout is what is known of the new functions before anything else of the new file.
type Layout struct {
	Entries []uint32 // where each function starts, from the start of the text; the last one is where the text ends
	Align   []int32  // each function's old counterpart, -1 for none
}

// length returns how much text function i has.
func (l *Layout) length(i int) uint32 { return l.Entries[i+1] - l.Entries[i] }

// layoutModels are what CodeFunctions learns. The contexts count what went otherwise than expected of the last two.
type layoutModels struct {
	next    [4]entropy.Prob // does the counterpart follow the one before?
	none    [4]entropy.Prob
	jump    entropy.Int
	header  entropy.Uint
	moved   [4]entropy.Prob // is the text longer or shorter than the counterpart's?
	grown   entropy.Int     // by how many units
	size    entropy.Uint    // in units, without a counterpart
	history int
	resized int
}

// maxUnit is the largest alignment of functions that is made use of, as a power of two.
const maxUnit = 6

// CodeFunctions codes which old function each new one comes from, and where it lies. g is what the header told of the new
// image: NumFuncs, Text, EText and the bounds of the tables, already compared with the size of the new file. want and
// align are the builder's; a patcher leaves them nil.
func CodeFunctions(c *entropy.Coder, old *Table, g *image.Go, want *Table, align []int32) (*Layout, error) {
	n := g.NumFuncs
	if n < 1 || uint64(n) > g.Functab.Size/8 || uint64(n) > g.Funcs.Size/recordSize || g.EText < g.Text || g.EText-g.Text > math.MaxUint32 {
		return nil, fmt.Errorf("%d functions in a table of %d bytes", n, g.Functab.Size)
	}
	l := &Layout{Entries: make([]uint32, n+1), Align: make([]int32, n)}
	if c.Encoding() {
		copy(l.Align, align)
		for i := range l.Entries {
			l.Entries[i] = want.start(i)
		}
	}
	var m layoutModels
	unit := uint(c.Uint(&m.header, uint64(l.unit())))
	if unit > maxUnit {
		return nil, fmt.Errorf("functions aligned to 2^%d bytes", unit)
	}
	limit := g.EText - g.Text
	start := c.Uint(&m.header, uint64(l.Entries[0]))
	after := int64(0)
	for i := range n {
		if start > limit {
			return nil, fmt.Errorf("function %d lies behind the text", i)
		}
		l.Entries[i] = uint32(start)
		k := m.counterpart(c, int64(l.Align[i]), after)
		if k < -1 || k >= int64(old.num) {
			return nil, fmt.Errorf("function %d comes from a function %d that there is not", i, k)
		}
		l.Align[i] = int32(k)
		before := uint64(0)
		if k >= 0 {
			after = k + 1
			before = uint64(old.length(int(k)))
		}
		shift := unit
		if i == n-1 {
			shift = 0
		}
		start += m.length(c, uint64(l.Entries[i+1]-l.Entries[i]), before, k >= 0, shift)
		if err := c.Err(); err != nil {
			return nil, err
		}
	}
	if start > limit {
		return nil, fmt.Errorf("the last function ends behind the text")
	}
	l.Entries[n] = uint32(start)
	return l, nil
}

// unit returns the power of two that the length of every function but the last divides by.
func (l *Layout) unit() int {
	all := uint32(1 << maxUnit)
	for i := range len(l.Entries) - 2 {
		all |= l.length(i)
	}
	return bits.TrailingZeros32(all)
}

// counterpart codes k, where after is what would be the next.
func (m *layoutModels) counterpart(c *entropy.Coder, k, after int64) int64 {
	if !c.Flag(&m.next[m.history&3], k != after) {
		m.history <<= 1
		return after
	}
	m.history = m.history<<1 | 1
	if c.Flag(&m.none[m.history>>1&3], k < 0) {
		return -1
	}
	return after + c.Int(&m.jump, k-after)
}

// length codes how long a text is, in units of 2^shift bytes.
func (m *layoutModels) length(c *entropy.Coder, size, before uint64, known bool, shift uint) uint64 {
	if !known {
		return clamp(c.Uint(&m.size, size>>shift)) << shift
	}
	moved := c.Flag(&m.moved[m.resized&3], size != before)
	m.resized = m.resized << 1 & 3
	if !moved {
		return before
	}
	m.resized |= 1
	was := int64(before >> shift)
	return clamp(uint64(max(0, was+c.Int(&m.grown, int64(size>>shift)-was)))) << shift
}

// clamp keeps a sum of such numbers from wrapping around.
func clamp(v uint64) uint64 { return min(v, math.MaxUint32) }
