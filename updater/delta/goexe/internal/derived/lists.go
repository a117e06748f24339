package derived

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// CodeLists codes where the pointers of the new file are, for .reloc and rebase opcodes: those that the operations copy
// are known, and the rest is coded. copies are in memory addresses, bases what the lists count from.
func (t *Tables) CodeLists(c *entropy.Coder, old *Tables, copies []remap.Copy, oldBase, newBase uint64) error {
	if r := t.Relocs; r != nil {
		var before []uint32
		if old.Relocs != nil {
			before = old.Relocs.RVAs
		}
		list, err := CodeRelocs(c, moved(before, copies, oldBase, newBase), r.RVAs, min(r.Size/2, r.most))
		if err != nil {
			return err
		}
		r.RVAs = list
	}
	if r := t.Rebases; r != nil {
		var before []uint32
		if old.Rebases != nil {
			before = old.Rebases.Offsets
		}
		list, err := CodeRebases(c, movedInOrder(before, copies, oldBase, newBase), r.Offsets, min(r.Size/rebaseLeast, r.most))
		if err != nil {
			return err
		}
		r.Offsets = list
	}
	return c.Err()
}

// moved returns where the copies bring what was at the old offsets, which ascend: ascending, each once.
func moved(old []uint32, copies []remap.Copy, oldBase, newBase uint64) []uint32 {
	list := make([]uint32, 0, len(old)+len(old)/16)
	each(old, copies, oldBase, newBase, func(_ int, to uint32) { list = append(list, to) })
	if !slices.IsSorted(list) {
		slices.Sort(list)
	}
	return slices.Compact(list)
}

// movedInOrder returns the same for offsets in any order, and in their order: each one's first new place.
func movedInOrder(old []uint32, copies []remap.Copy, oldBase, newBase uint64) []uint32 {
	const nowhere = 1<<32 - 1
	order := make([]int32, len(old))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(old[a], old[b]) })
	ascending := make([]uint32, len(old))
	to := make([]uint32, len(old))
	for i, k := range order {
		ascending[i], to[i] = old[k], nowhere
	}
	each(ascending, copies, oldBase, newBase, func(i int, v uint32) {
		if at := &to[order[i]]; *at == nowhere {
			*at = v
		}
	})
	return slices.DeleteFunc(to, func(v uint32) bool { return v == nowhere })
}

// each calls visit for every old offset that a copy brings somewhere, with its index and the new offset. It gives up
// where copies bring the same ones again and again: only a hostile patch has so many.
func each(old []uint32, copies []remap.Copy, oldBase, newBase uint64, visit func(i int, to uint32)) {
	left := 2*len(old) + 1024
	for _, cp := range copies {
		from := cp.Old - oldBase
		i := sort.Search(len(old), func(i int) bool { return uint64(old[i]) >= from })
		for ; i < len(old) && uint64(old[i])-from < cp.Size && left > 0; i++ {
			left--
			if to := cp.New - newBase + uint64(old[i]) - from; to < 1<<32-1 {
				visit(i, uint32(to))
			}
		}
	}
}

// CodeRelocs codes an ascending list against an expected one, which ascends too. limit bounds the length of what is
// decoded. new is ignored then.
func CodeRelocs(c *entropy.Coder, expected, new []uint32, limit uint64) ([]uint32, error) {
	var removed, added []uint32 // indexes in expected; values
	if c.Encoding() {
		removed, added = compare(expected, new)
	}
	var count, gap, step entropy.Uint
	all := uint64(len(expected))
	removed, err := codeAscending(c, &count, &gap, removed, all, all)
	if err != nil {
		return nil, err
	}
	kept := uint64(len(expected) - len(removed))
	added, err = codeAscending(c, &count, &step, added, max(limit, kept)-kept, 1<<32)
	if err != nil || c.Encoding() {
		return new, err
	}
	return merge(expected, removed, added)
}

// compare returns the indexes of what is in expected only, and what is in list only.
func compare(expected, list []uint32) (removed, added []uint32) {
	i := 0
	for _, v := range list {
		for ; i < len(expected) && expected[i] < v; i++ {
			removed = append(removed, uint32(i))
		}
		if i < len(expected) && expected[i] == v {
			i++
		} else {
			added = append(added, v)
		}
	}
	for ; i < len(expected); i++ {
		removed = append(removed, uint32(i))
	}
	return removed, added
}

// merge is the other way round.
func merge(expected, removed, added []uint32) ([]uint32, error) {
	list := make([]uint32, 0, len(expected)-len(removed)+len(added))
	for i, v := range expected {
		if len(removed) > 0 && removed[0] == uint32(i) {
			removed = removed[1:]
			continue
		}
		for len(added) > 0 && added[0] < v {
			list = append(list, added[0])
			added = added[1:]
		}
		if len(added) > 0 && added[0] == v {
			return nil, fmt.Errorf("%w: a pointer that is there already", ErrLayout)
		}
		list = append(list, v)
	}
	return append(list, added...), nil
}

// codeAscending codes a strictly ascending list of at most limit numbers, all below end, by the gaps between them.
func codeAscending(c *entropy.Coder, count, gap *entropy.Uint, list []uint32, limit, end uint64) ([]uint32, error) {
	n := c.Uint(count, uint64(len(list)))
	if n > limit && !c.Encoding() {
		return nil, fmt.Errorf("%w: %d pointers where %d fit", ErrLayout, n, limit)
	}
	next := uint64(0) // the least that may come
	for i := range n {
		v := uint64(0)
		if c.Encoding() {
			v = uint64(list[i])
		}
		if v = next + c.Uint(gap, v-next); v < next || v >= end {
			return nil, fmt.Errorf("%w: a pointer at %d, where %d is the end", ErrLayout, v, end)
		}
		if !c.Encoding() {
			list = append(list, uint32(v))
		}
		next = v + 1
	}
	return list, c.Err()
}
