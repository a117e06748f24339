package goexe

import (
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// literalModel learns new bytes as they come. It beats a packer while there are few of them, and costs too much time when
// there are many.
type literalModel struct {
	mixed *entropy.Mixed
	past  []byte  // all literals so far
	index []int32 // by hash of the last few bytes: where they were last followed by something
	match int     // in past, where the text repeats itself; 0: it does not
	run   uint32  // how long it has
	fails uint32  // how often it did not, lately
}

const (
	literalContexts = 8
	indexBits       = 16
	maxFails        = 8
)

// newLiteralModel returns a model for n bytes.
func newLiteralModel(n int64) *literalModel {
	return &literalModel{
		mixed: entropy.NewMixed(literalContexts, 16, int(refs.NumClasses)*4),
		index: make([]int32, 1<<indexBits),
		past:  make([]byte, 8, 8+n),
	}
}

// code codes the bytes of out, which stand at the new place q where one of class k was before, with the old bytes from
// there on.
func (m *literalModel) code(c *entropy.Coder, k refs.Class, old []byte, q uint64, out []byte) {
	for i := range out {
		var below uint32
		if i < len(old) {
			below = uint32(old[i])
		}
		out[i] = m.next(c, k, below, uint32(q+uint64(i)), out[i])
	}
}

func (m *literalModel) next(c *entropy.Coder, k refs.Class, below, place uint32, v byte) byte {
	n := len(m.past)
	tail := m.past[n-8:]
	one, two := uint32(tail[7]), uint32(tail[6])
	four := uint32(tail[4]) | uint32(tail[5])<<8 | two<<16 | one<<24
	six := hash(1, four, uint32(tail[3]), uint32(tail[2]))
	slot := &m.index[six>>(32-indexBits)]
	if m.run < 6 {
		m.look(int(*slot))
	}
	expected := uint32(256)
	if m.match > 0 && m.fails < maxFails {
		expected = uint32(m.past[m.match])
	}
	class := uint32(k)
	context := [literalContexts]uint32{
		hash(21, class),
		hash(22, class, one),
		hash(23, class, one, two),
		hash(24, expected, min(m.run, 31), m.fails),
		hash(25, four),
		hash(26, expected, one, below),
		hash(27, class, place&7, uint32(tail[4])),
		hash(28, six),
	}
	trust := 0
	if expected < 256 {
		trust = 1 + min(bits.Len32(m.run), 5)/2
	}
	v = c.Byte(m.mixed, context[:], int(k)*4+trust, v)
	if expected < 256 {
		if byte(expected) == v {
			m.run++
			if m.run&7 == 0 && m.fails > 0 {
				m.fails--
			}
		} else {
			m.run = 0
			m.fails++
		}
		m.match++
	}
	*slot = int32(n)
	m.past = append(m.past, v)
	return v
}

// look takes up a repetition whose next byte is at, when it is longer than the one that is followed.
func (m *literalModel) look(at int) {
	if at == 0 || at == m.match {
		return
	}
	n := len(m.past)
	run := 0
	for run < 32 && at-run > 0 && m.past[at-run-1] == m.past[n-run-1] {
		run++
	}
	if run >= 5 && uint32(run) > m.run || m.match == 0 && run >= 4 {
		m.match, m.run, m.fails = at, uint32(run), 0
	}
}
