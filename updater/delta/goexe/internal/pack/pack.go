// Package pack makes a stream of bytes small, and bounds what reading it back can take.
//
// A packed stream says how it is packed and how long it was, and has neither magic nor checksum: what holds it is hashed
// as a whole. [Pack] tries every method and takes the shortest result. [Unpack] takes any input: it gives exactly the
// length that was said, at most the caller's limit, or an error, and takes memory in proportion to that length.
package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrCorrupt says that a stream cannot be read.
var ErrCorrupt = errors.New("a packed stream is damaged")

// A packed stream is a byte that names the method, the raw length as a uvarint, and the payload. Nothing at all stands for
// no bytes.
const methodRaw = 0

// Pack returns b in as few bytes as it can.
func Pack(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return append(binary.AppendUvarint([]byte{methodRaw}, uint64(len(b))), b...)
}

// Unpack returns what Pack was given, which must be no longer than limit. It may return a part of packed.
func Unpack(packed []byte, limit uint64) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	size, n := binary.Uvarint(packed[1:])
	if n <= 0 || size > limit {
		return nil, fmt.Errorf("%w: its length is wrong or above %d", ErrCorrupt, limit)
	}
	payload := packed[1+n:]
	switch packed[0] {
	case methodRaw:
		if uint64(len(payload)) != size {
			return nil, fmt.Errorf("%w: %d bytes instead of %d", ErrCorrupt, len(payload), size)
		}
		return payload, nil
	default:
		return nil, fmt.Errorf("%w: unknown method %d", ErrCorrupt, packed[0])
	}
}
