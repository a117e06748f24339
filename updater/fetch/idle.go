package fetch

import (
	"context"
	"fmt"
	"time"
)

// idleBytes is how little counts as nothing.
const idleBytes = 4 << 10

// idle is the patience with a server that sends next to nothing. It runs only while the server has the word.
type idle struct {
	timer *time.Timer
	limit time.Duration
	left  time.Duration // patience that remained when it was stopped
	since time.Time
	bytes int
}

func newIdle(limit time.Duration, cancel context.CancelCauseFunc) *idle {
	i := &idle{limit: limit, left: limit, since: time.Now()}
	i.timer = time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w (less than %d bytes in %s)", ErrStalled, idleBytes, limit)) })
	return i
}

func (i *idle) start() { i.since = time.Now(); i.timer.Reset(i.left) }

func (i *idle) stop() {
	i.timer.Stop()
	i.left -= time.Since(i.since)
}

func (i *idle) alive(n int) {
	if i.bytes += n; i.bytes >= idleBytes {
		i.bytes, i.left, i.since = 0, i.limit, time.Now()
		i.timer.Reset(i.limit)
	}
}
