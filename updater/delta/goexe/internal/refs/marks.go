package refs

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"

// marks remembers for every fourth address of a table which of three kinds of references stands there, 0 for none.
// The address counts from the table's start, rounded down to 8.
type marks struct {
	start uint64
	words []uint64 // 2 bits for each 4 bytes
	kinds [4]Kind
}

func newMarks(t image.Table, kinds ...Kind) marks {
	start := t.Addr &^ 7
	m := marks{start: start, words: make([]uint64, (t.End()-start+127)/128)}
	copy(m.kinds[1:], kinds)
	return m
}

// set marks addr, if the table reaches that far. The first mark of a place counts.
func (m *marks) set(addr uint64, mark uint64) {
	i := (addr - m.start) / 4
	if addr >= m.start && i/32 < uint64(len(m.words)) && m.words[i/32]>>(i%32*2)&3 == 0 {
		m.words[i/32] |= mark << (i % 32 * 2)
	}
}

// at returns the marks of addr, which lies in the table, and of the 4 bytes behind: 2 bits each.
func (m *marks) at(addr uint64) uint64 {
	i := (addr - m.start) / 4
	pair := m.words[i/32] >> (i % 32 * 2)
	return pair & 15
}
