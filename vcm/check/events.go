package check

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	heartbeat = 25 * time.Second
	poll      = 30 * time.Second // where the system does not tell of changes
	// calm is how long trouble is waited out before the folder is looked at: it may last.
	calm = time.Second
	// patience is how long a client may take to receive an event.
	patience = 10 * time.Second
	// comeBack is the least that a client waits where there is no room, in seconds.
	comeBack = 300
)

// Run watches the feed's metadata until the context ends, and then ends all
// streams, so that a server can be shut down.
func (s *Service) Run(ctx context.Context) {
	defer close(s.ended)
	ticks := time.NewTicker(poll)
	defer ticks.Stop()
	changes, trouble, stop := s.changes()
	defer stop()
	for {
		if err := s.refresh(); err != nil {
			s.opts.Log.Error("feed cannot be read", "err", err)
		}
		if !awaitChange(ctx, s.opts.Log, changes, trouble, ticks.C) {
			return
		}
	}
}

// changes are what the system tells of the metadata folder, and what it cannot.
func (s *Service) changes() (<-chan fsnotify.Event, <-chan error, func()) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		s.opts.Log.Warn("changes of the feed are found by looking every so often", "every", poll, "err", err)
		return nil, nil, func() {}
	}
	if err := watcher.Add(filepath.Join(s.opts.Feed.Name(), filepath.FromSlash(folder))); err != nil {
		s.opts.Log.Warn("changes of the feed are found by looking every so often", "every", poll, "err", err)
	}
	return watcher.Events, watcher.Errors, func() { _ = watcher.Close() }
}

// awaitChange returns when the folder may be another, false when the context ends.
// Trouble, such as more events than fit, is a reason to look, too; nothing more is
// told before it has been heard.
func awaitChange(ctx context.Context, log *slog.Logger, changes <-chan fsnotify.Event, trouble <-chan error, ticks <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-ticks:
			return true
		case err, ok := <-trouble:
			if !ok {
				trouble = nil
				continue
			}
			log.Warn("the system lost changes of the feed, looking anew", "err", err)
			return sleep(ctx, calm)
		case e, ok := <-changes:
			if !ok {
				changes = nil
				continue
			}
			// Everything else is in place, under names of its own, before these.
			name := filepath.Base(e.Name)
			if name == "timestamp.json" || strings.HasSuffix(name, ".root.json") {
				return true
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (s *Service) serveEvents(w http.ResponseWriter, r *http.Request) {
	app := r.URL.Query().Get("app")
	v, err := s.view()
	if err != nil {
		s.unreadable(w, err)
		return
	}
	if !v.carries(app) {
		s.refuse(w, errNotCarried)
		return
	}
	if s.count.streams.Add(1) > int64(s.opts.Streams) {
		s.count.streams.Add(-1)
		s.count.streamsRefused.Add(1)
		w.Header().Set("Retry-After", strconv.Itoa(comeBack+rand.N(comeBack)))
		http.Error(w, "too many streams are open; go on checking now and then", http.StatusServiceUnavailable)
		return
	}
	defer s.count.streams.Add(-1)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // asks a proxy in front not to collect
	out := stream{w, http.NewResponseController(w)}
	// The server's limit on the time of a request is not meant for this one.
	_ = out.control.SetReadDeadline(time.Time{})
	s.stream(r.Context(), out, app, v)
}

// stream tells the client the version of now, and then of each change that
// matters to its app, until it goes, or is too slow, or Run ends.
func (s *Service) stream(ctx context.Context, out stream, app string, v *view) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	told := ""
	for {
		if mark := v.mark(app); mark != told {
			told = mark
			s.count.events.Add(1)
			if !out.say(fmt.Sprintf("event: changed\ndata: {\"timestamp\":%d}\n\n", v.version)) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.ended:
			return
		case <-beat.C:
			if !out.say(":\n\n") {
				return
			}
		case <-v.over:
			s.mu.Lock()
			v = s.current
			s.mu.Unlock()
		}
	}
}

// stream is one client that listens.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) say(text string) bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.control.Flush() == nil
}
