package derived

import (
	"errors"
	"hash"
)

// Pages hashes the pages of a file while it is written, for all its directories at once. It is an io.Writer that takes the
// file from its first byte on; what lies behind a directory's limit does not count for it.
type Pages struct {
	list []*pageHash
}

type pageHash struct {
	Directory
	h     hash.Hash
	at    uint64 // how far the file was hashed
	slots []byte
}

var errEarly = errors.New("the page hashes are asked for before all the pages are written")

// NewPages starts hashing. The memory taken is the size of the directories' spans.
func NewPages(list []Directory) *Pages {
	p := &Pages{}
	for _, d := range list {
		p.list = append(p.list, &pageHash{Directory: d, h: hashes[d.Hash].make(), slots: make([]byte, 0, d.Size())})
	}
	return p
}

// Write takes the next bytes of the file. It never fails.
func (p *Pages) Write(b []byte) (int, error) {
	for _, h := range p.list {
		h.write(b)
	}
	return len(b), nil
}

// Append appends the page hashes of one directory.
func (p *Pages) Append(dst []byte, index int) ([]byte, error) {
	h := p.list[index]
	if h.at < h.Limit {
		return nil, errEarly
	}
	return append(dst, h.slots...), nil
}

func (p *pageHash) write(b []byte) {
	b = b[:min(uint64(len(b)), p.Limit-p.at)]
	page := uint64(1) << p.PageBits
	for len(b) > 0 {
		n := min(uint64(len(b)), page-p.at%page)
		_, _ = p.h.Write(b[:n])
		p.at += n
		b = b[n:]
		if p.at%page == 0 || p.at == p.Limit {
			var sum [64]byte
			p.slots = append(p.slots, p.h.Sum(sum[:0])[:hashes[p.Hash].size]...)
			p.h.Reset()
		}
	}
}
