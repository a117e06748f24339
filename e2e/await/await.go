// Package await waits for what can be observed, with a deadline that says what did not happen.
package await

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// interval is how often a condition is looked at. What is waited for takes at least a frame.
const interval = 20 * time.Millisecond

// ErrNever is in the error of a condition that will not hold any more, however long one waits.
var ErrNever = errors.New("that will not happen any more")

// Until looks at a condition until it holds, or says [ErrNever]. The condition's error is what it saw
// instead; the last one is part of the error when the time is up.
func Until(ctx context.Context, limit time.Duration, what string, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		seen := condition()
		if seen == nil {
			return nil
		}
		if errors.Is(seen, ErrNever) {
			return fmt.Errorf("waited for %s: %w", what, seen)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", limit, what, seen)
		case <-tick.C:
		}
	}
}
