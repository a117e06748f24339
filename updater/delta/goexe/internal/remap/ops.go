package remap

import (
	"errors"
	"fmt"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Op is one step of rebuilding the plain bytes of the new file, which are all but its cut spans. It takes Add bytes of the
// old file from the current position on, which moves behind them; then Copy bytes that the patch brings; then the position
// moves by Seek. The position starts at 0 and counts in bytes of the old file.
type Op struct{ Add, Copy, Seek int64 }

// Span is a piece of the new file, in file offsets, that no operation makes: it is cut out, and what lies before and
// behind it joined. Spans come by ascending Off and do not overlap.
type Span struct{ Off, Size uint64 }

// Copy says that Size bytes in memory from New on were made from those of the old image from Old on.
type Copy struct{ Old, New, Size uint64 }

// ErrOps says that operations do not describe a file.
var ErrOps = errors.New("operations that make no file")

// MaxOps is how many operations a patch for that many plain bytes may have. Programs that another minor version of Go
// built take one for every 150 bytes, other programs one for every 110.
func MaxOps(plain uint64) uint64 { return 4096 + plain/64 }

// Check tells whether the operations make exactly plain bytes and stay inside an old file of that size.
func Check(ops []Op, old, plain uint64) error {
	if uint64(len(ops)) > MaxOps(plain) {
		return fmt.Errorf("%w: %d of them for %d bytes", ErrOps, len(ops), plain)
	}
	p, left := uint64(0), plain
	for i, o := range ops {
		if o.Add < 0 || uint64(o.Add) > old-p || uint64(o.Add) > left {
			return fmt.Errorf("%w: number %d takes %d bytes", ErrOps, i, o.Add)
		}
		p += uint64(o.Add)
		left -= uint64(o.Add)
		if o.Copy < 0 || uint64(o.Copy) > left {
			return fmt.Errorf("%w: number %d brings %d bytes", ErrOps, i, o.Copy)
		}
		left -= uint64(o.Copy)
		// A seek backwards wraps around, and then p is huge.
		if p += uint64(o.Seek); p > old {
			return fmt.Errorf("%w: number %d seeks by %d", ErrOps, i, o.Seek)
		}
	}
	if left != 0 {
		return fmt.Errorf("%w: %d bytes are left over", ErrOps, left)
	}
	return nil
}

// Copies tells in memory addresses what checked operations take from the old file, by ascending New as long as the new
// sections ascend in memory as in the file. What is in no section of either side is left out.
func Copies(old, new []image.Section, cut []Span, ops []Op) ([]Copy, error) {
	from, to := NewPlaces(old), NewPlaces(new)
	// Every cut and every end of a section splits a copy at most once; an old section's end can do it again and again, but
	// copies that span sections are rare in an honest patch.
	limit := 2*len(ops) + 64*(len(old)+len(new)+len(cut)+1)
	list := make([]Copy, 0, len(ops))
	p, q := uint64(0), uint64(0)
	for _, o := range ops {
		for rest := uint64(o.Add); rest > 0; {
			q, cut = skip(q, cut)
			n := rest
			if len(cut) > 0 {
				n = min(n, cut[0].Off-q)
			}
			a, aRun, aOK := from.at(p)
			b, bRun, bOK := to.at(q)
			n = min(n, aRun, bRun)
			if aOK && bOK {
				list = append(list, Copy{Old: a, New: b, Size: n})
			}
			if len(list) > limit {
				return nil, fmt.Errorf("%w: they cross too many sections", ErrOps)
			}
			p, q, rest = p+n, q+n, rest-n
		}
		q, cut = advance(q, cut, uint64(o.Copy))
		p += uint64(o.Seek)
	}
	return list, nil
}

// skip moves q over the cuts it stands at.
func skip(q uint64, cut []Span) (uint64, []Span) {
	for len(cut) > 0 && q >= cut[0].Off {
		q = max(q, cut[0].Off+cut[0].Size)
		cut = cut[1:]
	}
	return q, cut
}

// advance moves q over n plain bytes.
func advance(q uint64, cut []Span, n uint64) (uint64, []Span) {
	for {
		q, cut = skip(q, cut)
		if len(cut) == 0 || n <= cut[0].Off-q {
			return q + n, cut
		}
		n -= cut[0].Off - q
		q = cut[0].Off
	}
}
