// Package entropy is a binary arithmetic coder whose models learn as they go.
//
// One set of calls serves both directions: an encoding [Coder] writes what it is given and returns it, a decoding one
// ignores what it is given and returns what it reads. A format described by such calls cannot differ between its two sides.
//
// Trust. A decoder's input may be anything. It gives wrong numbers then, never a panic; behind its end it reads zeros and
// [Coder.Err] says so. Callers bound every loop whose length they read by something that they know to be true.
//
// Everything is computed in integers: two machines never disagree.
package entropy

import (
	"errors"
	"math"
	"math/bits"
)

// ErrShort says that a decoder was asked for more than its input holds.
var ErrShort = errors.New("the coded numbers end early")

// The encoder leaves up to spare zeros at its end away; the decoder reads them, and four bytes ahead, behind its end.
const (
	spare = 4
	slack = spare + 4
)

// Coder is one end of a coded stream.
type Coder struct {
	encoding bool
	low      uint64 // encoding: the lower end of the interval, with a carry bit above 32
	code     uint32 // decoding: where the input lies in the interval
	width    uint32 // the interval's
	pending  int    // encoding: bytes held back as a carry may still run through them
	held     byte
	started  bool
	buf      []byte // written, or still to be read
	over     int    // bytes read behind the end
}

// NewEncoder returns a coder that writes.
func NewEncoder() *Coder { return &Coder{encoding: true, width: math.MaxUint32} }

// NewDecoder returns a coder that reads what an encoder's Bytes gave.
func NewDecoder(b []byte) *Coder {
	c := &Coder{width: math.MaxUint32, buf: b}
	for range 4 {
		c.code = c.code<<8 | uint32(c.next())
	}
	return c
}

// Encoding tells which end this is.
func (c *Coder) Encoding() bool { return c.encoding }

// Err returns ErrShort once a decoder has read well behind its end.
func (c *Coder) Err() error {
	if c.over > slack {
		return ErrShort
	}
	return nil
}

// Left returns how many bytes a decoder has not asked for. It asks for all that an encoder wrote.
func (c *Coder) Left() int { return len(c.buf) }

// Bits returns how much an encoder has written so far, for accounts.
func (c *Coder) Bits() float64 {
	return 8*float64(len(c.buf)+c.pending) + 32 - math.Log2(float64(c.width))
}

// Bytes ends the stream and returns it. The coder must not be used afterwards.
func (c *Coder) Bytes() []byte {
	// Any number in the interval will do: take the one with the most zeros at its end, and leave those away.
	high := c.low + uint64(c.width) - 1
	keep := uint(bits.LeadingZeros64(c.low ^ high))
	if mask := ^uint64(0) >> keep; c.low&mask != 0 {
		c.low = high &^ (mask >> 1)
	}
	for range 5 {
		c.shift()
	}
	for i := 0; i < spare && len(c.buf) > 0 && c.buf[len(c.buf)-1] == 0; i++ {
		c.buf = c.buf[:len(c.buf)-1]
	}
	return c.buf
}

// decide codes one bit that is 1 with the probability p/65536. It is the only place where the interval changes.
func (c *Coder) decide(p uint32, bit int) int {
	bound := uint32(uint64(c.width) * uint64(p) >> 16)
	if c.encoding {
		if bit != 0 {
			c.width = bound
		} else {
			c.low += uint64(bound)
			c.width -= bound
		}
		for c.width < 1<<24 {
			c.width <<= 8
			c.shift()
		}
		return bit
	}
	if c.code < bound {
		c.width, bit = bound, 1
	} else {
		c.code -= bound
		c.width -= bound
		bit = 0
	}
	for c.width < 1<<24 {
		c.width <<= 8
		c.code = c.code<<8 | uint32(c.next())
	}
	return bit
}

// shift moves the top byte of low out. A byte of 0xff is held back: a carry would turn it into 0 and run on.
func (c *Coder) shift() {
	if c.low < 0xff000000 || c.low > math.MaxUint32 {
		carry := byte(c.low >> 32)
		if c.started {
			c.buf = append(c.buf, c.held+carry)
		}
		for ; c.pending > 0; c.pending-- {
			c.buf = append(c.buf, 0xff+carry)
		}
		c.started, c.held = true, byte(c.low>>24)
	} else {
		c.pending++
	}
	c.low = c.low << 8 & math.MaxUint32
}

func (c *Coder) next() byte {
	if len(c.buf) == 0 {
		c.over++
		return 0
	}
	b := c.buf[0]
	c.buf = c.buf[1:]
	return b
}
