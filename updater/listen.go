package updater

import (
	"context"
	"errors"

	"github.com/tesseract-desktop/tesseract/updater/feed"
)

// listen has the feed's server say when something is new, for as long as updates are automatic. A server without such a stream is found out
// once; checks find everything without it, later.
func (e *Engine) listen(ctx context.Context, client *feed.Client) {
	automatic := func() bool { return e.opts.Settings().Automatic != None }
	for ctx.Err() == nil && e.until(ctx, automatic) {
		listening, stop := context.WithCancel(ctx)
		go func() {
			e.until(listening, func() bool { return !automatic() })
			stop()
		}()
		err := client.Watch(listening, func() { e.alter(func() { e.pushed = true }) })
		stop()
		if errors.Is(err, feed.ErrNoStream) {
			return
		}
	}
}

// until returns true once the condition holds, and false when the context ends. The condition is looked at whenever something is altered.
func (e *Engine) until(ctx context.Context, condition func() bool) bool {
	for {
		e.mu.Lock()
		changed := e.changed
		e.mu.Unlock()
		if condition() {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
