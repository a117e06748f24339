package derived

import (
	"encoding/binary"
	"errors"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// runtime.findfunctab has a bucket for each 4096 bytes of code: the index of the function at its start, then for each 256
// bytes of it how much higher the index is there.
const (
	bucketSize    = 4096
	subbucketSize = 256
)

var errEntries = errors.New("function entries that do not ascend from 0, or too many in one place")

// Entries returns the functions' offsets from the start of the text and the text's end, as functab has them.
func Entries(m *image.Image) []uint32 {
	b := m.Bytes(m.Go.Functab.Addr, m.Go.Functab.Size)
	entries := make([]uint32, 0, len(b)/8+1)
	for ; len(b) >= 4; b = b[min(8, len(b)):] {
		entries = append(entries, binary.LittleEndian.Uint32(b))
	}
	return entries
}

// AppendFindFunc appends runtime.findfunctab for functions that start at the entries, offsets into the text, of which the
// last is the text's end.
func AppendFindFunc(dst []byte, entries []uint32) ([]byte, error) {
	if len(entries) == 0 || entries[0] != 0 {
		return nil, errEntries
	}
	for i := range entries[1:] {
		if entries[i] > entries[i+1] {
			return nil, errEntries
		}
	}
	end := uint64(entries[len(entries)-1])
	f, base := 0, 0 // the function at pc, and at the start of its bucket
	for pc := uint64(0); pc < end; pc += subbucketSize {
		for pc > 0 && uint64(entries[f+1]) <= pc { // empty functions are passed over, but for those at 0
			f++
		}
		if pc%bucketSize == 0 {
			base = f
			dst = binary.LittleEndian.AppendUint32(dst, uint32(base))
		}
		if f-base > 255 {
			return nil, errEntries
		}
		dst = append(dst, byte(f-base))
	}
	return dst, nil
}
