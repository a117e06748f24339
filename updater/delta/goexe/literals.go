package goexe

import (
	"errors"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// fewLiterals tells whether n literal bytes for a file of that size are few enough to be coded among the numbers: smaller,
// but slower. They then take a tenth of the patcher's time at most. A patcher holds a patch to it.
func fewLiterals(n int64, size uint64) bool { return uint64(n) <= size/400 }

// literalBytes is how many bytes operations take from the literals.
func literalBytes(ops []remap.Op) (n int64) {
	for _, op := range ops {
		n += op.Copy
	}
	return n
}

// literals are what the patch brings, in groups of what is alike: each is packed for itself. They are collected by a
// builder, used up by a patcher.
type literals struct {
	inline    bool // there are few: they are coded among the numbers, and no group has any
	collected [refs.NumGroups][]byte
	packed    [refs.NumGroups][]byte
}

var (
	errLiterals = errors.New("its literal bytes end early")
	errLeft     = errors.New("it brings more than the new file needs")
)

// fresh fills out, which stands at w.q, with bytes that the patch brings; a builder has them there already.
func (w *walk) fresh(out []byte) error {
	k := w.classes.at(w.p)
	g := k.Group()
	start := w.account.start(w.c)
	defer func() { w.account.add(w.c, start, "literals: ", g.String()) }()
	if k == refs.Code && w.amd64 {
		return w.code(out)
	}
	return w.raw(g, k, 0, out)
}

// used tells whether all literals that the patch brings were taken.
func (l *literals) used() bool {
	return !slices.ContainsFunc(l.packed[:], func(b []byte) bool { return len(b) > 0 })
}

// raw fills out with bytes of group g, at places that were of class k and stand ahead bytes behind w.q.
func (w *walk) raw(g refs.Group, k refs.Class, ahead int, out []byte) error {
	switch {
	case w.lit.inline:
		p := min(w.p+w.ahead+uint64(ahead), uint64(len(w.old)))
		w.models.literal.code(w.c, k, w.old[p:], w.q+uint64(ahead), out)
	case w.want != nil:
		w.lit.collected[g] = append(w.lit.collected[g], out...)
	case len(w.lit.packed[g]) < len(out):
		return errLiterals
	default:
		w.lit.packed[g] = w.lit.packed[g][copy(out, w.lit.packed[g]):]
	}
	return nil
}
