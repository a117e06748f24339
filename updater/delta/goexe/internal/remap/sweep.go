package remap

// sweep turns copies, which may overlap, into entries, which do not: where several copies took the same old bytes, the
// longest speaks for them, and of equally long ones the one made first.
type sweep struct {
	copies  []Copy
	lo      uint64
	entries []entry
	active  []uint32 // a heap of copies that have begun, the one that speaks first
	first   int      // the first entry of the section that is being swept
}

// section adds the entries for the old addresses start up to end. The order lists copies by ascending Old; section
// returns those that begin behind end.
func (w *sweep) section(order []uint32, start, end uint64) []uint32 {
	w.active, w.first = w.active[:0], len(w.entries)
	at := start
	for len(order) > 0 && w.copies[order[0]].Old < end {
		i := order[0]
		order = order[1:]
		c := &w.copies[i]
		if c.Old < start || c.Size == 0 || c.New-c.Old-nowhere <= 1 {
			continue
		}
		w.emit(at, c.Old)
		at = c.Old
		w.push(i)
	}
	w.emit(at, end)
	return order
}

// end returns where a copy ends; never behind the address space.
func (w *sweep) end(i uint32) uint64 {
	c := &w.copies[i]
	return c.Old + min(c.Size, forever-c.Old)
}

// emit adds entries for at up to end from the copies that are active there.
func (w *sweep) emit(at, end uint64) {
	for at < end && len(w.active) > 0 {
		top := w.active[0]
		stop := min(w.end(top), end)
		if stop <= at {
			w.pop()
			continue
		}
		shift := w.copies[top].New - w.copies[top].Old
		e := entry{uint32(at - w.lo), uint32(stop - w.lo), shift}
		if n := len(w.entries); n > w.first && w.entries[n-1].shift == shift {
			w.entries[n-1].end = e.end
		} else if n == w.first && n > 0 && w.entries[n-1].start == e.start {
			w.entries[n-1] = e // the section's beginning was copied
			w.first--
		} else {
			w.entries = append(w.entries, e)
		}
		at = stop
	}
}

// before tells which of two copies speaks.
func (w *sweep) before(a, b uint32) bool {
	x, y := w.copies[a].Size, w.copies[b].Size
	return x > y || x == y && a < b
}

func (w *sweep) push(i uint32) {
	h := append(w.active, i)
	for n := len(h) - 1; n > 0; {
		up := (n - 1) / 2
		if !w.before(h[n], h[up]) {
			break
		}
		h[n], h[up] = h[up], h[n]
		n = up
	}
	w.active = h
}

func (w *sweep) pop() {
	h := w.active
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	for n := 0; ; {
		c := 2*n + 1
		if c >= last {
			break
		}
		if c+1 < last && w.before(h[c+1], h[c]) {
			c++
		}
		if !w.before(h[c], h[n]) {
			break
		}
		h[c], h[n] = h[n], h[c]
		n = c
	}
	w.active = h
}
