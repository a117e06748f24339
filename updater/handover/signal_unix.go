//go:build unix

package handover

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// OnSignal calls restart whenever this process gets SIGUSR2, which is how people and service managers ask a program without a window to
// replace itself, until ctx is done. Signals that come while restart runs count as one. On Windows it does nothing: there is no such signal.
func OnSignal(ctx context.Context, restart func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR2)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-signals:
				restart()
			case <-ctx.Done():
				return
			}
		}
	}()
}
