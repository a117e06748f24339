package delta

import (
	"errors"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// Full is what stands in a codec's place for the new file itself, compressed by zstd.Compress.
const Full = "full"

// Info is what a patch says about itself. None of it is true because the patch says so.
type Info struct {
	Codec string // or Full
	Size  int64  // of the result, in bytes; 0 or more
	// The first bytes, at least 16, of the SHA-256 of the file that the patch is for and of its result; nil in formats that
	// do not carry them.
	Old, New []byte
}

// ErrUnknownPatch says that a file begins like no patch that this build can apply.
var ErrUnknownPatch = errors.New("is not a patch of a known codec")

// headSize is how many of a patch's first bytes a codec sees to recognise it.
const headSize = 4 << 10

// recogniser is what a codec's package does for Inspect: it reads its own header, all of which may be missing or wrong.
type recogniser interface {
	Inspect(head []byte) (size int64, ok bool)
}

// namer is a recogniser whose patches carry the first bytes of the SHA-256 of both files.
type namer interface {
	Names(head []byte) (old, new []byte, ok bool)
}

// Inspect reads what a patch says about itself from its first bytes. It is for tools: a client takes the codec and
// the size from signed metadata.
func Inspect(patch io.ReaderAt) (Info, error) {
	head := make([]byte, headSize)
	n, err := patch.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return Info{}, fmt.Errorf("read the patch: %w", err)
	}
	head = head[:n]
	for _, c := range shipped() {
		size, ok := c.Inspect(head)
		if !ok || size < 0 {
			continue
		}
		info := Info{Codec: c.Name(), Size: size}
		if c, ok := c.(namer); ok {
			if old, new, ok := c.Names(head); ok && len(old) >= 16 && len(new) >= 16 {
				info.Old, info.New = old, new
			}
		}
		return info, nil
	}
	if size, ok := zstd.InspectFull(head); ok {
		return Info{Codec: Full, Size: size}, nil
	}
	return Info{}, ErrUnknownPatch
}
