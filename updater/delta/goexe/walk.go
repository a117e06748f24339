package goexe

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// piece is how many bytes are made at once.
const piece = 64 << 10

// walk makes the new file from front to back. A builder walks too, with the new file at hand, and writes down wherever
// the patcher would go wrong.
type walk struct {
	c     *entropy.Coder
	old   []byte
	scan  *refs.Scanner
	where *remap.Map
	bases refs.Bases
	want  []byte // the new file; nil in a patcher
	plain plainBytes
	funcs *functions
	amd64 bool
	spans []generator // of plain.spans, in the same order
	out   *output
	lit   *literals

	models   *walkModels
	classes  classFinder
	places   *remap.Places
	refs     []refs.Ref
	p, q     uint64 // in the old and in the new file
	ahead    uint64 // literal bytes made since p was passed
	nextSpan int
	account  *ledger
}

// generator writes a derived span.
type generator func(w io.Writer) error

type walkModels struct {
	miss     [refs.NumKinds][remap.NumConfidences][16]entropy.Prob // by the last four of the kind
	history  [refs.NumKinds]uint8
	again    [refs.NumKinds]entropy.Prob // off by as much as the last one?
	by       [refs.NumKinds][2]entropy.Int
	lastMiss int64
	residue  *residueModel
	literal  *literalModel // nil unless literals are inline
	operand  *operandModel
}

func newWalkModels() *walkModels {
	return &walkModels{residue: newResidueModel(), operand: new(operandModel)}
}

func (w *walk) run(ctx context.Context, ops []remap.Op) error {
	for _, op := range ops {
		if err := w.add(ctx, uint64(op.Add)); err != nil {
			return err
		}
		if err := w.literals(ctx, uint64(op.Copy)); err != nil {
			return err
		}
		w.p += uint64(op.Seek)
	}
	if err := w.derived(); err != nil { // a span at the very end
		return err
	}
	if err := w.c.Err(); err != nil {
		return err
	}
	if !w.lit.used() || !w.c.Encoding() && w.c.Left() > 0 {
		return errLeft
	}
	return w.out.flush()
}

// room returns how many of the n plain bytes can be made before the next derived span, having made a span that starts here.
// It also is where nonsense and cancelled work end.
func (w *walk) room(ctx context.Context, n uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := w.c.Err(); err != nil {
		return 0, err
	}
	if err := w.derived(); err != nil {
		return 0, err
	}
	if w.nextSpan < len(w.plain.spans) {
		n = min(n, w.plain.spans[w.nextSpan].Off-w.q)
	}
	return n, nil
}

func (w *walk) derived() error {
	for w.nextSpan < len(w.plain.spans) && w.plain.spans[w.nextSpan].Off == w.q {
		s := w.plain.spans[w.nextSpan]
		if err := w.out.flush(); err != nil {
			return err
		}
		before := w.out.total
		if err := w.spans[w.nextSpan](w.out); err != nil {
			return err
		}
		if w.out.total-before != s.Size {
			return fmt.Errorf("a derived table of %d bytes came out as %d", s.Size, w.out.total-before)
		}
		w.q += s.Size
		w.nextSpan++
	}
	return nil
}

// add makes n bytes from the old ones at p: references are carried over, and what still differs is patched.
func (w *walk) add(ctx context.Context, n uint64) error {
	for n > 0 {
		limit, err := w.room(ctx, n)
		if err != nil {
			return err
		}
		limit += w.p
		end := min(limit, w.p+piece)
		w.refs = w.scan.Append(w.refs[:0], w.p, end, limit)
		if k := len(w.refs); k > 0 {
			last := w.refs[k-1]
			end = max(end, uint64(last.Off)+uint64(last.Width))
		}
		out, err := w.out.grow(int(end - w.p))
		if err != nil {
			return err
		}
		copy(out, w.old[w.p:end])
		for _, r := range w.refs {
			at := uint64(r.Off) - w.p
			w.reference(r, w.q+at, out[at:at+uint64(r.Width)])
		}
		w.residues(out)
		n -= end - w.p
		w.q += end - w.p
		w.p = end
	}
	return nil
}

// reference corrects one reference, whose new place is q and whose bytes in the output are still the old ones.
func (w *walk) reference(r refs.Ref, q uint64, out []byte) {
	place, ok := w.places.Address(q)
	if !ok {
		return
	}
	m := w.models
	target := w.scan.Target(r)
	guess, trust := w.where.Predict(target)
	base := w.bases[r.Kind]
	value := r.Kind.Encode(out, place, r.Imm, base, guess)
	var actual uint64
	if w.want != nil {
		actual = word(w.want[q:], r.Width)
	}
	history := &m.history[r.Kind]
	missed := w.c.Bit(&m.miss[r.Kind][trust][*history], b2i(actual != value), entropy.Steady)
	*history = *history<<1&15 | uint8(missed)
	got := guess
	if missed != 0 {
		value += uint64(w.off(r, trust, int64(actual-value)))
		if r.Width == 4 {
			value &= 1<<32 - 1
		}
		if got, ok = r.Kind.Decode(value, place, r.Imm, base); !ok {
			got = guess
		}
	}
	if got != guess || trust >= remap.BssNear {
		w.where.Learn(target, got)
	}
	if r.Width == 4 {
		binary.LittleEndian.PutUint32(out, uint32(value))
	} else {
		binary.LittleEndian.PutUint64(out, value)
	}
}

// off codes by how much a prediction was wrong.
func (w *walk) off(r refs.Ref, trust remap.Confidence, by int64) int64 {
	start := w.account.start(w.c)
	m := w.models
	if r.Width == 4 {
		by = int64(int32(by))
	}
	if w.c.Bit(&m.again[r.Kind], b2i(by == m.lastMiss), entropy.Nimble) != 0 {
		by = m.lastMiss
	} else {
		by = w.c.Int(&m.by[r.Kind][b2i(trust == remap.Covered)], by)
	}
	m.lastMiss = by
	w.account.add(w.c, start, "references: ", r.Kind.String())
	return by
}

func word(b []byte, width uint8) uint64 {
	if width == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

// literals makes n bytes that the patch brings.
func (w *walk) literals(ctx context.Context, n uint64) error {
	w.ahead = 0
	for n > 0 {
		part, err := w.room(ctx, n)
		if err != nil {
			return err
		}
		part = min(part, piece)
		out, err := w.out.grow(int(part))
		if err != nil {
			return err
		}
		if w.want != nil {
			copy(out, w.want[w.q:])
		}
		if err := w.fresh(out); err != nil {
			return err
		}
		n -= part
		w.q += part
		w.ahead += part
	}
	return nil
}
