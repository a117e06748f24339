package fetch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// breakers hold one circuit breaker for each host, for all downloads. A host that keeps failing is left alone for a while: then one request
// finds out whether it is back.
type breakers struct {
	after  uint32
	rest   time.Duration
	mu     sync.Mutex
	byHost map[string]*gobreaker.TwoStepCircuitBreaker[any]
}

// manyHosts are more than a feed and its mirrors ever have.
const manyHosts = 256

var errNoVerdict = errors.New("says nothing about the host")

func (b *breakers) of(host string) *gobreaker.TwoStepCircuitBreaker[any] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known, ok := b.byHost[host]; ok {
		return known
	}
	if b.byHost == nil || len(b.byHost) >= manyHosts {
		b.byHost = map[string]*gobreaker.TwoStepCircuitBreaker[any]{}
	}
	made := gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:        host,
		Timeout:     b.rest,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= b.after },
		IsExcluded: func(err error) bool {
			return errors.Is(err, errNoVerdict) || errors.Is(err, context.Canceled)
		},
	})
	b.byHost[host] = made
	return made
}

// open tells whether the host is being left alone.
func (b *breakers) open(host string) bool { return b.of(host).State() == gobreaker.StateOpen }

// allow asks for one request; done is told how it went.
func (b *breakers) allow(host string) (done func(error), err error) {
	done, err = b.of(host).Allow()
	if err != nil {
		return nil, ErrBreaker
	}
	return done, nil
}
