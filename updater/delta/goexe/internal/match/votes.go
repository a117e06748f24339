package match

import "sort"

// A ballot counts the bytes of one new function by the old functions that they were taken from.
type ballot struct {
	function int
	votes    []votes
}

type votes struct {
	function int32
	bytes    int
}

// elect finds counterparts for new functions that have none, by what operations took: the old function that most of a new
// one came from, if that is nearly all of it. Pairs by name stand: among functions that look alike, names know better.
func elect(old, new *file, ops []Op, align []int32) {
	from, to := old.extents(), new.extents()
	if len(to) == 0 {
		return
	}
	b := ballot{}
	p, q := 0, 0
	for _, o := range ops {
		for end := q + int(o.Add); q < end; {
			i := sort.Search(len(to), func(i int) bool { return to[i].end > q })
			if i == len(to) || to[i].start >= end {
				p, q = p+end-q, end
				break
			}
			if skip := to[i].start - q; skip > 0 {
				p, q = p+skip, q+skip
			}
			if i != b.function {
				b.close(to, align)
				b.function = i
			}
			n := min(end, to[i].end) - q
			b.count(from, p, n)
			p, q = p+n, q+n
		}
		q += int(o.Copy)
		p += int(o.Seek)
	}
	b.close(to, align)
}

// count adds the votes of n old bytes from p on.
func (b *ballot) count(from []extent, p, n int) {
	for k := sort.Search(len(from), func(k int) bool { return from[k].end > p }); k < len(from) && from[k].start < p+n; k++ {
		b.add(int32(k), min(from[k].end, p+n)-max(from[k].start, p))
	}
}

func (b *ballot) add(function int32, bytes int) {
	for i := range b.votes {
		if b.votes[i].function == function {
			b.votes[i].bytes += bytes
			return
		}
	}
	b.votes = append(b.votes, votes{function, bytes})
}

// close settles one function's counterpart.
func (b *ballot) close(to []extent, align []int32) {
	var best votes
	for _, v := range b.votes {
		if v.bytes > best.bytes {
			best = v
		}
	}
	b.votes = b.votes[:0]
	if size := to[b.function].end - to[b.function].start; 4*best.bytes > 3*size && align[b.function] < 0 {
		align[b.function] = best.function
	}
}

// extent is where in a text a function is.
type extent struct{ start, end int }

// extents tells it for all functions of f.
func (f *file) extents() []extent {
	list := make([]extent, len(f.functions))
	last := 0
	for i := range list {
		fn := &f.functions[i]
		if off, ok := f.image.Offset(fn.start); ok {
			last = f.place(off)
		}
		list[i] = extent{last, last + int(fn.end-fn.start)}
	}
	return list
}
