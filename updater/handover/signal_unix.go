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
//
// A server passes its listening socket to the successor ([Incumbent.Pass]), and loses no connection if it then ends as follows: close its own
// copy of the socket, wait until Serve has returned, so that it knows whatever was accepted, switch keep-alive off, wait until every connection
// has ended. Only then Shutdown, which by itself closes connections whose first request it is just reading.
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
