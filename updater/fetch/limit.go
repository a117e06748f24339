package fetch

import (
	"context"
	"errors"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Limit bounds how fast bytes are taken from the network, over all downloads together.
type Limit struct {
	BytesPerSecond int64 // 0: as fast as it goes
	Burst          int64 // bytes that may come at once after a quiet time; 0: what a quarter of a second brings
	Asked          bool  // it holds for what somebody asked for too
}

func (l Limit) validate() error {
	if l.BytesPerSecond < 0 || l.Burst < 0 {
		return errors.New("a bandwidth limit below zero")
	}
	return nil
}

// brake holds a Limit.
type brake struct{ now atomic.Pointer[limited] }

type limited struct {
	Limit
	tokens *rate.Limiter
	step   int // bytes taken at once, few enough that nobody waits long
}

func (b *brake) set(l Limit) {
	if now := b.now.Load(); now != nil && now.Limit == l {
		return // a new limiter would begin with a new burst
	}
	if l.BytesPerSecond == 0 {
		b.now.Store(&limited{Limit: l})
		return
	}
	const least = 4 << 10
	burst := int64(least)
	if l.Burst > 0 {
		burst = l.Burst
	} else {
		burst = max(burst, l.BytesPerSecond/4)
	}
	burst = min(burst, 1<<30)
	step := min(burst, bufferSize, max(512, l.BytesPerSecond/16))
	b.now.Store(&limited{Limit: l, tokens: rate.NewLimiter(rate.Limit(l.BytesPerSecond), int(burst)), step: int(step)})
}

// holds tells whether downloads of that priority are slowed down.
func (b *brake) holds(p Priority) bool {
	l := b.now.Load()
	return l.tokens != nil && (p == Background || l.Asked)
}

// credit are bytes that one request may read.
type credit struct {
	from *limited
	left int
}

// take waits until the request may read some bytes and returns how many, at most want. What is not used counts next time.
func (b *brake) take(ctx context.Context, p Priority, c *credit, want int) (int, error) {
	l := b.now.Load()
	if !b.holds(p) {
		return want, nil
	}
	if c.from != l {
		*c = credit{from: l}
	}
	if c.left == 0 {
		if err := l.tokens.WaitN(ctx, l.step); err != nil {
			<-ctx.Done() // it also refuses to wait when the time that is left is too short
			return 0, context.Cause(ctx)
		}
		c.left = l.step
	}
	return min(want, c.left), nil
}

func (c *credit) used(n int) {
	if c.from != nil {
		c.left = max(c.left-n, 0)
	}
}
