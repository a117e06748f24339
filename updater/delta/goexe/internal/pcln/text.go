package pcln

import "math"

// texts keeps the new text of functions that are not like the old ones, as it comes by: where values change depends on
// it. It is an io.Writer that is shown the new file from its start.
type texts struct {
	off    uint64 // of the next byte in the new file
	offset uint64 // of the text
	spans  []span // by ascending start
	bytes  []byte // of the spans, one after the other
	next   int    // the span that comes next or is being kept
}

// span is a piece of text, and where in bytes it is kept.
type span struct{ start, end, at uint32 }

func newTexts(p *pairs) *texts {
	t := &texts{offset: math.MaxUint64}
	at := uint32(0)
	for i, class := range p.classes {
		if class == level {
			continue
		}
		start, end := p.layout.Entries[i], p.layout.Entries[i+1]
		if end == start {
			continue
		}
		if n := len(t.spans); n > 0 && t.spans[n-1].end == start {
			t.spans[n-1].end = end
		} else {
			t.spans = append(t.spans, span{start, end, at})
		}
		at += end - start
	}
	return t
}

// size returns how much text is to be kept.
func (t *texts) size() uint64 {
	if n := len(t.spans); n > 0 {
		return uint64(t.spans[n-1].at) + uint64(t.spans[n-1].end-t.spans[n-1].start)
	}
	return 0
}

// Write is shown the next bytes of the new file. It cannot fail.
func (t *texts) Write(b []byte) (int, error) {
	off, end := t.off, t.off+uint64(len(b))
	t.off = end
	for t.next < len(t.spans) {
		s := t.spans[t.next]
		from := t.offset + uint64(s.start) + uint64(len(t.bytes)) - uint64(s.at)
		if from < off || from >= end {
			break
		}
		to := min(t.offset+uint64(s.end), end)
		t.bytes = append(t.bytes, b[from-off:to-off]...)
		if to == end {
			break
		}
		t.next++
	}
	return len(b), nil
}

// forget gives back what was kept.
func (t *texts) forget() { t.spans, t.bytes, t.next = nil, nil, 0 }

// between returns the text that was kept from start to end, or as much of it as there is.
func (t *texts) between(start, end uint32) []byte {
	low, high := 0, len(t.spans)
	for low < high {
		if mid := (low + high) / 2; t.spans[mid].end <= start {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == len(t.spans) || t.spans[low].start > start {
		return nil
	}
	s := t.spans[low]
	from := min(uint64(s.at)+uint64(start-s.start), uint64(len(t.bytes)))
	return t.bytes[from:min(from+uint64(end-start), uint64(len(t.bytes)))]
}
