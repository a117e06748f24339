package match

import (
	"context"
	"math/bits"
	"slices"
)

// cost is in sixteenths of a bit.
type cost int64

const bit cost = 16

// What things cost in a patch, by and large.
const (
	literalCode = 11 * bit / 4 // a byte that the patch brings
	literalType = 15 * bit / 8
	literalFunc = 3 * bit / 2
	literalWord = 2 * bit
	literalText = 2 * bit
	residual    = 10 * bit // a first byte that differs in what is taken from the old file
	residualOn  = 7 * bit  // one more behind it
	refWrong    = 22 * bit // a reference that points elsewhere
	refGone     = 32 * bit // a reference in the old file where there is none in the new one
	step        = 10 * bit // an operation
	stepLiteral = 6 * bit  // one that brings bytes
	again       = 3 * bit  // a seek back to a diagonal used lately
	home        = 4 * bit  // a seek to the function's own counterpart
	within      = 12 * bit // a seek into the counterpart
	far         = 26 * bit // any other
	patience    = 48 * bit // how much worse than the best a track may be and still be followed
	hopeless    = 1 << 60
)

const (
	maxTracks = 12
	history   = 64      // places behind the current one at which a track may still begin
	maxNodes  = 1 << 18 // undecided pieces
	quick     = 32      // equal bytes on the best track behind which all others are forgotten
	calm      = 12      // equal bytes on the best track during which no other is looked for
)

// A node is the beginning of a piece of the path: from here on the new text is taken from the old one along a diagonal,
// which is old place less new place, or brought by the patch.
type node struct {
	start    int
	diagonal int
	prev     int32
}

const brought = -1 << 62

// A track is a piece that may be part of the best path, as far as it has been followed.
type track struct {
	node     int32
	diagonal int
	cost     cost
	differs  bool // in the byte before
}

// piece is a decided part of the path, up to where the next one starts.
type piece struct{ start, diagonal int }

// mark is what was the best at a place of the new text.
type mark struct {
	cost cost
	node int32
}

// search finds a path through the new text that costs little: the cheapest one of those whose pieces it comes across.
type search struct {
	old, new *text
	index    *index
	pairs    []pair
	prices   []price
	near     vicinity

	at     int
	sure   int    // up to here the best track is equal: no other is looked for
	nodes  []node // the first one is decided, the others are not
	tracks []track
	lit    track
	past   [history]mark
	pieces []piece // decided, the last one as nodes[0]
}

func (s *search) run(ctx context.Context) ([]piece, error) {
	s.nodes = []node{{0, brought, -1}}
	s.pieces = []piece{{0, brought}}
	s.lit = track{diagonal: brought}
	for round := 0; s.at < len(s.new.bytes); round++ {
		if round&0xffff == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
		if !s.leap() {
			if s.at >= s.sure {
				s.look()
			}
			s.advance()
		}
		s.settle()
	}
	s.decide(s.best().node)
	return s.pieces, nil
}

// best returns what is best at the current place.
func (s *search) best() *mark { return &s.past[s.at%history] }

// leap goes along the best track as long as it is equal, if that is far enough to forget all others.
func (s *search) leap() bool {
	m := *s.best()
	d := s.nodes[m.node].diagonal
	if d == brought {
		return false
	}
	n := s.common(s.at, d)
	if n >= calm {
		s.sure = s.at + n
	}
	if n < quick {
		return false
	}
	for i := max(1, n-history+1); i <= n; i++ {
		s.past[(s.at+i)%history] = m
	}
	s.at += n
	s.lit.cost = hopeless
	s.tracks = append(s.tracks[:0], track{m.node, d, m.cost, false})
	return true
}

// common returns how many bytes are equal from a new place on along a diagonal, in whole units.
func (s *search) common(at, d int) int {
	p := at + d
	if p < 0 || p >= len(s.old.bytes) || s.old.in(p) {
		return 0
	}
	n := equal(s.old.bytes[p:], s.new.bytes[at:])
	for n > 0 && (p+n < len(s.old.bytes) && s.old.in(p+n) || at+n < len(s.new.bytes) && s.new.in(at+n)) {
		n--
	}
	return n
}

// look begins new tracks at the current place.
func (s *search) look() {
	pr := s.pair()
	if pr != nil && pr.oldEnd > pr.oldStart {
		if s.at == pr.start {
			s.begin(pr.oldStart-s.at, pr)
		}
		s.lookNear(pr)
	}
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

// lookNear tries the counterpart of the current function.
func (s *search) lookNear(pr *pair) {
	if s.at+shortest > pr.end {
		return
	}
	v := &s.near
	v.fill(s.old.bytes, pr.oldStart, pr.oldEnd)
	if len(v.next) == 0 {
		return
	}
	k := 0
	for e := v.heads[v.hash(s.new.bytes[s.at:])]; e != 0 && k < 16; e = v.next[e-1] {
		s.try(pr.oldStart+int(e-1)-s.at, shortest, pr)
		k++
	}
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
	t := track{int32(len(s.nodes)), d, m.cost + s.seek(m.node, d, from, pr), false}
	if t.cost > s.best().cost+patience || !s.follow2(t) {
		return
	}
	s.nodes = append(s.nodes, node{from, d, m.node})
	if t.cost < s.best().cost {
		*s.best() = mark{t.cost, t.node}
	}
}

// follow2 adds a track, if need be in the place of a worse one.
func (s *search) follow2(t track) bool {
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
func (s *search) seek(n int32, d, from int, pr *pair) cost {
	c := step + far
	if pr != nil && pr.oldEnd > pr.oldStart {
		away := d - (pr.oldStart - pr.start)
		if p := from + d; away == 0 {
			return step + home
		} else if p >= pr.oldStart && p < pr.oldEnd {
			c = step + min(within, 4*bit+cost(bits.Len(uint(max(away, -away))))*bit)
		}
	}
	s.lately(n, func(used int) bool {
		if used == d {
			c = step + again
		}
		return used != d
	})
	return c
}

// advance follows all tracks over the next unit.
func (s *search) advance() {
	at, was := s.at, *s.best()
	n := s.new.unit(at)
	if open := was.cost + stepLiteral; s.nodes[was.node].diagonal != brought && open < s.lit.cost {
		s.nodes = append(s.nodes, node{at, brought, was.node})
		s.lit = track{int32(len(s.nodes) - 1), brought, open, false}
	}
	s.lit.cost += s.literal() * cost(n)
	best := mark{s.lit.cost, s.lit.node}
	keep := s.tracks[:0]
	for _, t := range s.tracks {
		if !s.follow(&t, at, n) {
			continue
		}
		keep = append(keep, t)
		if t.cost < best.cost {
			best = mark{t.cost, t.node}
		}
	}
	s.tracks = keep
	for i := 1; i < n; i++ {
		s.past[(at+i)%history] = mark{hopeless, 0}
	}
	s.at += n
	*s.best() = best
}

// follow adds what n bytes at new place at cost along a track. It fails where the old text ends.
func (s *search) follow(t *track, at, n int) bool {
	p := at + t.diagonal
	if p < 0 || p+n > len(s.old.bytes) {
		return false
	}
	if n > 1 && !s.old.in(p) && s.old.unit(p) == n {
		t.differs = false
		if equal(s.old.bytes[p:p+n], s.new.bytes[at:at+n]) < n {
			t.cost += refWrong
		}
		return true
	}
	for i := range n {
		switch {
		case s.old.in(p + i): // its first byte has paid for it
		case s.old.unit(p+i) > 1:
			t.cost += refGone
		case s.old.bytes[p+i] == s.new.bytes[at+i]:
			t.differs = false
		case t.differs:
			t.cost += residualOn
		default:
			t.cost += residual
			t.differs = true
		}
	}
	return true
}

// settle drops what cannot become the best any more, and decides when there is nothing left to be decided.
func (s *search) settle() {
	best := *s.best()
	keep := s.tracks[:0]
	for _, t := range s.tracks {
		if t.cost <= best.cost+patience && len(s.nodes) < maxNodes || t.node == best.node {
			keep = append(keep, t)
		}
	}
	s.tracks = keep
	switch {
	case len(keep) == 0:
		s.decide(best.node)
		s.lit.node = 0
	case len(keep) == 1 && keep[0].node == best.node && (s.lit.cost > best.cost+patience || len(s.nodes) >= maxNodes):
		s.decide(best.node)
		s.tracks[0].node = 0
		s.lit.cost = hopeless
	}
}

// decide fixes the path that leads to node n, which becomes the first node.
func (s *search) decide(n int32) {
	if len(s.nodes) == 1 {
		return
	}
	from := len(s.pieces)
	for k := n; k > 0; k = s.nodes[k].prev {
		s.pieces = append(s.pieces, piece{s.nodes[k].start, s.nodes[k].diagonal})
	}
	slices.Reverse(s.pieces[from:])
	s.nodes[0] = s.nodes[n]
	s.nodes = s.nodes[:1]
	for i := range s.past {
		s.past[i].node = 0
	}
}

// pair returns the function that the current place is in, or nil.
func (s *search) pair() *pair {
	for len(s.pairs) > 1 && s.pairs[1].start <= s.at {
		s.pairs = s.pairs[1:]
	}
	if len(s.pairs) == 0 || s.at < s.pairs[0].start || s.at >= s.pairs[0].end {
		return nil
	}
	return &s.pairs[0]
}

// literal returns what a byte that the patch brings costs here.
func (s *search) literal() cost {
	for len(s.prices) > 1 && s.prices[0].end <= s.at {
		s.prices = s.prices[1:]
	}
	return s.prices[0].literal
}
