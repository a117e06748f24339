package fetch

import "time"

// tuner finds how many requests at once bring the most. It doubles the number while that pays, steps back when it did not, and from then on
// tries one more now and then. Trouble halves the number.
//
//	       goodput grew                      every tenth look: one more
//	growing ----------> twice as many        steady <-----------> trying
//	   |    did not grow / trouble             ^     keep or step back
//	   +---------------------------------------+
type tuner struct {
	max    int // never more
	width  int // requests at once
	before int // width that best was measured with
	best   float64
	state  tuning
	quiet  int // looks since something was tried
	since  time.Time
	bytes  int64 // at since
	settle bool  // the connections of the last change are still warming up
}

type tuning int

const (
	growing tuning = iota
	steady
	trying
)

// pays is how much more goodput a step has to bring: noise is left behind, and servers spared what hardly helps.
const pays = 1.10

func newTuner(start, max int) *tuner { return &tuner{max: max, width: min(start, max)} }

// look takes the bytes that arrived so far. full says whether all requests that are allowed are running.
func (t *tuner) look(now time.Time, bytes int64, period time.Duration, full bool) {
	if t.since.IsZero() || !full {
		t.since, t.bytes = now, bytes // what fewer requests bring says nothing
		return
	}
	spent := now.Sub(t.since)
	if spent < period {
		return
	}
	rate := float64(bytes-t.bytes) / spent.Seconds()
	t.since, t.bytes = now, bytes
	if t.settle {
		t.settle = false
		return
	}
	t.judge(rate)
}

func (t *tuner) judge(rate float64) {
	switch t.state {
	case growing:
		if t.best > 0 && rate < t.best*pays {
			t.to(t.before, steady)
			return
		}
		t.best, t.before = rate, t.width
		if t.width == t.max {
			t.state = steady
			return
		}
		t.to(min(2*t.width, t.max), growing)
	case steady:
		t.best = rate
		if t.quiet++; t.quiet >= 10 && t.width < t.max {
			t.before = t.width
			t.to(t.width+1, trying)
		}
	case trying:
		if rate < t.best*(1+(pays-1)/float64(t.before)) {
			t.to(t.before, steady)
			return
		}
		t.best, t.state, t.quiet = rate, steady, 5
	}
}

func (t *tuner) to(width int, s tuning) {
	t.settle = width > t.width
	t.width, t.state, t.quiet = width, s, 0
}

// trouble is a server that says it is too much, or a connection that was lost.
func (t *tuner) trouble() {
	t.to(max(t.width/2, 1), steady)
	t.quiet = -20
}
