package entropy

// Mixed models bytes seen in several contexts at once: for each bit every context has its own opinion, and a learned
// weight says how much it counts. A context is any 32-bit hash of what the caller knows; the order of the contexts and
// their hashes belong to the format. Coding a byte takes about 40 ns for each context.
type Mixed struct {
	contexts int
	mask     uint32
	slots    []slot               // a table for each context: one slot for each half of a byte
	weights  [][maxContexts]int32 // for each set, in 1/65536
	current  [maxContexts]*slot   // of the half that is coded
	turns    [maxContexts]uint32
	votes    [maxContexts]int32
}

// slot holds the opinions of some context on the bits of half a byte, as a tree whose root is at 1. Contexts that share a
// slot turn the tree by their own number, so that they seldom share an opinion.
type slot [16]opinion

// opinion is a probability of a 1 in 13 bits, over 3 bits that count how much was seen. It forgets fast: it is one of many,
// and the weights tell whom to trust. The zero value has none.
type opinion uint16

func (o opinion) vote() int32 {
	if o == 0 {
		return 0
	}
	return int32(stretched[o>>4])
}

func (o *opinion) learn(bit int) {
	p, n := int32(*o>>3), *o&7
	if *o == 0 {
		p = 1 << 12
	}
	if n < 7 {
		n++
	}
	p += (int32(bit)*8191 - p) * fast[n] >> 16
	*o = opinion(max(p, 1))<<3 | n
}

// fast is how far an opinion moves that has seen so much, in 1/65536.
var fast = [8]int32{0, 40960, 25206, 18204, 14247, 12500, 11500, 11000}

// maxContexts is how many contexts a model may have.
const maxContexts = 8

// NewMixed returns a model of that many contexts, at most 8, each with a table of 2^bits opinions of 2 bytes. There
// is a set of weights for each kind of place in the data.
func NewMixed(contexts int, bits uint, sets int) *Mixed {
	m := &Mixed{
		contexts: contexts,
		mask:     1<<bits>>4 - 1,
		slots:    make([]slot, contexts<<bits>>4),
		weights:  make([][maxContexts]int32, sets),
	}
	for i := range m.weights {
		for k := range m.weights[i] {
			m.weights[i][k] = int32(1<<16) * 3 / int32(2*contexts+1)
		}
	}
	return m
}

// Byte codes a byte. context holds as many hashes as the model has contexts.
func (c *Coder) Byte(m *Mixed, context []uint32, set int, v byte) byte {
	weights := &m.weights[set]
	out := uint32(1)
	for half := range 2 {
		for i, x := range context[:m.contexts] {
			x += uint32(half) * out * 0x9E3779B1
			x = (x ^ x>>15) * 0x85EBCA6B
			x ^= x >> 13
			m.current[i] = &m.slots[uint32(i)*(m.mask+1)+x>>4&m.mask]
			m.turns[i] = x & 15
		}
		node := uint32(1)
		for i := range 4 {
			bit := c.mix(m, weights, node, int(v)>>(7-4*half-i)&1)
			node = node<<1 | uint32(bit)
			out = out<<1 | uint32(bit)
		}
	}
	return byte(out)
}

// mix codes one bit: the weighted sum of all opinions, in the logistic domain, and a step of each towards what came.
func (c *Coder) mix(m *Mixed, weights *[maxContexts]int32, node uint32, bit int) int {
	n := min(m.contexts, maxContexts)
	sum := int64(0)
	for i := 0; i < n; i++ {
		vote := m.current[i][(node^m.turns[i])&15].vote()
		m.votes[i] = vote
		sum += int64(vote) * int64(weights[i])
	}
	p := squash(int32(sum >> 16))
	bit = c.decide(p<<4+8, bit)
	miss := (int32(bit)<<12 - int32(p)) * 6
	for i := 0; i < n; i++ {
		weights[i] += (m.votes[i]*miss + 1<<13) >> 14
		m.current[i][(node^m.turns[i])&15].learn(bit)
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
