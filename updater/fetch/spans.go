package fetch

import "slices"

// A span is the bytes from <= n < to of the file.
type span struct{ from, to int64 }

func (s span) size() int64 { return s.to - s.from }

// spans are parts of the file: in order, none empty, and with a gap between any two.
type spans []span

// add puts s into the set.
func (set *spans) add(s span) {
	if s.size() <= 0 {
		return
	}
	// All that s overlaps or touches becomes one with it.
	first, _ := slices.BinarySearchFunc(*set, s.from, func(e span, from int64) int { return compare(e.to, from) })
	last := first
	for last < len(*set) && (*set)[last].from <= s.to {
		s.from, s.to = min(s.from, (*set)[last].from), max(s.to, (*set)[last].to)
		last++
	}
	*set = slices.Replace(*set, first, last, s)
}

// cut takes s out of the set.
func (set *spans) cut(s span) {
	if s.size() <= 0 {
		return
	}
	var kept spans
	for _, e := range *set {
		if left := (span{e.from, min(e.to, s.from)}); left.size() > 0 {
			kept = append(kept, left)
		}
		if right := (span{max(e.from, s.to), e.to}); right.size() > 0 {
			kept = append(kept, right)
		}
	}
	*set = kept
}

// at returns the span of the set that holds byte n, an empty one when none does.
func (set spans) at(n int64) span {
	i, _ := slices.BinarySearchFunc(set, n, func(e span, n int64) int { return compare(e.to, n+1) })
	if i < len(set) && set[i].from <= n {
		return set[i]
	}
	return span{}
}

// has tells whether all of s is in the set.
func (set spans) has(s span) bool { return s.size() <= 0 || set.at(s.from).to >= s.to }

// gap returns the first bytes at or after from, and before end, that are not in the set; empty when there are none.
func (set spans) gap(from, end int64) span {
	for _, e := range set {
		switch {
		case e.to <= from:
		case e.from > from:
			return span{from, min(e.from, end)}
		default:
			from = e.to
		}
	}
	return span{from, max(from, end)}
}

func (set spans) size() (n int64) {
	for _, e := range set {
		n += e.size()
	}
	return n
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
