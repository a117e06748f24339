// Package bsdiff makes and applies patches in the BSDIFF40 format with github.com/gabstv/go-bsdiff.
//
// That library trusts every length in a patch: it allocates what the header asks for, slices by what the control
// block says, and panics or takes all memory where they lie. So nothing reaches it that has not been
// walked through first: the header's sizes against the patch's own length and the signed size of the result, then
// every entry of the control block against the old and the new file. The walk decodes with the same bzip2
// decoder, so that both read the same numbers. Whatever panics remain become errors.
//
// Memory: Apply takes old + new + patch and about 16 MiB for the three bzip2 streams; Diff takes about 17 times
// old plus 3 times new. Nothing is kept on disk, so a crash leaves nothing.
package bsdiff

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime/debug"

	"github.com/gabstv/go-bsdiff/pkg/bsdiff"
	"github.com/gabstv/go-bsdiff/pkg/bspatch"
)

// ErrCorrupt marks patches that do not fit the old file and the size of the result.
var ErrCorrupt = errors.New("corrupt bsdiff patch")

// ErrTooLarge marks files that the format's library cannot handle in this process's address space.
var ErrTooLarge = errors.New("file too large for bsdiff")

// Codec is the BSDIFF40 codec. The zero value is ready for use.
type Codec struct{}

// Name returns "bsdiff".
func (Codec) Name() string { return "bsdiff" }

// Diff writes a patch from old to new. It is not interrupted once it computes, which takes about a second per MB.
func (Codec) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error {
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
	made, err := bsdiff.Bytes(oldBytes, newBytes)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = patch.Write(made)
	return err
}

// Apply writes the size bytes that patch makes of old, all at the end. Nothing is written when it fails before.
func (Codec) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error {
	made, err := apply(ctx, old, patch, size)
	if err != nil {
		return err
	}
	if old.Size()+size > 1<<20 {
		// The old file and the patch are garbage now, but the collector would let the heap double before
		// it looked. The writer may want memory for a copy of the result: give theirs back first.
		debug.FreeOSMemory()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = out.Write(made)
	return err
}

func apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64) ([]byte, error) {
	if size < 0 || size > math.MaxInt32 {
		return nil, fmt.Errorf("a result of %d bytes: %w", size, ErrTooLarge)
	}
	patchBytes, err := loadPatch(patch, size)
	if err != nil {
		return nil, err
	}
	if err := check(ctx, patchBytes, old.Size(), size); err != nil {
		return nil, err
	}
	oldBytes, err := load(old)
	if err != nil {
		return nil, fmt.Errorf("read the old file: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	made, err := recovered(func() ([]byte, error) { return bspatch.Bytes(oldBytes, patchBytes) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if int64(len(made)) != size {
		return nil, fmt.Errorf("%w: made %d bytes, want %d", ErrCorrupt, len(made), size)
	}
	return made, nil
}

func load(r *io.SectionReader) ([]byte, error) {
	if r.Size() > math.MaxInt32 {
		return nil, fmt.Errorf("%d bytes: %w", r.Size(), ErrTooLarge)
	}
	b := make([]byte, r.Size())
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return nil, err
	}
	return b, nil
}

// loadPatch reads a patch that can be no longer than twice its result: a longer one is worse than the full file.
func loadPatch(r io.Reader, size int64) ([]byte, error) {
	limit := 2*size + 64<<10
	var b bytes.Buffer
	if s, ok := r.(interface{ Size() int64 }); ok && s.Size() <= limit {
		b.Grow(int(s.Size()) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	if n > limit {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrCorrupt, limit)
	}
	return b.Bytes(), nil
}

// recovered turns a panic of the library into an error. A fatal error, such as out of memory, could not be
// caught: that is what check prevents.
func recovered[T any](do func() (T, error)) (result T, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return do()
}
