package fetch

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// source is one server that has the file.
type source struct {
	url, host string
	received  atomic.Int64

	// The rest is guarded by sources.mu.
	tag       string        // recognises its file, "" when it gave nothing to go by
	changes   int           // of tag
	ranged    bool          // it has answered with a part
	whole     bool          // it hands out everything or nothing
	latency   time.Duration // from a request to the first byte of its answer
	failures  int           // without noticeable progress in between
	mark      int64         // received at the last failure
	gained    int64         // the most that was ever there, then
	failedAt  time.Time
	notBefore time.Time
	after     time.Duration // what it asked for itself when notBefore was set
	damage    int           // segments that arrived damaged
	dead      error
}

// name is the address without a password.
func (s *source) name() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return s.host
	}
	return u.Redacted()
}

// fickle is how often a tag may change before it says nothing. A file that was replaced has another tag once; behind some addresses are many
// machines, each with a tag of its own for the same file.
const fickle = 2

// recognise takes the tag of an answer and tells whether it is that of another file than before.
func (s *source) recognise(tag string) (another bool) {
	if s.changes >= fickle {
		return false
	}
	another = s.tag != "" && tag != "" && tag != s.tag
	s.tag = tag
	if another {
		s.changes++
	}
	if s.changes >= fickle {
		s.tag = ""
		return false
	}
	return another
}

// sources are all servers that have the file, the preferred one first.
type sources struct {
	all      []*source
	breakers *breakers
	o        *Options
	mu       sync.Mutex
}

// edit changes a source; f must not call back.
func (s *sources) edit(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// latency is how long the slowest of them takes to answer.
func (s *sources) latency() (longest time.Duration) {
	s.edit(func() {
		for _, c := range s.all {
			longest = max(longest, c.latency)
		}
	})
	return longest
}

// best picks who to ask now. Where a segment arrived damaged before, it is who delivered it damaged least often. Nil: nobody now.
func (s *sources) best(now time.Time, tried map[*source]int) (best *source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if c.dead != nil || tried[c] >= twice || c.notBefore.After(now) || s.breakers.open(c.host) {
			continue
		}
		if best == nil || tried[c] < tried[best] || tried[c] == tried[best] && c.damage < best.damage {
			best = c
		}
	}
	return best
}

// other picks who to ask instead of a slow source: itself, when there is nobody else.
func (s *sources) other(now time.Time, slow *source) *source {
	if o := s.best(now, map[*source]int{slow: 1}); o != nil {
		return o
	}
	return s.best(now, nil)
}

// twice is how often everybody who is left may deliver a segment damaged.
const twice = 2

// spent tells whether nobody is left to ask for a segment.
func (s *sources) spent(tried map[*source]int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if c.dead == nil && tried[c] < twice {
			return false
		}
	}
	return true
}

// outlook says when somebody can be asked again, or why that is not worth waiting for.
func (s *sources) outlook(now time.Time) (next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var soonest *source
	var broken bool
	for _, c := range s.all {
		switch {
		case c.dead != nil:
		case s.breakers.open(c.host):
			broken = true
		case soonest == nil || c.notBefore.Before(soonest.notBefore):
			soonest = c
		}
	}
	switch {
	case soonest == nil && broken:
		return time.Time{}, ErrBreaker
	case soonest == nil:
		return time.Time{}, s.why()
	case soonest.notBefore.Sub(now) > s.o.MaxWait:
		return time.Time{}, &BusyError{After: soonest.after}
	}
	return soonest.notBefore, nil
}

// why is what stopped the preferred source.
func (s *sources) why() error {
	for _, c := range s.all {
		if c.dead != nil {
			return c.dead
		}
	}
	return ErrUnreachable
}

// fail notes what stopped a request that began then. most is the most that was ever there of the file: what is fetched again and again is no
// progress. Several that were cut off together are one failure: counted is false for the others.
func (s *sources) fail(c *source, began, now time.Time, most int64, err error) (counted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var again *retry
	if !errors.As(err, &again) {
		c.dead = err
		return true
	}
	if again.after > 0 {
		c.after = again.after
		c.notBefore = now.Add(again.after)
	}
	if !began.After(c.failedAt) {
		return false
	}
	received := c.received.Load()
	if c.failures++; received-c.mark >= noticeable && most-c.gained >= noticeable {
		c.failures = 1
	}
	c.mark, c.gained, c.failedAt = received, most, now
	if c.failures >= s.o.Attempts {
		c.dead = again.err
		return true
	}
	if pause := now.Add(s.o.pause(c.failures)); pause.After(c.notBefore) {
		c.notBefore = pause
	}
	return true
}

// noticeable is the progress that makes a try count as a success for the number of tries left.
const noticeable = 256 << 10

// pause is how long to wait after so many failures.
func (o *Options) pause(failures int) time.Duration {
	pause := o.MaxWait
	if shift := failures - 1; shift < 20 {
		pause = min(pause, o.Backoff<<shift)
	}
	// A crowd that lost the server at once must not come back at once.
	return pause/2 + rand.N(pause/2+1)
}
