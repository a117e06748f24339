package bsdiff

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/dsnet/compress/bzip2"
)

// A BSDIFF40 patch is a header of 32 bytes and three bzip2 streams: control, difference, extra. The
// header holds the magic, the compressed lengths of the first two streams and the length of the result. A
// control entry is three numbers: take so many bytes of difference and add the old file's to them, take so many
// extra bytes, move so far in the old file. Numbers are 8 bytes, little endian, with the sign in the top bit.
const (
	magic      = "BSDIFF40"
	headerSize = 32
	entrySize  = 24
	// Entries that produce nothing are legal but rare. More of them than this beyond one per productive entry
	// are there to burn time: bzip2 packs a terabyte of them into a megabyte.
	idleEntries = 1024
)

// check walks a whole patch without producing anything and returns nil when go-bsdiff can be given it: every
// length is within the patch, every read within the old file, and the entries add up to size exactly. That the other
// two streams hold enough is left to go-bsdiff, which stops where they do not, or reads on into the next one: then
// the hash tells.
func check(ctx context.Context, patch []byte, oldSize, size int64) error {
	if len(patch) < headerSize || string(patch[:len(magic)]) != magic {
		return fmt.Errorf("%w: no %s header", ErrCorrupt, magic)
	}
	control, difference, result := number(patch[8:]), number(patch[16:]), number(patch[24:])
	if result != size {
		return fmt.Errorf("%w: it makes %d bytes, the release has %d", ErrCorrupt, result, size)
	}
	body := patch[headerSize:]
	if control < 0 || control > int64(len(body)) || difference < 0 || difference > int64(len(body))-control {
		return fmt.Errorf("%w: a block is longer than the patch", ErrCorrupt)
	}
	_, err := recovered(func() (struct{}, error) {
		r, err := bzip2.NewReader(bytes.NewReader(body[:control]), nil)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, walk(ctx, r, oldSize, size)
	})
	return err
}

// walk reads the control entries as go-bsdiff will and holds each one to both files' bounds.
func walk(ctx context.Context, control io.Reader, oldSize, size int64) error {
	var entry [entrySize]byte
	var oldAt, newAt int64
	productive, idle := int64(0), int64(0)
	for n := 0; newAt < size; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := io.ReadFull(control, entry[:]); err != nil {
			return fmt.Errorf("%w: control block: %w", ErrCorrupt, err)
		}
		add, insert, move := number(entry[:]), number(entry[8:]), number(entry[16:])
		switch {
		case add < 0 || add > size-newAt || insert < 0 || insert > size-newAt-add:
			return fmt.Errorf("%w: entry %d goes past the end of the result", ErrCorrupt, n)
		case add > oldSize-oldAt:
			return fmt.Errorf("%w: entry %d reads past the end of the old file", ErrCorrupt, n)
		case move < -oldAt-add || move > oldSize-oldAt-add:
			return fmt.Errorf("%w: entry %d moves out of the old file", ErrCorrupt, n)
		}
		newAt += add + insert
		oldAt += add + move
		if add+insert > 0 {
			productive++
		} else if idle++; idle > productive+idleEntries {
			return fmt.Errorf("%w: too many entries that do nothing", ErrCorrupt)
		}
	}
	return nil
}

// number decodes a sign and 63 bits of magnitude, so it is never the smallest int64 and can always be negated.
func number(b []byte) int64 {
	u := binary.LittleEndian.Uint64(b)
	n := int64(u &^ (1 << 63))
	if u>>63 == 1 {
		return -n
	}
	return n
}
