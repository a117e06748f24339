package check

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Whatever the system says of the folder, it is looked at, and not without pause.
func TestAwaitChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes, trouble, ticks := make(chan fsnotify.Event), make(chan error), make(chan time.Time)
		ctx, cancel := context.WithCancel(t.Context())
		looks := make(chan bool)
		go func() {
			for ok := true; ok; {
				ok = awaitChange(ctx, slog.New(slog.DiscardHandler), changes, trouble, ticks)
				looks <- ok
			}
		}()
		for name, say := range map[string]func(){
			"a timestamp": func() { changes <- fsnotify.Event{Name: "metadata/timestamp.json"} },
			"a root":      func() { changes <- fsnotify.Event{Name: "metadata/7.root.json"} },
			"time":        func() { ticks <- time.Now() },
			"trouble":     func() { trouble <- fsnotify.ErrEventOverflow },
		} {
			changes <- fsnotify.Event{Name: "metadata/7.snapshot.json"} // on its own no reason
			began := time.Now()
			say()
			if !<-looks {
				t.Errorf("%s: gave up", name)
			}
			if took, least := time.Since(began), map[string]time.Duration{"trouble": time.Second}[name]; took != least {
				t.Errorf("%s: looked after %v", name, took)
			}
		}
		close(changes)
		close(trouble)
		synctest.Wait()
		cancel()
		if <-looks {
			t.Error("looked although it is over")
		}
	})
}
