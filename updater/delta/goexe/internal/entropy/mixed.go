package entropy

// Mixed models bytes seen in several contexts at once: for each bit every context has its own opinion, and a learned
// weight says how much it counts. A context is any 32-bit hash of what the caller knows; the order of the contexts and
// their hashes belong to the format. Coding a byte takes about 40 ns for each context.
type Mixed struct {
	contexts int
	bits     uint
	slots    []Prob  // a table for each context, of groups of 16: one group for each half of a byte
	weights  []int32 // contexts for each set, in 1/65536
	votes    []int32
	groups   []uint32
	limit    uint32
}

// NewMixed returns a model of that many contexts, each with a table of 2^bits probabilities of 4 bytes. There is a set
// of weights for each kind of place in the data.
func NewMixed(contexts int, bits uint, sets int) *Mixed {
	m := &Mixed{
		contexts: contexts,
		bits:     bits,
		slots:    make([]Prob, contexts<<bits),
		weights:  make([]int32, contexts*sets),
		votes:    make([]int32, contexts),
		groups:   make([]uint32, contexts),
		limit:    Steady,
	}
	for i := range m.weights {
		m.weights[i] = int32(1<<16) * 3 / int32(2*contexts+1)
	}
	return m
}

// Byte codes a byte. context holds as many hashes as the model has contexts.
func (c *Coder) Byte(m *Mixed, context []uint32, set int, v byte) byte {
	weights := m.weights[set*m.contexts : (set+1)*m.contexts]
	out := uint32(1)
	for half := range 2 {
		for i := range m.groups {
			x := context[i]
			if half == 1 {
				x += out * 0x9E3779B1
			}
			x = (x ^ x>>15) * 0x85EBCA6B
			x ^= x >> 13
			m.groups[i] = uint32(i)<<m.bits + x&(1<<m.bits-1)&^15
		}
		node := uint32(1)
		for i := range 4 {
			bit := int(v) >> (7 - 4*half - i) & 1
			bit = c.mix(m, weights, node, bit)
			node = node<<1 | uint32(bit)
			out = out<<1 | uint32(bit)
		}
	}
	return byte(out)
}

// mix codes one bit: the weighted sum of all opinions, in the logistic domain, and a step of each towards what came.
func (c *Coder) mix(m *Mixed, weights []int32, node uint32, bit int) int {
	sum := int64(0)
	for i, g := range m.groups {
		p := m.slots[g+node]
		vote := int32(0)
		if p != 0 {
			vote = int32(stretched[p>>20])
		}
		m.votes[i] = vote
		sum += int64(vote) * int64(weights[i])
	}
	p := squash(int32(sum >> 16))
	bit = c.decide(p<<4+8, bit)
	miss := (int32(bit)<<12 - int32(p)) * 6
	for i, g := range m.groups {
		weights[i] += (m.votes[i]*miss + 1<<13) >> 14
		slot := &m.slots[g+node]
		one, n := slot.split()
		slot.learn(one, n, bit, m.limit)
	}
	return bit
}

// squash returns 4096/(1+e^(-x/256)): the inverse of stretched.
func squash(x int32) uint32 {
	return uint32(squashed[max(-2047, min(2047, x))+2048])
}

// logistic is 4096/(1+e^-x) for x from -8 to 8 in steps of a half.
var logistic = [33]int32{
	1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048,
	2550, 2994, 3349, 3608, 3785, 3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
}

// squashed draws straight lines through logistic; stretched is its inverse. Floating point stays out of it: two
// machines must agree to the last bit.
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
