package entropy

// opinion is what one of several contexts knows of a bit: the probability of a 1 in 13 bits, over 3 bits that count what
// it rests on. It forgets fast, as weights tell whom to trust. The zero value has none.
type opinion uint16

// vote returns the logarithm of the odds, in 1/256: even ones where nothing was seen.
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

// maxContexts is how many opinions there may be on one bit.
const maxContexts = 8

// weigh codes a bit by the weighted sum of the first n opinions on it; weights are in 1/65536. Whoever was right counts
// for more from now on, at that pace, and all learn what came.
func (c *Coder) weigh(opinions *[maxContexts]*opinion, n int, weights *[maxContexts]int32, pace int32, bit int) int {
	var votes [maxContexts]int32
	n = min(n, maxContexts)
	sum := int64(0)
	for i := 0; i < n; i++ {
		votes[i] = opinions[i].vote()
		sum += int64(votes[i]) * int64(weights[i])
	}
	p := squash(int32(sum >> 16))
	bit = c.decide(p<<4+8, bit)
	miss := (int32(bit)<<12 - int32(p)) * pace
	for i := 0; i < n; i++ {
		weights[i] += (votes[i]*miss + 1<<13) >> 14
		opinions[i].learn(bit)
	}
	return bit
}

// evenly returns sets of weights that trust that many opinions alike.
func evenly(sets, opinions int) [][maxContexts]int32 {
	w := make([][maxContexts]int32, sets)
	for i := range w {
		for k := range w[i] {
			w[i][k] = int32(1<<16) * 3 / int32(2*opinions+1)
		}
	}
	return w
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
