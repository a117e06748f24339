package pcln

// symbols turns the values of a column into small numbers and back.
type symbols struct {
	base    int32 // what values are near to
	counts  bool  // or the column counts upwards, as inline indexes do: then from what would be the next new one down
	highest int32 // so far
}

// of returns the symbol of a value, escape or more when it has none.
func (s *symbols) of(v int32) uint32 {
	if !s.counts {
		return zigzag(v - s.base)
	}
	down := int64(s.highest) + 1 - int64(v)
	switch {
	case v == -1:
		return 1
	case down == 0:
		return 0
	case down > 0 && v >= 0:
		return uint32(min(down+1, nothing-1))
	}
	return nothing - 1
}

// value returns the value of a symbol below escape.
func (s *symbols) value(symbol uint32) int32 {
	switch {
	case !s.counts:
		return s.base + unzigzag(symbol)
	case symbol == 0:
		return s.highest + 1
	case symbol == 1:
		return -1
	}
	return s.highest + 2 - int32(symbol)
}

func zigzag(v int32) uint32 { return uint32(v)<<1 ^ uint32(v>>31) }

func unzigzag(u uint32) int32 { return int32(u>>1) ^ -int32(u&1) }

// cursor walks along a table.
type cursor struct {
	steps []step
	i     int
}

// at moves to the step that holds at pc, which never goes back. It tells whether the value changes there, and how.
func (u *cursor) at(pc uint32) (by uint32, changes bool) {
	for u.i < len(u.steps) && u.steps[u.i].end <= pc {
		u.i++
	}
	if u.i == len(u.steps) {
		return 0, false
	}
	if u.i == 0 {
		return 0, pc == 0
	}
	if u.steps[u.i-1].end != pc {
		return 0, false
	}
	return min(zigzag(u.steps[u.i].value-u.steps[u.i-1].value), 62) + 1, true
}

// value returns the value that holds where the cursor is, absent behind the end.
func (u *cursor) value(absent int32) int32 {
	if u.i < len(u.steps) {
		return u.steps[u.i].value
	}
	return absent
}
