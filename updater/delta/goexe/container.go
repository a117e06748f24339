package goexe

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What a patch begins with: five bytes that no other format of ours has, and the number of the format.
var magic = []byte{0x89, 'G', 'X', 'D', formatNumber}

// formatNumber changes whenever a patcher must do something else with the same bytes, which includes every change of
// what is a reference, a derived span or a prediction.
const formatNumber = 1

// fingerprint is the first half of a file's SHA-256. It finds mistakes, not attacks: what is proven is the signed hash.
type fingerprint [16]byte

func fingerprintOf(b []byte) fingerprint {
	sum := sha256.Sum256(b)
	return fingerprint(sum[:16])
}

// container is a patch file taken apart.
type container struct {
	size     uint64 // of the new file
	old, new fingerprint
	numbers  []byte            // the arithmetic stream
	literals [numGroups][]byte // packed
}

func (k *container) bytes() []byte {
	b := bytes.Clone(magic)
	b = binary.AppendUvarint(b, k.size)
	b = append(b, k.old[:]...)
	b = append(b, k.new[:]...)
	// The groups first: most are empty, and the numbers then need no length.
	for _, l := range k.literals {
		b = binary.AppendUvarint(b, uint64(len(l)))
		b = append(b, l...)
	}
	return append(b, k.numbers...)
}

var (
	errNotOurs  = errors.New("it is no goexe patch of a format that this version knows")
	errOtherOld = errors.New("it is made for another old file")
	errCut      = errors.New("it ends early")
)

// parseHead reads what stands before the streams.
func parseHead(b []byte) (k container, rest []byte, err error) {
	if !bytes.HasPrefix(b, magic) {
		return k, nil, errNotOurs
	}
	b = b[len(magic):]
	size, n := binary.Uvarint(b)
	if n <= 0 || len(b)-n < len(k.old)+len(k.new) {
		return k, nil, errCut
	}
	b = b[n:]
	k.size = size
	b = b[copy(k.old[:], b):]
	b = b[copy(k.new[:], b):]
	return k, b, nil
}

// readContainer reads a patch for a result of the signed size. A patch that is no smaller than that is refused, so that
// its length alone cannot take memory.
func readContainer(r io.Reader, size uint64) (*container, error) {
	limit := size/2 + 64<<10
	b, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if uint64(len(b)) > limit {
		return nil, fmt.Errorf("it has more than %d bytes for a result of %d", limit, size)
	}
	k, b, err := parseHead(b)
	if err != nil {
		return nil, err
	}
	if k.size != size {
		return nil, fmt.Errorf("it makes %d bytes, not the signed %d", k.size, size)
	}
	for i := range k.literals {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return nil, errCut
		}
		k.literals[i], b = b[n:n+int(length)], b[n+int(length):]
	}
	k.numbers = b
	return &k, nil
}

// Inspect reads the size of the result from the first bytes of a patch. ok is false when they are no goexe patch's.
func (Codec) Inspect(head []byte) (size int64, ok bool) {
	k, _, err := parseHead(head)
	return int64(k.size), err == nil && k.size <= maxFile
}

// Names reads the first half of the SHA-256 of the old and of the new file from the first bytes of a patch.
func (Codec) Names(head []byte) (old, new []byte, ok bool) {
	k, _, err := parseHead(head)
	return k.old[:], k.new[:], err == nil
}
