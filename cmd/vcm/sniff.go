package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// sniff reads a patch's codec and the length of its result from its first
// bytes. A client never does this: it takes both from signed metadata.
func sniff(patch io.ReaderAt) (codec string, length int64, err error) {
	head := make([]byte, 32)
	n, err := patch.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", 0, err
	}
	head = head[:n]
	switch {
	case n == 32 && string(head[:8]) == "BSDIFF40":
		codec, length = "bsdiff", int64(binary.LittleEndian.Uint64(head[24:]))
	case n >= 5 && binary.LittleEndian.Uint32(head) == 0xfd2fb528:
		codec = "zstd"
		length, err = frameLength(head[4:])
	default:
		err = errors.New("is not a patch of a known codec")
	}
	if err != nil {
		return "", 0, err
	}
	if length < 0 || length > release.MaxArtifact {
		return "", 0, fmt.Errorf("is damaged, or makes more than %d bytes", int64(release.MaxArtifact))
	}
	return codec, length, nil
}

// frameLength reads the content size in a zstd frame header (RFC 8878, 3.1.1.1)
// after the magic number.
func frameLength(header []byte) (int64, error) {
	descriptor := header[0]
	single := descriptor>>5&1 == 1
	at := 1 + []int{0, 1, 2, 4}[descriptor&3] // dictionary number
	if !single {
		at++ // window descriptor
	}
	width := []int{0, 2, 4, 8}[descriptor>>6]
	if width == 0 && single {
		width = 1
	}
	if width == 0 {
		return 0, errors.New("does not say how long its result is")
	}
	if len(header) < at+width {
		return 0, errors.New("is cut off")
	}
	var field [8]byte
	copy(field[:], header[at:at+width])
	length := int64(binary.LittleEndian.Uint64(field[:]))
	if width == 2 {
		length += 256
	}
	return length, nil
}
