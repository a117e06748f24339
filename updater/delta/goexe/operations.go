package goexe

import (
	"fmt"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// recentDiagonals is how many distances between old and new places are remembered.
const recentDiagonals = 8

// operationModels learn what the operations look like, apart for each class of old bytes.
type operationModels struct {
	count  entropy.Int
	add    [refs.NumClasses][2]entropy.Uint               // by: was the last op without literals?
	lit    [refs.NumClasses][2]entropy.Uint               // by: is the Add short?
	home   [2][3]entropy.Prob                             // is the new diagonal the counterpart's? by: is it another than now; the last answers
	recent [refs.NumClasses][recentDiagonals]entropy.Prob // is it this recent one?
	jump   [refs.NumClasses]entropy.Int
}

// codeOperations codes the operations that make the plain bytes from the old file. The places it goes by may be nonsense
// while it reads nonsense; what it returns is checked.
func codeOperations(c *entropy.Coder, l []remap.Op, old *program, plain plainBytes, funcs *functions, r *room) ([]remap.Op, error) {
	m := new(operationModels)
	count := near(c, &m.count, uint64(len(l)), 0)
	if count > remap.MaxOps(plain.size) {
		return nil, fmt.Errorf("%d operations for %d bytes", count, plain.size)
	}
	if err := r.take(count * operationRoom); err != nil {
		return nil, err
	}
	if !c.Encoding() {
		l = make([]remap.Op, count)
	}
	classes := classFinder{regions: old.refs.Regions()}
	var p int64   // in the old file
	var at uint64 // among the plain bytes
	var recent diagonals
	bare := 0
	atHome := 0
	for i := range l {
		op := &l[i]
		k := classes.at(uint64(p))
		op.Add = int64(c.Uint(&m.add[k][bare], uint64(op.Add)))
		op.Copy = int64(c.Uint(&m.lit[k][b2i(op.Add <= 64)], uint64(op.Copy)))
		bare = b2i(op.Copy == 0)
		p += op.Add
		at += uint64(op.Add + op.Copy)
		if i == len(l)-1 {
			break // nothing is read any more
		}
		q := plain.place(at)
		d := p - int64(q)
		next := d + op.Seek
		k = classes.at(uint64(p))
		next, atHome = m.diagonal(c, k, funcs, q, d, next, atHome, &recent)
		op.Seek = next - d
		p += op.Seek
	}
	return l, remap.Check(l, uint64(len(old.image.Data)), plain.size)
}

// diagonal codes where the next operation reads from: the function's counterpart, a recent diagonal, or elsewhere.
func (m *operationModels) diagonal(c *entropy.Coder, k refs.Class, funcs *functions, q uint64, now, next int64, before int, recent *diagonals) (int64, int) {
	h, ok := funcs.diagonal(q)
	if ok {
		if c.Flag(&m.home[b2i(h != now)][before], next == h) {
			recent.use(h)
			return h, 0
		}
		before = min(before+1, 2)
	}
	i := 0
	for i < len(recent) {
		if (!ok || recent[i] != h) && c.Bit(&m.recent[k][i], b2i(recent[i] == next), entropy.Nimble) != 0 {
			next = recent[i]
			recent.use(next)
			return next, before
		}
		i++
	}
	near := now
	if ok {
		near = h
	}
	next = near + c.Int(&m.jump[k], next-near)
	recent.use(next)
	return next, before
}

// diagonals are the last ones in use, the latest first.
type diagonals [recentDiagonals]int64

func (r *diagonals) use(d int64) {
	i := slices.Index(r[:], d)
	if i < 0 {
		i = len(r) - 1
	}
	copy(r[1:i+1], r[:i])
	r[0] = d
}

// classFinder looks the class of old places up, cheaply when they are near one another.
type classFinder struct {
	regions []refs.Region
	last    int
}

func (f *classFinder) at(off uint64) refs.Class {
	if f.last >= len(f.regions) || off < f.regions[f.last].Off || off >= f.regions[f.last].End {
		f.last, _ = slices.BinarySearchFunc(f.regions, off, func(r refs.Region, off uint64) int {
			if r.End <= off {
				return -1
			}
			return 1
		})
	}
	if f.last >= len(f.regions) {
		return refs.Raw
	}
	return f.regions[f.last].Class
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
