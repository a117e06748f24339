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
	total uint64 // bytes made, with those in buf
	want  []byte // a builder compares; nil in a patcher
}

var errDiffers = errors.New("the patch made something else than the new file")

// grow returns the next n bytes of the new file to be filled in, valid until the next call of any method.
func (o *output) grow(n int) ([]byte, error) {
	if len(o.buf)+n > cap(o.buf) {
		if err := o.flush(); err != nil {
			return nil, err
		}
		if n > cap(o.buf) {
			o.buf = make([]byte, 0, max(n, 2*piece))
		}
	}
	start := len(o.buf)
	o.buf = o.buf[:start+n]
	o.total += uint64(n)
	return o.buf[start:], nil
}

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
	b := o.buf
	o.buf = o.buf[:0]
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
