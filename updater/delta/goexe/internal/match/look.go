package match

import "math/bits"

// look begins new tracks at the current place.
func (s *search) look() {
	pr := s.pair()
	if pr != nil && s.at == pr.start && pr.oldEnd > pr.oldStart {
		s.begin(pr.oldStart-s.at, pr)
	}
	s.lookNear(pr)
	s.lookRecent(pr)
	if s.at+window > len(s.new.bytes) {
		return
	}
	k := 0
	for e := s.index.heads[s.index.hash(s.new.bytes[s.at:])]; e != 0 && k < s.index.chain; e = s.index.next[e-1] {
		s.try(int(e-1)*s.index.stride-s.at, window, pr)
		k++
	}
}

// lookNear tries the counterpart of the current function, or what lies around the old place that the path is at.
func (s *search) lookNear(pr *pair) {
	if s.at+shortest > len(s.new.bytes) || !s.index.near {
		return
	}
	v, least, chain := &s.near, shortest, 16
	if pr != nil && pr.oldEnd > pr.oldStart {
		v.fill(s.old.bytes, pr.oldStart, pr.oldEnd)
	} else if d, ok := s.last(s.best().node); ok {
		block := (s.at + d) / around * around
		if start := max(block-around, 0); v.start != start && s.at < s.refill {
			return // a path that flips between two places must not list them anew every time
		}
		s.refill = s.at + around/8
		v.fill(s.old.bytes, max(block-around, 0), min(block+2*around, len(s.old.bytes)))
		least, chain = window, 4 // the index has only some of these places
	} else {
		return
	}
	if len(v.next) == 0 {
		return
	}
	k := 0
	for e := v.heads[v.hash(s.new.bytes[s.at:])]; e != 0 && k < chain; e = v.next[e-1] {
		s.try(v.start+int(e-1)-s.at, least, pr)
		k++
	}
}

// last returns the diagonal that the path to node n used last.
func (s *search) last(n int32) (diagonal int, ok bool) {
	s.lately(n, func(d int) bool {
		diagonal, ok = d, true
		return false
	})
	return diagonal, ok
}

// lookRecent tries the diagonals that the best path used lately.
func (s *search) lookRecent(pr *pair) {
	s.lately(s.best().node, func(d int) bool {
		s.try(d, shortest, pr)
		return true
	})
}

const recent = 6 // pieces of a path that count as used lately

// lately tells the diagonals of the path to node n, the last one first, as long as yield says so.
func (s *search) lately(n int32, yield func(diagonal int) bool) {
	k := 0
	for ; k < recent && n > 0; k++ {
		if d := s.nodes[n].diagonal; d != brought && !yield(d) {
			return
		}
		n = s.nodes[n].prev
	}
	for i := len(s.pieces) - 1; k < recent && i >= 0; i-- {
		if d := s.pieces[i].diagonal; d != brought && !yield(d) {
			return
		}
		k++
	}
}

// try begins a track along diagonal d if at least that many bytes are equal on it.
func (s *search) try(d, least int, pr *pair) {
	p := s.at + d
	if p < 0 || p+least > len(s.old.bytes) || s.at+least > len(s.new.bytes) || s.followed(d) {
		return
	}
	if equal(s.old.bytes[p:p+least], s.new.bytes[s.at:s.at+least]) == least {
		s.begin(d, pr)
	}
}

func (s *search) followed(d int) bool {
	for i := range s.tracks {
		if s.tracks[i].diagonal == d {
			return true
		}
	}
	return false
}

// begin starts a track along diagonal d, as far back as the two texts are equal, if it can be any good.
func (s *search) begin(d int, pr *pair) {
	if p := s.at + d; p < 0 || p >= len(s.old.bytes) || s.followed(d) {
		return
	}
	from := s.at
	for low := max(s.at-history+1, s.nodes[0].start, -d); from > low && s.new.bytes[from-1] == s.old.bytes[from-1+d]; {
		from--
	}
	for from < s.at && (s.new.in(from) || s.old.in(from+d)) {
		from++
	}
	if s.old.in(from + d) {
		return
	}
	m := s.past[from%history]
	t := track{int32(len(s.nodes)), d, m.cost + s.seek(m.node, d, pr), false}
	if t.cost > s.best().cost+patience || !s.admit(t) {
		return
	}
	s.nodes = append(s.nodes, node{from, d, m.node})
	if t.cost < s.best().cost {
		*s.best() = mark{t.cost, t.node}
	}
}

// admit adds a track, if need be in the place of a worse one.
func (s *search) admit(t track) bool {
	if len(s.tracks) < maxTracks {
		s.tracks = append(s.tracks, t)
		return true
	}
	worst := 0
	for i := range s.tracks {
		if s.tracks[i].cost > s.tracks[worst].cost {
			worst = i
		}
	}
	if s.tracks[worst].cost <= t.cost {
		return false
	}
	s.tracks[worst] = t
	return true
}

// seek returns what it costs to go on along diagonal d behind node n.
func (s *search) seek(n int32, d int, pr *pair) cost {
	near, ok := 0, false
	if pr != nil && pr.oldEnd > pr.oldStart {
		near, ok = pr.oldStart-pr.start, true
		if d == near {
			return step + home
		}
	}
	c := far
	k := 0
	s.lately(n, func(used int) bool {
		if !ok {
			near, ok = used, true
		}
		k++
		if used == d {
			c = again + cost(k)*bit/2
		}
		return used != d
	})
	if away := d - near; ok {
		c = min(c, jump+cost(bits.Len(uint(max(away, -away))))*bit)
	}
	return step + c
}
