package match

import (
	"context"
	"slices"
)

// cost is in sixteenths of a bit.
type cost int64

const bit cost = 16

// What things cost in a patch, by and large.
const (
	residual    = 10 * bit // a first byte that differs in what is taken from the old file
	residualOn  = 7 * bit  // one more behind it
	refWrong    = 22 * bit // a reference that points elsewhere
	refGone     = 32 * bit // a reference in the old file where there is none in the new one
	step        = 10 * bit // an operation
	stepLiteral = 6 * bit  // one that brings bytes
	again       = 3 * bit  // a seek back to a diagonal used lately
	home        = 4 * bit  // a seek to the function's own counterpart
	jump        = 8 * bit  // another seek, and as much for each bit of the distance from there or from the diagonal before
	far         = 26 * bit // at most
	patience    = 48 * bit // how much worse than the best a track may be and still be followed
	hopeless    = 1 << 60
)

const (
	maxTracks = 16
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
	refill int    // from here on the vicinity may be listed anew
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
