// Package bounded holds input in no more memory than it has bytes.
//
// Whoever sends a patch chooses how long it is. A buffer that doubles takes up to three times that while it grows;
// [Read] takes fixed pieces, gives up beyond a limit, and what it read is then read at offsets. A crash leaves nothing.
package bounded

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrTooLong says that the input goes on beyond the limit.
var ErrTooLong = errors.New("longer than allowed")

const piece = 64 << 10

// Bytes is what was read. It is an io.ReaderAt, also for several goroutines at once.
type Bytes struct {
	pieces [][]byte
	size   int64
}

// Read reads r to its end, or to limit bytes and one more: then it returns [ErrTooLong]. Errors of r come wrapped.
func Read(r io.Reader, limit int64) (*Bytes, error) {
	b := &Bytes{}
	for {
		p := make([]byte, piece)
		n, err := io.ReadFull(r, p)
		if b.size += int64(n); b.size > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLong, limit)
		}
		b.pieces = append(b.pieces, p[:n])
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return b, nil
		case err != nil:
			return nil, err
		}
	}
}

// Size is the number of bytes.
func (b *Bytes) Size() int64 { return b.size }

// Section is a reader of n bytes from off; it ends where the bytes end.
func (b *Bytes) Section(off, n int64) *io.SectionReader { return io.NewSectionReader(b, off, n) }

// ReadAt reads as io.ReaderAt says.
func (b *Bytes) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("a negative offset")
	}
	n := 0
	for n < len(p) && off < b.size {
		k := copy(p[n:], b.pieces[off/piece][off%piece:])
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Join returns the bytes in one piece and gives the others up: b is empty afterwards.
func (b *Bytes) Join() []byte {
	if len(b.pieces) == 1 {
		whole := b.pieces[0]
		*b = Bytes{}
		return whole
	}
	whole := make([]byte, 0, b.size)
	for _, p := range b.pieces {
		whole = append(whole, p...)
	}
	*b = Bytes{}
	return whole
}

// All reads a section of known length whole.
func All(r *io.SectionReader) ([]byte, error) {
	b := make([]byte, r.Size())
	if n, err := r.ReadAt(b, 0); n < len(b) {
		return nil, err
	}
	return b, nil
}

// Both reads the old and the new file of a pair whole, for as long as ctx lasts.
func Both(ctx context.Context, old, new *io.SectionReader) (oldBytes, newBytes []byte, err error) {
	if oldBytes, err = All(old); err != nil {
		return nil, nil, fmt.Errorf("read the old file: %w", err)
	}
	if newBytes, err = All(new); err != nil {
		return nil, nil, fmt.Errorf("read the new file: %w", err)
	}
	return oldBytes, newBytes, ctx.Err()
}
