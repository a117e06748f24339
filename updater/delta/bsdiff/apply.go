package bsdiff

import (
	"bufio"
	"compress/bzip2"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
)

// A BSDIFF40 patch is a header of 32 bytes and three bzip2 streams: control, difference, extra. The
// header holds the magic, the compressed lengths of the first two streams and the length of the result. A
// control entry is three numbers: take so many bytes of difference and add the old file's to them, take so many
// extra bytes, move so far in the old file. Numbers are 8 bytes, little endian, with the sign in the top bit.
const (
	magic      = "BSDIFF40"
	headerSize = 32
	entrySize  = 24
	chunk      = 64 << 10
	// Entries that produce nothing are legal but rare. More of them than this beyond one per productive entry
	// are there to burn time: bzip2 packs a terabyte of them into a megabyte.
	idleEntries = 1024
)

// Apply writes the size bytes that patch makes of old, as they are made. After an error, what was written is to be
// thrown away. It looks at ctx about every MiB.
func (Codec) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error {
	if size < 0 {
		return fmt.Errorf("%w: a result of %d bytes", ErrCorrupt, size)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	packed, err := loadPatch(patch, size)
	if err != nil {
		return err
	}
	control, difference, extra, err := split(packed, size)
	if err != nil {
		return err
	}
	b := builder{ctx: ctx, old: old, difference: difference, extra: extra, out: bufio.NewWriterSize(out, chunk),
		size: size, buf: make([]byte, chunk), from: make([]byte, chunk)}
	if err := b.build(control); err != nil {
		return err
	}
	return b.out.Flush()
}

// loadPatch reads a patch that can be hardly longer than its result: a longer one is worse than the full file.
func loadPatch(r io.Reader, size int64) (*bounded.Bytes, error) {
	b, err := bounded.Read(r, size+size/32+64<<10)
	switch {
	case errors.Is(err, bounded.ErrTooLong):
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case err != nil:
		return nil, fmt.Errorf("read the patch: %w", err)
	}
	return b, nil
}

// Inspect reads the size of the result from the first bytes of a patch, of which it needs 32; ok is false where they are
// no BSDIFF40 header. What it says is a claim.
func (Codec) Inspect(head []byte) (size int64, ok bool) {
	if len(head) < headerSize || string(head[:len(magic)]) != magic {
		return 0, false
	}
	size = number(head[24:])
	return size, size >= 0
}

// split checks the header against the patch's own length and the signed size, and opens the three streams, none
// of which can read on into the next.
func split(patch *bounded.Bytes, size int64) (control, difference, extra io.Reader, err error) {
	head := make([]byte, headerSize)
	if n, _ := patch.ReadAt(head, 0); n < headerSize || string(head[:len(magic)]) != magic {
		return nil, nil, nil, fmt.Errorf("%w: no %s header", ErrCorrupt, magic)
	}
	c, d, result := number(head[8:]), number(head[16:]), number(head[24:])
	if result != size {
		return nil, nil, nil, fmt.Errorf("%w: it makes %d bytes, the release has %d", ErrCorrupt, result, size)
	}
	body := patch.Size() - headerSize
	if c < 0 || c > body || d < 0 || d > body-c {
		return nil, nil, nil, fmt.Errorf("%w: a block is longer than the patch", ErrCorrupt)
	}
	open := func(from, n int64) io.Reader {
		return bzip2.NewReader(bufio.NewReader(patch.Section(headerSize+from, n)))
	}
	return bufio.NewReaderSize(open(0, c), entrySize*1024), open(c, d), open(c+d, body-c-d), nil
}

// builder makes the result piece by piece.
type builder struct {
	ctx               context.Context
	old               *io.SectionReader
	difference, extra io.Reader
	out               *bufio.Writer
	size              int64
	oldAt, newAt      int64
	looked            int64  // newAt when ctx was last looked at
	buf, from         []byte // of one length
}

// build holds every entry to both files' bounds before it follows it: 0 <= oldAt <= the old file's size and
// 0 <= newAt <= size always hold.
func (b *builder) build(control io.Reader) error {
	var entry [entrySize]byte
	productive, idle := 0, 0
	for n := 0; b.newAt < b.size; n++ {
		if _, err := io.ReadFull(control, entry[:]); err != nil {
			return fmt.Errorf("%w: control block: %w", ErrCorrupt, err)
		}
		add, insert, move := number(entry[:]), number(entry[8:]), number(entry[16:])
		rest := b.old.Size() - b.oldAt
		switch {
		case add < 0 || add > b.size-b.newAt || insert < 0 || insert > b.size-b.newAt-add:
			return fmt.Errorf("%w: entry %d goes past the end of the result", ErrCorrupt, n)
		case add > rest:
			return fmt.Errorf("%w: entry %d reads past the end of the old file", ErrCorrupt, n)
		case move < -b.oldAt-add || move > rest-add:
			return fmt.Errorf("%w: entry %d moves out of the old file", ErrCorrupt, n)
		}
		if add+insert > 0 {
			productive++
		} else if idle++; idle > productive+idleEntries {
			return fmt.Errorf("%w: too many entries that do nothing", ErrCorrupt)
		}
		if err := b.copy(b.difference, add, true); err != nil {
			return err
		}
		if err := b.copy(b.extra, insert, false); err != nil {
			return err
		}
		b.oldAt += move
	}
	return nil
}

// copy takes n bytes of a stream, adds the old file's where asked to, and writes them.
func (b *builder) copy(stream io.Reader, n int64, adding bool) error {
	for n > 0 {
		if b.newAt-b.looked >= 1<<20 {
			if err := b.ctx.Err(); err != nil {
				return err
			}
			b.looked = b.newAt
		}
		part := b.buf[:min(n, int64(len(b.buf)))]
		if _, err := io.ReadFull(stream, part); err != nil {
			return fmt.Errorf("%w: a block ends early: %w", ErrCorrupt, err)
		}
		if adding {
			from := b.from[:len(part)]
			if got, err := b.old.ReadAt(from, b.oldAt); got < len(from) {
				return fmt.Errorf("read the old file: %w", err)
			}
			for i, v := range from {
				part[i] += v
			}
			b.oldAt += int64(len(part))
		}
		if _, err := b.out.Write(part); err != nil {
			return err
		}
		b.newAt += int64(len(part))
		n -= int64(len(part))
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
