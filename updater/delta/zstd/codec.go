package zstd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"runtime"
	"runtime/debug"

	"github.com/klauspost/compress/zstd"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
)

// Codec is the patch codec. The zero value is ready for use.
type Codec struct{}

// Name returns "zstd".
func (Codec) Name() string { return "zstd" }

// Diff writes a frame that holds new in terms of old. It is not interrupted once it computes: who must be free
// earlier calls it in a goroutine and leaves that to its end.
func (Codec) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error {
	window, err := patchWindow(old.Size(), new.Size())
	if err != nil {
		return err
	}
	oldBytes, newBytes, err := bounded.Both(ctx, old, new)
	if err != nil {
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
	if len(made) > maxPatch {
		return fmt.Errorf("a patch of %d bytes: %w", len(made), ErrTooLarge)
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
	oldBytes, err := bounded.All(old)
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
	// The decoder sees that a block goes too far once it is decoded: room for one keeps the result from being moved
	// to a place twice as large first.
	made, err := dec.DecodeAll(frame, make([]byte, 0, size+block))
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

// loadFrame reads a frame, which no honest encoder makes much longer than what it holds, and looks at the size
// it announces.
func loadFrame(r io.Reader, size int64) ([]byte, error) {
	b, err := bounded.Read(r, min(size+size/128+1<<10, maxPatch))
	switch {
	case errors.Is(err, bounded.ErrTooLong):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	frame := b.Join()
	if len(frame) > 1<<20 {
		runtime.GC() // the pieces it was joined from must not be there beside the old and the new file
	}
	var h zstd.Header
	if err := h.Decode(frame); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	// An empty frame says neither its size nor its dictionary.
	fits := h.HasFCS && h.FrameContentSize == uint64(size) && h.DictionaryID == dictionary || size == 0 && h.FrameContentSize == 0
	if h.Skippable || !fits {
		return nil, fmt.Errorf("%w: not a frame of %d bytes over the old file", ErrCorrupt, size)
	}
	return frame, nil
}

// Inspect reads the size of the result from the first bytes of a patch, of which it needs 18; ok is false where they are
// no frame over an old file. What it says is a claim.
func (Codec) Inspect(head []byte) (size int64, ok bool) {
	size, id, ok := inspect(head)
	return size, ok && (id == dictionary || size == 0)
}

// InspectFull is Inspect for a full artifact. A frame need not say its size, and an empty one does not: then ok is false.
func InspectFull(head []byte) (size int64, ok bool) {
	size, id, ok := inspect(head)
	return size, ok && id == 0
}

func inspect(head []byte) (size int64, dictionary uint32, ok bool) {
	var h zstd.Header
	if err := h.Decode(head); err != nil || h.Skippable || !h.HasFCS || h.FrameContentSize > math.MaxInt64 {
		return 0, 0, false
	}
	return int64(h.FrameContentSize), h.DictionaryID, true
}
