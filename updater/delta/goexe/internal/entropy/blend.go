package entropy

import "math/bits"

// Blend models bits, or small numbers, seen in four contexts at once, and weighs opinions as [Mixed] does. It is leaner:
// each context of a bit has a place of its own, and a bit takes about 30 ns.
type Blend struct {
	opinions []opinion
	weights  [][maxContexts]int32 // for each set
}

// blended is in how many contexts a bit is seen.
const blended = 4

// Hashes name the contexts of a bit. How they are made belongs to the format; contexts whose hashes share their low bits
// share an opinion.
type Hashes [blended]uint32

// NewBlend returns a model with 2^bits opinions of 2 bytes. There is a set of weights for each kind of place in the data.
func NewBlend(bits uint, sets int) *Blend {
	return &Blend{opinions: make([]opinion, 1<<bits), weights: evenly(sets, blended)}
}

// Blend codes a bit.
func (c *Coder) Blend(m *Blend, h *Hashes, set int, bit int) int {
	mask := uint32(len(m.opinions) - 1)
	var opinions [maxContexts]*opinion
	for i, h := range h {
		opinions[i] = &m.opinions[h&mask]
	}
	return c.weigh(&opinions, blended, &m.weights[set], 10, bit)
}

// SymbolSets is how many sets of weights a symbol takes.
const SymbolSets = 16

// Symbol codes a number below 256; the smaller, the faster. It uses the sets of weights from set on.
func (c *Coder) Symbol(m *Blend, h *Hashes, set int, v uint32) uint32 {
	size := bits.Len32(v+1) - 1 // of what is below the highest bit
	k := 0
	for x := *h; k < 8; k++ {
		for i := range x {
			x[i] = h[i]&^15 | uint32(k)
		}
		if c.Blend(m, &x, set+k, b2i(size != k)) == 0 {
			break
		}
	}
	if k == 8 {
		return 255
	}
	out := uint32(1)
	for i := k - 1; i >= 0; i-- {
		x, done := *h, k-1-i
		for j := range x {
			x[j] = below(x[j], uint32(k), out, done)
		}
		out = out<<1 | uint32(c.Blend(m, &x, set+8+done, int((v+1)>>i)&1))
	}
	return out - 1
}

// below names the context of a bit below the highest, behind those in out. What small numbers need lies side by side.
func below(h, k, out uint32, done int) uint32 {
	switch {
	case k <= 2:
		return h&^15 | (8 + out*(k-1))
	case done < 4:
		return (h+k*0x9E3779B1)&^15 | out
	}
	return h + (k<<8|out)*0x9E3779B1
}
