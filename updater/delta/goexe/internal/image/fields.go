package image

import (
	"bytes"
	"encoding/binary"
)

// fields reads numbers of a header. A number that the file does not hold reads as 0 and sets short, so that a parser may
// read on and ask once.
type fields struct {
	data  []byte
	short bool
}

func (f *fields) bytes(off, n uint64) []byte {
	if off > uint64(len(f.data)) || n > uint64(len(f.data))-off {
		f.short = true
		return nil
	}
	return f.data[off : off+n]
}

func (f *fields) u16(off uint64) uint64 {
	if b := f.bytes(off, 2); b != nil {
		return uint64(binary.LittleEndian.Uint16(b))
	}
	return 0
}

func (f *fields) u32(off uint64) uint64 {
	if b := f.bytes(off, 4); b != nil {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (f *fields) u64(off uint64) uint64 {
	if b := f.bytes(off, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// name returns the zero-terminated text at off, of at most n bytes.
func (f *fields) name(off, n uint64) string {
	if off > uint64(len(f.data)) {
		f.short = true
		return ""
	}
	b := f.data[off:]
	if uint64(len(b)) > n {
		b = b[:n]
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}
