package entropy

// Mixed models bytes seen in several contexts at once: for each bit every context has its own opinion, and a learned
// weight says how much it counts. A context is any 32-bit hash of what the caller knows; the order of the contexts and
// their hashes belong to the format. Coding a byte takes about 40 ns for each context.
type Mixed struct {
	contexts int
	mask     uint32
	slots    []slot               // a table for each context: one slot for each half of a byte
	weights  [][maxContexts]int32 // for each set, in 1/65536
}

// slot holds the opinions of some context on the bits of half a byte, as a tree whose root is at 1. Contexts that share a
// slot turn the tree by their own number, so that they seldom share an opinion.
type slot [16]opinion

// NewMixed returns a model of that many contexts, at most 8, each with a table of 2^bits opinions of 2 bytes. There
// is a set of weights for each kind of place in the data.
func NewMixed(contexts int, bits uint, sets int) *Mixed {
	return &Mixed{
		contexts: contexts,
		mask:     1<<bits>>4 - 1,
		slots:    make([]slot, contexts<<bits>>4),
		weights:  evenly(sets, contexts),
	}
}

// Byte codes a byte. context holds as many hashes as the model has contexts.
func (c *Coder) Byte(m *Mixed, context []uint32, set int, v byte) byte {
	var slots [maxContexts]*slot // of the half that is coded
	var turns [maxContexts]uint32
	var opinions [maxContexts]*opinion
	n := min(m.contexts, maxContexts)
	context = context[:n]
	weights := &m.weights[set]
	out := uint32(1)
	for half := range 2 {
		for i, x := range context {
			x += uint32(half) * out * 0x9E3779B1
			x = (x ^ x>>15) * 0x85EBCA6B
			x ^= x >> 13
			slots[i] = &m.slots[uint32(i)*(m.mask+1)+x>>4&m.mask]
			turns[i] = x & 15
		}
		node := uint32(1)
		for i := range 4 {
			for k := range context {
				opinions[k] = &slots[k][(node^turns[k])&15]
			}
			bit := c.weigh(&opinions, n, weights, 6, int(v)>>(7-4*half-i)&1)
			node = node<<1 | uint32(bit)
			out = out<<1 | uint32(bit)
		}
	}
	return byte(out)
}
