package fetch

import (
	"slices"
	"sync"
	"time"
)

// blockSize is what a file is divided in where its segments have no hashes.
const blockSize = 1 << 20

// A lease is a part of the file that one request brings.
type lease struct {
	pos, end int64
	hand     int64 // what comes before this is being written
	source   *source
	alone    bool // a damaged segment that is fetched again

	asked   time.Time // when its request was made; zero: it waits for a slot
	first   time.Time // when the first bytes came
	last    time.Time // when the last did
	brought int64
	writing bool // what it brought is being written and proven: it is this machine that is waited for
}

// left is how much may be taken away.
func (e *lease) left() int64 { return e.end - max(e.pos, e.hand) }

// rate is how many bytes a second it brings, from the first on; false while that cannot be said.
func (e *lease) rate(now time.Time) (float64, bool) {
	spent := now.Sub(e.first)
	return float64(e.brought) / spent.Seconds(), !e.first.IsZero() && spent > tick
}

// silent is for how long it has brought nothing.
func (e *lease) silent(now time.Time) time.Duration {
	switch {
	case e.asked.IsZero() || e.writing:
		return 0
	case e.last.IsZero():
		return now.Sub(e.asked)
	}
	return now.Sub(e.last)
}

// ledger knows what of the file is there, what is proven, and who fetches the rest. Any goroutine may use it.
type ledger struct {
	length, block int64

	mu     sync.Mutex
	have   spans // proven or not
	peak   int64 // the most that have ever was
	proven spans
	leases []*lease
	bad    map[int64]map[*source]int // how often a segment arrived damaged, by its number
}

func newLedger(length, block int64) *ledger {
	return &ledger{length: length, block: block, bad: map[int64]map[*source]int{}}
}

func (l *ledger) done() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.have.size()
}

// most is the most that was ever there.
func (l *ledger) most() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peak
}

func (l *ledger) there() spans {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.have)
}

// blockAt is the block that byte n belongs to.
func (l *ledger) blockAt(n int64) span {
	from := n - n%l.block
	return span{from, min(from+l.block, l.length)}
}

// taken are the bytes that are there or on their way.
func (l *ledger) taken() spans {
	set := slices.Clone(l.have)
	for _, e := range l.leases {
		set.add(span{e.pos, e.end})
	}
	return set
}

// lend gives out the first part that nobody fetches; nil when there is none. size says how long it may be, given what is left.
// A segment that arrived damaged comes alone, from the source that choose picks for it.
func (l *ledger) lend(size func(left int64) int64, choose func(block int64, tried map[*source]int) *source) *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.taken()
	for from := int64(0); ; {
		gap := taken.gap(from, l.length)
		if gap.size() <= 0 {
			return nil
		}
		block := l.blockAt(gap.from)
		tried := l.bad[block.from/l.block]
		source := choose(block.from/l.block, tried)
		if source == nil { // nobody can bring it now; perhaps something behind it
			from = block.to
			continue
		}
		e := &lease{pos: gap.from, source: source, alone: len(tried) > 0}
		if e.end = block.to; !e.alone {
			e.end = l.blockAt(gap.from + max(size(l.length-taken.size()), 1) - 1).to
		}
		e.end = min(e.end, gap.to)
		l.leases = append(l.leases, e)
		return e
	}
}

// split takes away from a slow request the end of what it has to bring, for a request to another source. choose picks how much, and of which
// request; nil: of none.
func (l *ledger) split(choose func([]*lease) (victim *lease, take int64), to func(from *source) *source) *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	victim, take := choose(l.leases)
	if victim == nil {
		return nil
	}
	source := to(victim.source)
	if source == nil {
		return nil
	}
	e := &lease{pos: victim.end - take, end: victim.end, source: source}
	victim.end = e.pos
	l.leases = append(l.leases, e)
	return e
}

// asks notes that the lease's request is made.
func (l *ledger) asks(e *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.asked = time.Now()
}

// writes notes that what the lease brought begins, or ends, to be written and proven.
func (l *ledger) writes(e *lease, begins bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.writing = begins; !begins {
		e.last = time.Now() // the server has had no turn since it came
	}
}

// wrote notes bytes that are on disk now and moves the lease behind them.
func (l *ledger) wrote(e *lease, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have.add(span{e.pos, e.pos + int64(n)})
	l.peak = max(l.peak, l.have.size())
	e.pos += int64(n)
	e.last = time.Now()
	if e.first.IsZero() {
		e.first = e.last // what came with the first bytes came before
		return
	}
	e.brought += int64(n)
}

func (l *ledger) giveBack(e *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leases = slices.DeleteFunc(l.leases, func(o *lease) bool { return o == e })
}

// write returns where up to n bytes of the lease may be written, and makes sure that nobody else is given that part meanwhile.
func (l *ledger) write(e *lease, n int) span {
	next := l.open(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	next.to = min(next.to, next.from+int64(n), e.end)
	e.hand = next.to
	return next
}

// open returns what the lease still has to bring without a break, and first moves it over what is proven. Empty: nothing.
func (l *ledger) open(e *lease) span {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.pos = min(max(e.pos, l.proven.at(e.pos).to), e.end)
	next := span{e.pos, e.end}
	for _, p := range l.proven {
		if p.from > e.pos {
			next.to = min(next.to, p.from)
			break
		}
	}
	return next
}

// wholeBlock tells whether all of the block is there and not proven yet.
func (l *ledger) wholeBlock(block span) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.have.has(block) && !l.proven.has(block)
}

func (l *ledger) prove(block span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have.add(block)
	l.proven.add(block)
	delete(l.bad, block.from/l.block)
}

// damaged takes a block out that is not what it should be.
func (l *ledger) damaged(block span, from *source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have.cut(block)
	if from == nil {
		return // it was damaged on disk
	}
	n := block.from / l.block
	if l.bad[n] == nil {
		l.bad[n] = map[*source]int{}
	}
	l.bad[n][from]++
}

// forget takes out what is there and not proven.
func (l *ledger) forget(s span) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.have.cut(s)
	for _, p := range l.proven {
		l.have.add(p)
	}
}

// claim makes e the only lease, on all of the file, in place of those that are there.
func (l *ledger) claim(e *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.pos, e.end = 0, l.length
	l.leases = []*lease{e}
}
