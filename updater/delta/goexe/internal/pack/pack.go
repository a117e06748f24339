// Package pack makes a stream of bytes small, and bounds what reading it back can take.
//
// A packed stream says how it is packed and how long it was, and has neither magic nor checksum: what holds it is hashed
// as a whole. [Pack] takes the shorter of the bytes as they are and brotli (RFC 7932).
//
// Trust. [Unpack] takes any input. It gives exactly the length that the stream says, at most the caller's limit, or an
// error; nothing may follow. Memory is that length, as much again at most for brotli's window, and 1 MiB.
package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/andybalholm/brotli"
)

// ErrCorrupt says that a stream cannot be read.
var ErrCorrupt = errors.New("a packed stream is damaged")

// A packed stream is a byte that names the method, the raw length as a uvarint, and the payload. Nothing at all stands for
// no bytes.
const (
	methodRaw    = 0
	methodBrotli = 1
)

// Pack returns b in as few bytes as its size leaves time for: half a second at 128 KiB, 1.4 seconds for a megabyte.
func Pack(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	packed := append(header(methodBrotli, len(b)), compress(b)...)
	if raw := header(methodRaw, len(b)); len(packed) >= len(raw)+len(b) {
		return append(raw, b...)
	}
	return packed
}

func header(method byte, size int) []byte { return binary.AppendUvarint([]byte{method}, uint64(size)) }

// Unpack returns what Pack was given, which must be no longer than limit. It may return a part of packed.
func Unpack(packed []byte, limit uint64) ([]byte, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	size, n := binary.Uvarint(packed[1:])
	if n <= 0 || size == 0 || size > limit {
		return nil, fmt.Errorf("%w: it says that it has %d of at most %d bytes", ErrCorrupt, size, limit)
	}
	payload := packed[1+n:]
	switch packed[0] {
	case methodRaw:
		if uint64(len(payload)) != size {
			return nil, fmt.Errorf("%w: %d bytes instead of %d", ErrCorrupt, len(payload), size)
		}
		return payload, nil
	case methodBrotli:
		return decompress(payload, size)
	default:
		return nil, fmt.Errorf("%w: unknown method %d", ErrCorrupt, packed[0])
	}
}

// Up to these sizes in bytes brotli's best qualities are worth their time. On machine code and type data quality 11 takes
// 3.5 seconds of processor time for a megabyte; 10 takes 1.4 and gives 2 % more bytes, 9 takes 0.2 and gives 8 % more.
const (
	best11 = 128 << 10
	best10 = 8 << 20
)

func compress(b []byte) []byte {
	quality := 11
	switch {
	case len(b) > best10:
		quality = 9
	case len(b) > best11:
		quality = 10
	}
	var packed bytes.Buffer
	w := brotli.NewWriterOptions(&packed, brotli.WriterOptions{Quality: quality, LGWin: window(uint64(len(b)))})
	// A bytes.Buffer takes everything.
	_, _ = w.Write(b)
	_ = w.Close()
	return packed.Bytes()
}

func decompress(payload []byte, size uint64) ([]byte, error) {
	if len(payload) == 0 || declared(payload[0]) > window(size) {
		return nil, fmt.Errorf("%w: its window is larger than it", ErrCorrupt)
	}
	r := brotli.NewReader(bytes.NewReader(payload))
	raw := make([]byte, size)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); err != io.EOF {
		return nil, fmt.Errorf("%w: it goes on behind its end: %v", ErrCorrupt, err)
	}
	return raw, nil
}

// Brotli's windows hold 2^n-16 bytes. The header for 2^16 is the shortest.
const (
	leastWindow = 16
	mostWindow  = 24
)

// window returns the logarithm of the smallest window that holds size bytes.
func window(size uint64) int {
	return min(max(bits.Len64(size+15), leastWindow), mostWindow)
}

// declared returns the logarithm of the window that a brotli stream starting with b uses: RFC 7932, section 9.1.
func declared(b byte) int {
	const tooLarge = mostWindow + 1
	switch small, medium := b>>4&7, b>>1&7; {
	case b&1 == 0:
		return 16
	case medium != 0:
		return 17 + int(medium)
	case small == 0:
		return 17
	case small == 1:
		return tooLarge // an extension with windows of up to a gigabyte
	default:
		return 8 + int(small)
	}
}
