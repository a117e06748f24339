package goexe

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
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
	numbers  []byte                 // the arithmetic stream
	literals [refs.NumGroups][]byte // packed
}

func (k *container) bytes() []byte {
	b := bytes.Clone(magic)
	b = binary.AppendUvarint(b, k.size)
	b = append(b, k.old[:]...)
	b = append(b, k.new[:]...)
	for _, part := range k.parts() {
		b = binary.AppendUvarint(b, uint64(len(*part)))
		b = append(b, *part...)
	}
	return b
}

// parts are the streams, in the order of the file.
func (k *container) parts() []*[]byte {
	l := []*[]byte{&k.numbers}
	for i := range k.literals {
		l = append(l, &k.literals[i])
	}
	return l
}

// length is how long all streams are.
func (k *container) length() (n uint64) {
	for _, part := range k.parts() {
		n += uint64(len(*part))
	}
	return n
}

var (
	errNotOurs  = errors.New("it is no goexe patch of a format that this version knows")
	errOtherOld = errors.New("it is made for another old file")
	errLong     = errors.New("it goes on behind its end")
)

// readHead reads what stands before the streams.
func readHead(r *bufio.Reader) (*container, error) {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, magic) {
		return nil, errNotOurs
	}
	k := new(container)
	var err error
	if k.size, err = binary.ReadUvarint(r); err != nil {
		return nil, err
	}
	for _, part := range [][]byte{k.old[:], k.new[:]} {
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// maxPatch is how long the streams of a patch may be in all, so that its own lengths cannot take memory.
func maxPatch(size uint64) uint64 { return size/2 + 64<<10 }

// readContainer reads a patch for a result of the signed size.
func readContainer(r io.Reader, size uint64) (*container, error) {
	buffered := bufio.NewReader(r)
	k, err := readHead(buffered)
	if err != nil {
		return nil, err
	}
	if k.size != size {
		return nil, fmt.Errorf("it makes %d bytes, not the signed %d", k.size, size)
	}
	limit := maxPatch(size)
	for _, part := range k.parts() {
		length, err := binary.ReadUvarint(buffered)
		if err != nil {
			return nil, err
		}
		if length > limit {
			return nil, fmt.Errorf("it brings more than %d bytes for a result of %d", limit, size)
		}
		limit -= length
		*part = make([]byte, length)
		if _, err := io.ReadFull(buffered, *part); err != nil {
			return nil, err
		}
	}
	if _, err := buffered.ReadByte(); err == nil {
		return nil, errLong
	}
	return k, nil
}

// Inspect reads the size of the result from the first bytes of a patch. ok is false when they are no goexe patch's.
func (Codec) Inspect(head []byte) (size int64, ok bool) {
	k, err := readHead(bufio.NewReader(bytes.NewReader(head)))
	if err != nil || k.size > maxFile {
		return 0, false
	}
	return int64(k.size), true
}

// Names reads the first half of the SHA-256 of the old and of the new file from the first bytes of a patch.
func (Codec) Names(head []byte) (old, new []byte, ok bool) {
	k, err := readHead(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return nil, nil, false
	}
	return k.old[:], k.new[:], true
}
