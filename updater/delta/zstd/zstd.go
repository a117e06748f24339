// Package zstd compresses full artifacts, and makes patches for files that are no executables, with
// github.com/klauspost/compress/zstd.
//
// A patch is one zstd frame whose dictionary is the old file, raw. A full artifact is one frame without a
// dictionary and a window of at most 8 MiB.
//
// Trust. Frames are hostile input. Decompress and Apply write no byte beyond the size that the caller took
// from signed metadata and take no memory that the frame asks for beyond that size. Decompress refuses windows above 32 MiB;
// Apply needs none, because it decodes into the result.
//
// Memory, whatever the frame: Compress about 100 MiB; Decompress 16 MiB, or 40 MiB where the window is the largest; Apply
// old + new + patch + 16 MiB, with patches above 40 MiB refused; Diff about 20 times old + new. Nothing is kept on
// disk, so a crash leaves nothing.
package zstd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// ErrCorrupt marks input that is no zstd frame of the expected size.
var ErrCorrupt = errors.New("corrupt zstd data")

// ErrTooLarge marks files that are too large for a dictionary, old and new together above 512 MiB, and patches above
// 40 MiB. It is an errors.ErrUnsupported.
var ErrTooLarge = fmt.Errorf("too large for a zstd patch: %w", errors.ErrUnsupported)

const (
	writeWindow = 8 << 20  // of full artifacts; a client needs about twice that
	readWindow  = 32 << 20 // the largest a client accepts, for artifacts that other tools compressed
	chunk       = 256 << 10
	dictionary  = 1 // the frame's dictionary number: any but 0, which says "none"
	maxPatch    = 40 << 20
	block       = 128 << 10 // the most that one block of a frame holds
)

// Compress writes src to dst as one frame. Where src has a Size method, as an io.SectionReader has, the frame says
// the size, and src must keep to it. progress, which may be nil, is told the bytes read so far.
func Compress(ctx context.Context, src io.Reader, dst io.Writer, progress func(done int64)) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(writeWindow), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true),
		zstd.WithSingleSegment(true)) // where one block holds all: below 256 bytes the size is not said otherwise
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	size := int64(-1)
	if sized, ok := src.(interface{ Size() int64 }); ok {
		size = sized.Size()
	}
	enc.ResetContentSize(dst, size)
	if _, err := pump(ctx, enc, src, progress); err != nil {
		_ = enc.Close() // its stream is thrown away
		return fmt.Errorf("compress: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("compress: %w", err)
	}
	return nil
}

// Decompress writes the size bytes that the frames in src hold. More or fewer is [ErrCorrupt]; more than size is never
// written.
func Decompress(ctx context.Context, src io.Reader, size int64, dst io.Writer) error {
	watched := &sourceErr{r: src}
	dec, err := zstd.NewReader(watched, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(readWindow))
	if err != nil {
		return fmt.Errorf("decompress: %w", watched.or(err))
	}
	defer dec.Close()
	n, err := pump(ctx, dst, io.LimitReader(corrupting{dec, watched}, size), nil)
	if err != nil {
		return fmt.Errorf("decompress: %w", err)
	}
	if n < size {
		return fmt.Errorf("decompress: %w: it holds %d bytes, want %d", ErrCorrupt, n, size)
	}
	// The frame must end here, and its checksum must be right.
	var extra [1]byte
	switch n, err := io.ReadFull(dec, extra[:]); {
	case n > 0:
		return fmt.Errorf("decompress: %w: it holds more than %d bytes", ErrCorrupt, size)
	case err != io.EOF:
		return fmt.Errorf("decompress: %w", watched.or(err))
	}
	return nil
}

// pump copies and looks at ctx between chunks.
func pump(ctx context.Context, dst io.Writer, src io.Reader, progress func(int64)) (int64, error) {
	var done int64
	buf := make([]byte, chunk)
	for {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		n, err := io.ReadFull(src, buf)
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return done, err
			}
			done += int64(n)
			if progress != nil {
				progress(done)
			}
		}
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return done, nil
		case err != nil:
			return done, err
		}
	}
}

// sourceErr remembers an error of the source, to tell a failing disk from bad data.
type sourceErr struct {
	r   io.Reader
	err error
}

func (s *sourceErr) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *sourceErr) or(err error) error {
	if s.err != nil {
		return s.err
	}
	return fmt.Errorf("%w: %w", ErrCorrupt, err)
}

// corrupting gives the decoder's errors their kind.
type corrupting struct {
	r      io.Reader
	source *sourceErr
}

func (c corrupting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		// A frame cut short ends in io.ErrUnexpectedEOF, which must not pass for the end of a read.
		err = c.source.or(fmt.Errorf("frame: %v", err))
	}
	return n, err
}
