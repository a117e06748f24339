// Package zstd compresses full artifacts, and makes patches for files that are no executables, with
// github.com/klauspost/compress/zstd.
//
// A patch is one zstd frame whose dictionary is the old file, raw. A full artifact is one frame without a
// dictionary and a window of at most 8 MiB.
//
// Trust. Frames are hostile input. Decompress and Apply write no byte beyond the size that the caller took
// from signed metadata, take no memory that the frame asks for beyond that size, and refuse windows above 32 MiB.
//
// Memory: Compress about 100 MiB, Decompress about 20 MiB, both whatever the size; Apply takes old + new +
// patch; Diff about 20 times old + new. Nothing is kept on disk, so a crash leaves nothing.
package zstd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"runtime/debug"

	"github.com/klauspost/compress/zstd"
)

// ErrCorrupt marks input that is no zstd frame of the expected size.
var ErrCorrupt = errors.New("corrupt zstd data")

// ErrTooLarge marks files that are too large for a dictionary: old and new together above 512 MiB.
var ErrTooLarge = errors.New("files too large for a zstd patch")

const (
	writeWindow = 8 << 20  // of full artifacts; a client needs about twice that
	readWindow  = 32 << 20 // the largest a client accepts, for artifacts that other tools compressed
	chunk       = 256 << 10
	dictionary  = 1 // the frame's dictionary number: any but 0, which says "none"
)

// Compress writes src to dst as one frame. progress, which may be nil, is told the bytes read so far.
func Compress(ctx context.Context, src io.Reader, dst io.Writer, progress func(done int64)) error {
	enc, err := zstd.NewWriter(dst, zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithWindowSize(writeWindow), zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true))
	if err != nil {
		return fmt.Errorf("compress: %w", err)
	}
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

// Codec is the patch codec. The zero value is ready for use.
type Codec struct{}

// Name returns "zstd".
func (Codec) Name() string { return "zstd" }

// Diff writes a frame that holds new in terms of old. It is not interrupted once it computes.
func (Codec) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error {
	window, err := patchWindow(old.Size(), new.Size())
	if err != nil {
		return err
	}
	oldBytes, err := load(old)
	if err != nil {
		return fmt.Errorf("read the old file: %w", err)
	}
	newBytes, err := load(new)
	if err != nil {
		return fmt.Errorf("read the new file: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window), zstd.WithSingleSegment(true), zstd.WithZeroFrames(true),
		zstd.WithEncoderDictRaw(dictionary, oldBytes))
	if err != nil {
		return err
	}
	made := enc.EncodeAll(newBytes, nil)
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = patch.Write(made)
	return err
}

// Apply writes the size bytes that the frame makes of old, all at the end.
func (Codec) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error {
	made, err := apply(ctx, old, patch, size)
	if err != nil {
		return err
	}
	if old.Size()+size > 1<<20 {
		// The old file is garbage now, but the collector would let the heap double before it looked. The writer may
		// want memory for a copy of the result: give back what the old file took first.
		debug.FreeOSMemory()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = out.Write(made)
	return err
}

func apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return nil, fmt.Errorf("%w: a result of %d bytes", ErrCorrupt, size)
	}
	if _, err := patchWindow(old.Size(), size); err != nil {
		return nil, err
	}
	frame, err := loadFrame(patch, size)
	if err != nil {
		return nil, err
	}
	oldBytes, err := load(old)
	if err != nil {
		return nil, fmt.Errorf("read the old file: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(max(size, chunk))), zstd.WithDecodeAllCapLimit(true),
		zstd.WithDecoderDictRaw(dictionary, oldBytes))
	if err != nil {
		return nil, err
	}
	defer dec.Close()
	made, err := dec.DecodeAll(frame, make([]byte, 0, size))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if int64(len(made)) != size {
		return nil, fmt.Errorf("%w: it makes %d bytes, the release has %d", ErrCorrupt, len(made), size)
	}
	return made, nil
}

// patchWindow is the power of two from which the whole old file can be reached at every point of the new one.
func patchWindow(old, new int64) (int, error) {
	if old > zstd.MaxWindowSize || new > zstd.MaxWindowSize || old+new > zstd.MaxWindowSize {
		return 0, ErrTooLarge
	}
	return 1 << bits.Len64(uint64(max(old+new, 1<<20)-1)), nil
}

func load(r *io.SectionReader) ([]byte, error) {
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// loadFrame reads a frame, which no honest encoder makes much longer than what it holds, and looks at the size
// it announces.
func loadFrame(r io.Reader, size int64) ([]byte, error) {
	limit := size + size/128 + 1<<10
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrCorrupt, limit)
	}
	var h zstd.Header
	if err := h.Decode(b.Bytes()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	// An empty frame says neither its size nor its dictionary.
	fits := h.HasFCS && h.FrameContentSize == uint64(size) && h.DictionaryID == dictionary || size == 0 && h.FrameContentSize == 0
	if h.Skippable || !fits {
		return nil, fmt.Errorf("%w: not a frame of %d bytes over the old file", ErrCorrupt, size)
	}
	return b.Bytes(), nil
}
