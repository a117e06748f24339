package pcln

import (
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

const (
	// dataSlots is how many kinds of funcdata have models of their own.
	dataSlots = 16
	// candidates is how many values are tried first: those that came last in the same surroundings.
	candidates = 3
	// recentData is how many values of a kind are remembered that had to be coded.
	recentData = 64
)

// dataModels code where funcdata lies when that is not as predicted. Many functions share theirs, and a new one lies
// behind those before it.
type dataModels struct {
	other  [dataSlots]entropy.Prob
	absent [2][dataSlots]entropy.Prob
	next   [dataSlots][candidates]entropy.Prob
	seen   [1 << 12]uint32 // by surroundings
	rank   [dataSlots]entropy.Uint
	recent [dataSlots][recentData]uint32 // the last one first
	beyond [dataSlots]entropy.Int
	front  [dataSlots]uint32 // the largest
}

// code codes f.data[j], which is guessed already if there is a counterpart; what comes before it in f is known.
func (m *dataModels) code(c *entropy.Coder, f *fields, j, known int, want uint32) uint32 {
	k := min(j, dataSlots-1)
	if known == 1 && !c.Flag(&m.other[k], want != f.data[j]) {
		return f.data[j]
	}
	if c.Flag(&m.absent[known][k], want == absent) {
		return absent
	}
	var tried [candidates]uint32
	n := 0
	for i, at := range surroundings(f, j) {
		v := m.seen[at]
		if slices.Contains(tried[:n], v) {
			continue
		}
		tried[n], n = v, n+1
		if !c.Flag(&m.next[k][i], want != v) {
			return v
		}
	}
	return m.codeRecent(c, k, want)
}

// codeRecent codes a value by how long ago it was coded, or else by how far behind all others it lies.
func (m *dataModels) codeRecent(c *entropy.Coder, k int, want uint32) uint32 {
	recent := &m.recent[k]
	rank := slices.Index(recent[:], want) + 1
	rank = int(min(c.Uint(&m.rank[k], uint64(rank)), recentData))
	var v uint32
	if rank > 0 {
		v = recent[rank-1]
	} else {
		v = m.front[k] + uint32(c.Int(&m.beyond[k], int64(int32(want-m.front[k]))))
		rank = recentData
	}
	copy(recent[1:rank], recent[:])
	recent[0] = v
	return v
}

// see notes the funcdata of a function.
func (m *dataModels) see(f *fields, number int) {
	for j := range number {
		v := f.data[j]
		if v == absent {
			continue
		}
		for _, at := range surroundings(f, j) {
			m.seen[at] = v
		}
		k := min(j, dataSlots-1)
		m.front[k] = max(m.front[k], v)
	}
}

// surroundings hashes what funcdata j may depend on: what comes before it, and the arguments.
func surroundings(f *fields, j int) [candidates]uint32 {
	before := uint32(0)
	for i := j - 1; i >= max(0, j-dataSlots); i-- {
		if f.data[i] != absent {
			before = f.data[i]
			break
		}
	}
	args := f.word[wArgs]
	return [candidates]uint32{mix(j, 1, before, args, 0) >> 20, mix(j, 2, before, 0, 0) >> 20, mix(j, 3, args, 0, 0) >> 20}
}
