package derived

import (
	"fmt"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// CodeRebases codes a list of distinct offsets in the linker's order against an expected one: first the offsets as a set,
// then their order. limit bounds the length of what is decoded. new is ignored then.
func CodeRebases(c *entropy.Coder, expected, new []uint32, limit uint64) ([]uint32, error) {
	var sorted []uint32
	if c.Encoding() {
		sorted = slices.Sorted(slices.Values(new))
	}
	set, err := CodeRelocs(c, slices.Compact(slices.Sorted(slices.Values(expected))), sorted, limit)
	if err != nil {
		return nil, err
	}
	o := newOrdering(set, expected)
	if c.Encoding() {
		return new, o.write(c, new)
	}
	return o.read(c)
}

// ordering codes the order of a set. Mostly what comes next is what came next in the old file's order, or what follows in
// memory, and both are one of the set that has not come yet. All places below are indexes of set.
type ordering struct {
	set   []uint32
	route []int32 // places that were expected, in the order in which they were
	step  []int32 // place -> its index in route; -1 when it is new
	fresh []int32 // the places that are new
	ahead []int32 // index in route -> a later one, and nothing between them is left; itself when it is left
	done  []bool  // by place

	last, next int32    // the last place; where in route to go on
	nextFresh  int32    // where in fresh to go on
	broken     [5]int32 // where in route it was left lately: detours mostly lead back
	models     orderModels
}

type orderModels struct {
	agreed entropy.Prob                    // both guesses are the same: is it that?
	route  [orderContexts]entropy.Prob     // is it the next on the route?
	memory [2 * orderContexts]entropy.Prob // is it the next in memory?
	fresh  [2]entropy.Prob                 // is it new? By: was the last one?
	back   [5]entropy.Prob                 // is it where the route was left?
	jump   [2]entropy.Int                  // on the route; among the new ones
}

const nowhere = int32(-1)

func newOrdering(set, expected []uint32) *ordering {
	o := &ordering{set: set, step: make([]int32, len(set)), done: make([]bool, len(set)), last: nowhere}
	for i := range o.step {
		o.step[i] = nowhere
	}
	for _, v := range expected {
		if place, ok := slices.BinarySearch(set, v); ok && o.step[place] == nowhere {
			o.step[place] = int32(len(o.route))
			o.route = append(o.route, int32(place))
		}
	}
	for place, step := range o.step {
		if step == nowhere {
			o.fresh = append(o.fresh, int32(place))
		}
	}
	o.ahead = make([]int32, len(o.route)+1)
	for i := range o.ahead {
		o.ahead[i] = int32(i)
	}
	return o
}

func (o *ordering) write(c *entropy.Coder, list []uint32) error {
	for _, v := range list {
		place, _ := slices.BinarySearch(o.set, v)
		if _, err := o.code(c, int32(place)); err != nil {
			return err
		}
	}
	return nil
}

func (o *ordering) read(c *entropy.Coder) ([]uint32, error) {
	list := make([]uint32, len(o.set))
	for i := range list {
		place, err := o.code(c, 0)
		if err != nil {
			return nil, err
		}
		list[i] = o.set[place]
	}
	return list, c.Err()
}

// code codes the next place and moves on.
func (o *ordering) code(c *entropy.Coder, place int32) (int32, error) {
	onRoute, inMemory := o.guesses()
	m := &o.models
	k := o.context(onRoute, inMemory)
	switch {
	case onRoute != nowhere && onRoute == inMemory && c.Flag(&m.agreed, place == onRoute):
		place = onRoute
	case onRoute != nowhere && onRoute != inMemory && c.Flag(&m.route[k], place == onRoute):
		place = onRoute
	case inMemory != nowhere && onRoute != inMemory && c.Flag(&m.memory[k+orderContexts*b2i(onRoute != nowhere)], place == inMemory):
		place = inMemory
	default:
		place = o.jump(c, place)
	}
	if place < 0 || o.done[place] {
		return 0, fmt.Errorf("%w: pointers in an order that cannot be", ErrLayout)
	}
	o.moveOn(place)
	return place, nil
}

// guesses returns the next place on the route and the next in memory; nowhere when that has come already.
func (o *ordering) guesses() (onRoute, inMemory int32) {
	onRoute, inMemory = nowhere, nowhere
	if i := o.left(o.next); int(i) < len(o.route) {
		onRoute = o.route[i]
	}
	if n := o.last + 1; int(n) < len(o.set) && !o.done[n] {
		inMemory = n
	}
	return onRoute, inMemory
}

const orderContexts = 2 * 2 * 4

// context tells how likely the next in memory is: one that is near and new mostly belongs to what the last one belongs to.
func (o *ordering) context(onRoute, inMemory int32) int {
	k := 0
	if inMemory != nowhere {
		k = b2i(o.step[inMemory] == nowhere)
	}
	if o.last == nowhere || inMemory == nowhere {
		return k
	}
	k += 2 * b2i(o.step[o.last] == nowhere)
	switch gap := o.set[inMemory] - o.set[o.last]; {
	case gap <= 8:
		k += 4
	case gap <= 16:
		k += 8
	case gap <= 64:
		k += 12
	}
	return k
}

// jump codes a place that was not guessed: a new one, or one somewhere on the route.
func (o *ordering) jump(c *entropy.Coder, place int32) int32 {
	step := int32(0)
	if c.Encoding() {
		step = o.step[place]
	}
	if c.Flag(&o.models.fresh[b2i(o.last != nowhere && o.step[o.last] == nowhere)], step == nowhere) {
		at, _ := slices.BinarySearch(o.fresh, place)
		return pick(o.fresh, against(c, &o.models.jump[1], uint64(at), uint64(o.nextFresh)))
	}
	to, k := o.detour(c, uint64(step))
	copy(o.broken[1:k+1], o.broken[:k])
	o.broken[0] = o.next
	return pick(o.route, to)
}

// detour codes where on the route to go on: where it was left lately, which it says the number of, or anywhere.
func (o *ordering) detour(c *entropy.Coder, step uint64) (to uint64, k int) {
	for k := range o.broken[1:] {
		if to := uint64(o.left(o.broken[k])); c.Flag(&o.models.back[k], to == step) {
			return to, k
		}
	}
	return against(c, &o.models.jump[0], step, uint64(o.next)), len(o.broken) - 1
}

func pick(list []int32, at uint64) int32 {
	if at >= uint64(len(list)) {
		return nowhere
	}
	return list[at]
}

func (o *ordering) moveOn(place int32) {
	o.done[place] = true
	o.last = place
	if step := o.step[place]; step != nowhere {
		o.ahead[step] = step + 1
		o.next = step + 1
	} else {
		at, _ := slices.BinarySearch(o.fresh, place)
		o.nextFresh = int32(at) + 1
	}
}

// left returns the first index from i on that is left on the route; its length when there is none.
func (o *ordering) left(i int32) int32 {
	for o.ahead[i] != i {
		o.ahead[i] = o.ahead[o.ahead[i]] // the next search takes half the steps
		i = o.ahead[i]
	}
	return i
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
