package delta

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Patcher adapts a codec to the Patcher interface of github.com/minio/selfupdate for one patch, whose result
// has the signed size. Its old file must be an io.ReaderAt and io.Seeker, as an *os.File is.
type Patcher struct {
	ctx   context.Context
	codec Codec
	size  int64
}

// NewPatcher returns a Patcher that stops when ctx ends.
func NewPatcher(ctx context.Context, codec Codec, size int64) Patcher {
	return Patcher{ctx: ctx, codec: codec, size: size}
}

// Patch applies patch to old and writes the result to new.
func (p Patcher) Patch(old io.Reader, new io.Writer, patch io.Reader) error {
	file, ok := old.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return errors.New("the old file cannot be read at offsets: pass an open file")
	}
	length, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("measure the old file: %w", err)
	}
	if p.size < 0 {
		return fmt.Errorf("a result of %d bytes: %w", p.size, ErrCorrupt)
	}
	return p.codec.Apply(p.ctx, io.NewSectionReader(file, 0, length), patch, p.size, &grower{w: new, size: p.size})
}

// selfupdate collects the result in a bytes.Buffer, which would double its way up and take three times the
// memory. Reserving before the first write takes it once; not earlier, when a codec may still hold the old file.
type grower struct {
	w    io.Writer
	size int64
}

func (g *grower) Write(b []byte) (int, error) {
	if buf, ok := g.w.(interface{ Grow(int) }); ok && g.size > 0 {
		buf.Grow(int(g.size))
	}
	g.size = 0
	return g.w.Write(b)
}
