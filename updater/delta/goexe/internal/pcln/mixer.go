package pcln

import (
	"math/bits"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// opinions is in how many contexts a mixer sees each bit.
const opinions = 4

// mixer models bits that are seen in several contexts at once. Each context has an opinion, learned in a slot that the
// hash of the context picks; weights, which are learned too, say how much it counts at a kind of place.
//
// It is leaner than [entropy.Mixed]: most of what is coded here is a single bit, and there are millions of them.
type mixer struct {
	slots   []slot
	weights [][opinions]int32
}

// hashes name the slots of a bit.
type hashes [opinions]uint32

// pace is how fast weights move.
const pace = 10

func newMixer(bits uint, sets int) *mixer {
	m := &mixer{slots: make([]slot, 1<<bits), weights: make([][opinions]int32, sets)}
	for i := range m.weights {
		for j := range m.weights[i] {
			m.weights[i][j] = 1 << 16 * 3 / (2*opinions + 1)
		}
	}
	return m
}

// bit codes a bit.
func (m *mixer) bit(c *entropy.Coder, h *hashes, set int, bit int) int {
	w := &m.weights[set]
	mask := uint32(len(m.slots) - 1)
	var votes [opinions]int32
	sum := int64(0)
	for i, h := range h {
		votes[i] = m.slots[h&mask].vote()
		sum += int64(votes[i]) * int64(w[i])
	}
	p := int32(squash(int32(max(-2047, min(2047, sum>>16)))))
	bit = code(c, uint32(p)<<10|1<<9, bit)
	miss := (int32(bit)<<12 - p) * pace
	for i, h := range h {
		w[i] += (votes[i]*miss + 1<<13) >> 14
		m.slots[h&mask].learn(bit)
	}
	return bit
}

// code codes a bit that is 1 with a probability of p/2^22.
func code(c *entropy.Coder, p uint32, bit int) int {
	one := entropy.Prob(p<<10 | 1)
	return c.Bit(&one, bit, 0)
}

// slot is an opinion: a probability of a 1 in 13 bits, over 3 bits that count what it rests on. It forgets fast, as the
// weights tell whom to trust.
type slot uint16

// vote returns the logarithm of the odds, in 1/256: half of it after the first bit, nothing before.
func (s slot) vote() int32 {
	switch v := int32(stretched[s>>4]); s & 7 {
	case 0:
		return 0
	case 1:
		return v / 2
	default:
		return v
	}
}

func (s *slot) learn(bit int) {
	p, n := int32(*s>>3), *s&7
	if n == 0 {
		p = 1 << 12
	}
	p += ((int32(bit)*8191-p)*int32(rates[n]) + int32(bit)*65535) >> 16 // rounded away from p
	*s = slot(p)<<3 | min(n+1, 7)
}

// rarity is the probability of a 1 where it hardly ever comes: 22 bits, over 10 bits that count what it rests on.
type rarity uint32

// certain tells whether it is known well enough to need no other opinion.
func (r rarity) certain() bool { return r>>10 < 1<<22/300 && r&1023 >= 30 }

func (r *rarity) learn(bit int) {
	p, n := uint32(*r>>10), *r&1023
	if n == 0 {
		p = 1 << 21
	}
	if bit != 0 {
		p += uint32(uint64(1<<22-1-p) * uint64(rates[n]) >> 16)
	} else {
		p -= uint32(uint64(p) * uint64(rates[n]) >> 16)
	}
	*r = rarity(p)<<10 | min(n+1, rarity(len(rates)-1))
}

// rates[n] is 2^16/(n+1.6): how far a probability moves after n bits.
var rates = func() (t [61]uint32) {
	for n := range t {
		t[n] = 65536 * 10 / uint32(n*10+16)
	}
	return t
}()

// symbol codes a number below 256; the smaller, the faster. It uses weightSets sets of weights from set on.
func (m *mixer) symbol(c *entropy.Coder, h *hashes, set int, u uint32) uint32 {
	size := bits.Len32(u+1) - 1 // of what is below the highest bit
	k := 0
	for x := *h; k < 8; k++ {
		for i := range x {
			x[i] = h[i]&^15 | uint32(k)
		}
		if m.bit(c, &x, set+k, b2i(size != k)) == 0 {
			break
		}
	}
	if k == 8 {
		return 255
	}
	out := uint32(1)
	for i := k - 1; i >= 0; i-- {
		x := *h
		for j := range x {
			x[j] = below(x[j], uint32(k), out, k-1-i)
		}
		out = out<<1 | uint32(m.bit(c, &x, set+8+k-1-i, int((u+1)>>i)&1))
	}
	return out - 1
}

const weightSets = 16

// below names the slot for a bit below the highest, behind those in out. What small numbers need lies side by side.
func below(h, k, out uint32, done int) uint32 {
	switch {
	case k <= 2:
		return h&^15 | (8 + out*(k-1))
	case done < 4:
		return (h+k*0x9E3779B1)&^15 | out
	}
	return h + (k<<8|out)*0x9E3779B1
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// squash returns 4096/(1+e^(-x/256)): the inverse of stretched.
func squash(x int32) uint32 { return uint32(squashed[x+2048]) }

// logistic is 4096/(1+e^-x) for x from -8 to 8 in steps of a half.
var logistic = [33]int32{
	1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048,
	2550, 2994, 3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
}

// squashed draws straight lines through logistic; stretched is its inverse.
var squashed, stretched = func() (sq [4096]uint16, st [4096]int16) {
	at := 0
	for i := range sq {
		low, part := logistic[i/128], int32(i%128)
		sq[i] = uint16(low + (logistic[i/128+1]-low)*part/128)
		for ; at <= int(sq[i]); at++ {
			st[at] = int16(i - 2048)
		}
	}
	for ; at < len(st); at++ {
		st[at] = 2047
	}
	return sq, st
}()
