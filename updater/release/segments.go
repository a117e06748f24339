package release

import (
	"fmt"
	"hash"

	"github.com/zeebo/blake3"
)

// SegmentSize is how many bytes of a file one of its Segments proves; the last proves what remains.
const SegmentSize = 1 << 20

// segmentSum is the length of a segment's hash in bytes.
const segmentSum = 32

// Segments holds the BLAKE3 hash, 32 bytes, of each segment of a file, one after the other. With it a download is
// proven while it arrives, and a damaged segment is fetched again alone.
type Segments []byte

// NewSegmentHash is the hash of one segment.
func NewSegmentHash() hash.Hash { return blake3.New() }

// Len is how many segments are listed.
func (s Segments) Len() int { return len(s) / segmentSum }

// check tells whether s lists the segments of a file of that length. A list that is not there is fine: older
// publishers make none.
func (s Segments) check(length int64) error {
	want := (length + SegmentSize - 1) / SegmentSize
	if len(s) != 0 && int64(len(s)) != want*segmentSum {
		return fmt.Errorf("segments of %d bytes for a file of %d, want %d", len(s), length, want*segmentSum)
	}
	return nil
}

// SegmentWriter computes the Segments of what is written to it. The zero value is ready. Write never fails.
type SegmentWriter struct {
	sums    Segments
	current hash.Hash
	filled  int
}

func (w *SegmentWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		if w.current == nil {
			w.current = NewSegmentHash()
		}
		n := min(len(p), SegmentSize-w.filled)
		_, _ = w.current.Write(p[:n]) // a hash takes everything
		w.filled += n
		p = p[n:]
		if w.filled == SegmentSize {
			w.close()
		}
	}
	return written, nil
}

func (w *SegmentWriter) close() {
	w.sums = w.current.Sum(w.sums)
	w.current.Reset()
	w.filled = 0
}

// Segments ends the list and returns it. Nothing may be written afterwards.
func (w *SegmentWriter) Segments() Segments {
	if w.filled > 0 {
		w.close()
	}
	return w.sums
}
