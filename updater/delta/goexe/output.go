package goexe

import (
	"bytes"
	"errors"
	"io"
)

// output is the new file as far as it is made. It is written once, from front to back.
type output struct {
	w     io.Writer
	buf   []byte
	done  int    // how much of buf is written
	total uint64 // bytes made, with those in buf
	want  []byte // a builder compares; nil in a patcher
}

// history is how many of the last bytes can be seen again.
const history = 32 << 10

var errDiffers = errors.New("the patch made something else than the new file")

func newOutput(w io.Writer, want []byte) *output {
	return &output{w: w, want: want, buf: make([]byte, 0, history+3*piece)}
}

// grow returns the next n bytes of the new file to be filled in, at most 2 pieces, valid until the next call of any
// method.
func (o *output) grow(n int) ([]byte, error) {
	if len(o.buf)+n > cap(o.buf) {
		if err := o.flush(); err != nil {
			return nil, err
		}
		o.done = copy(o.buf, o.buf[max(0, len(o.buf)-history):])
		o.buf = o.buf[:o.done]
	}
	start := len(o.buf)
	o.buf = o.buf[:start+n]
	o.total += uint64(n)
	return o.buf[start:], nil
}

// last returns the last n bytes, at most the history or what grow returned last and the history before it.
func (o *output) last(n int) []byte { return o.buf[len(o.buf)-n:] }

// Write makes the next bytes those of b.
func (o *output) Write(b []byte) (int, error) {
	for i := 0; i < len(b); i += piece {
		part := b[i:min(len(b), i+piece)]
		out, err := o.grow(len(part))
		if err != nil {
			return i, err
		}
		copy(out, part)
	}
	return len(b), nil
}

func (o *output) flush() error {
	b := o.buf[o.done:]
	o.done = len(o.buf)
	if o.want != nil {
		start := o.total - uint64(len(b))
		if o.total > uint64(len(o.want)) || !bytes.Equal(b, o.want[start:o.total]) {
			return errDiffers
		}
	}
	if len(b) == 0 {
		return nil
	}
	_, err := o.w.Write(b)
	return err
}
