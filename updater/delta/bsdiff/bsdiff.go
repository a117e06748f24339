// Package bsdiff makes and applies patches in the BSDIFF40 format.
//
// Parties. The publisher makes patches with github.com/gabstv/go-bsdiff, whose files bspatch 4.3 reads as well. The
// client does not apply them with that library: it trusts every length in a patch, panics or takes all
// memory where they lie, reads a stream that is too short on into the next one, cannot be interrupted, and holds the
// old and the new file in memory. The tests keep it as the reference that every good patch is compared with.
//
// Trust. Patches are hostile. Every number is held to the patch's own length, to the old file's and to the
// signed size of the result before anything is read, written or allocated for it.
//
// Memory: Apply takes the patch, which it refuses where it is longer than the result and a 32nd of it, and about 12 MiB for
// the three bzip2 streams; it holds neither file. Diff takes about 17 times old plus 3 times new. Nothing is kept on
// disk, so a crash leaves nothing.
package bsdiff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/gabstv/go-bsdiff/pkg/bsdiff"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
)

// ErrCorrupt marks patches that do not fit the old file and the size of the result.
var ErrCorrupt = errors.New("corrupt bsdiff patch")

// ErrTooLarge marks files of 2 GiB and more, of which no patch can be made. It is an errors.ErrUnsupported.
var ErrTooLarge = fmt.Errorf("file too large for bsdiff: %w", errors.ErrUnsupported)

// Codec is the BSDIFF40 codec. The zero value is ready for use.
type Codec struct{}

// Name returns "bsdiff".
func (Codec) Name() string { return "bsdiff" }

// Diff writes a patch from old to new. It is not interrupted once it computes, which takes seconds per MB
// where the files differ much: who must be free earlier calls it in a goroutine and leaves that to its end.
func (Codec) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error {
	if max(old.Size(), new.Size()) > math.MaxInt32 {
		return fmt.Errorf("%d and %d bytes: %w", old.Size(), new.Size(), ErrTooLarge)
	}
	oldBytes, newBytes, err := bounded.Both(ctx, old, new)
	if err != nil {
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
