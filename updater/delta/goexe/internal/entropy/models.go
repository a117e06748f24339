package entropy

import "math/bits"

// Prob is the learned probability of a bit being 1: 22 bits of probability over 10 bits of experience. The zero value
// knows nothing and expects either.
type Prob uint32

const (
	half       = 1 << 21 // in 22 bits
	experience = 1<<10 - 1
)

// The limits of experience: how many bits a model remembers.
const (
	Steady = 255 // what hardly changes along a file
	Nimble = 60  // what changes from place to place
)

// rate is 2^16 / (n + 1.6): how far a model that has seen n bits moves towards the next one.
var rate = func() (t [experience + 1]uint32) {
	for n := range t {
		t[n] = 65536 * 10 / uint32(n*10+16)
	}
	return t
}()

// one returns the probability of a 1, in 22 bits.
func (p Prob) one() uint32 {
	if p == 0 {
		return half
	}
	return uint32(p) >> 10
}

// Rare tells whether a 1 is known to come less than once in 300 times.
func (p Prob) Rare() bool { return p&experience >= 30 && p.one() < 1<<22/300 }

// Learn moves towards a bit that was coded otherwise, as [Coder.Bit] does: by less the more was seen already.
func (p *Prob) Learn(bit int, limit uint32) {
	one, n := p.one(), uint32(*p)&experience
	if bit != 0 {
		one += uint32(uint64(1<<22-1-one) * uint64(rate[n]) >> 16)
	} else {
		one -= uint32(uint64(one) * uint64(rate[n]) >> 16)
	}
	if n < limit {
		n++
	}
	*p = Prob(one<<10 | n)
}

// Bit codes one bit with a model that remembers about limit bits.
func (c *Coder) Bit(p *Prob, bit int, limit uint32) int {
	bit = c.decide(min(max(p.one()>>6, 1), 65535), bit)
	p.Learn(bit, limit)
	return bit
}

// Flag codes a truth.
func (c *Coder) Flag(p *Prob, v bool) bool {
	bit := 0
	if v {
		bit = 1
	}
	return c.Bit(p, bit, Steady) != 0
}

// Uint models whole numbers from 0 to 2^64-1; small ones and often seen magnitudes are cheap.
type Uint struct {
	magnitude [64 + 1]Prob    // a bit for each magnitude in turn: is it this one?
	top       [64 + 1][8]Prob // the three bits below the highest, as a tree
	low       [64 + 1]Prob    // the next lower one; the rest are taken as even
}

// Uint codes a number.
func (c *Coder) Uint(m *Uint, v uint64) uint64 {
	k := bits.Len64(v)
	for i := range 64 {
		if c.Bit(&m.magnitude[i], b2i(k == i), Nimble) != 0 {
			k = i
			break
		}
		if i == 63 {
			k = 64
		}
	}
	if k < 2 {
		return uint64(k)
	}
	out, node := uint64(1), 1
	for i := k - 2; i >= 0; i-- {
		bit := int(v >> uint(i) & 1)
		switch depth := k - 2 - i; {
		case depth < 3:
			bit = c.Bit(&m.top[k][node], bit, Steady)
			node = node<<1 | bit
		case depth == 3:
			bit = c.Bit(&m.low[k], bit, Steady)
		default:
			bit = c.decide(1<<15, bit)
		}
		out = out<<1 | uint64(bit)
	}
	return out
}

// Int models numbers of both signs around 0.
type Int struct {
	size Uint
	sign [3]Prob // of 1, of 2 to 15, of larger ones
}

// Int codes a number.
func (c *Coder) Int(m *Int, v int64) int64 {
	size := uint64(v)
	if v < 0 {
		size = -size
	}
	size = c.Uint(&m.size, size)
	if size == 0 {
		return 0
	}
	class := 0
	if size > 1 {
		class = 1
	}
	if size > 15 {
		class = 2
	}
	if c.Flag(&m.sign[class], v < 0) {
		return -int64(size)
	}
	return int64(size)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
