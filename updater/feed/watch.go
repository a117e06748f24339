package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"golang.org/x/time/rate"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/wire"
)

const (
	firstRetry = time.Second
	maxRetry   = 5 * time.Minute
	// steady is how long a stream must have lasted to count as one that works.
	steady = time.Minute
	// silence is how long a stream may say nothing, not even a heartbeat.
	silence = 90 * time.Second
	// calm is between two calls of changed, on average: both ways in which a server
	// can bring about checks, this one and what it says in its answers, have one
	// bound. Some changes come as two or three, a release and its rollout: so many
	// are told at once.
	calm     = minNext
	together = 3
)

// ErrNoStream says that the feed's server offers no push stream. Checks find
// everything without it, later.
var ErrNoStream = errors.New("there is no push stream")

// Watch listens to the push stream beside the check endpoint and calls changed
// when the server says that there is something newer than what was proven last: at
// once, but no more than once a minute on average and three times in a row; many
// are told as one. What the stream says is not signed; it is a reason to check, and
// nothing else. Watch returns ErrNoStream where there is no stream, or when the
// context ends. It connects anew whenever the stream breaks, later each time, and
// at a time of its own, so that not all clients of a server that was restarted come
// back at once.
func (c *Client) Watch(ctx context.Context, changed func()) error {
	if c.opts.CheckURL == "" {
		return ErrNoStream
	}
	told := newTeller(changed)
	defer told.stop()
	wait := firstRetry
	for {
		began := time.Now()
		err := c.listen(ctx, told)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNoStream):
			return err
		}
		if time.Since(began) >= steady {
			wait = firstRetry
		}
		pause := jittered(wait)
		if busy, ok := errors.AsType[*BusyError](err); ok {
			pause += busy.After
		}
		c.opts.Log.Debug("push stream ended", "err", err, "again", pause)
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
		wait = min(2*wait, maxRetry)
	}
}

// listen reads one stream to its end.
func (c *Client) listen(ctx context.Context, told *teller) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(fmt.Errorf("%w: the push stream fell silent", ErrUnreachable)) })
	defer quiet.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.eventsURL(), nil)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	req.Header.Set("Accept", "text/event-stream")
	streaming := *c.http
	streaming.Timeout = 0 // the silence above takes its place
	resp, err := streaming.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(context.Cause(ctx), err))
	}
	defer resp.Body.Close()
	if err := isStream(resp); err != nil {
		return err
	}
	last := int64(0)
	err = readEvents(resp.Body, func() { quiet.Reset(silence) }, func(e event) {
		version, ok := e.timestamp()
		// What the folder holds is read only where it matters: a stream can be a flood.
		if ok && version != last && !told.waiting() && version != c.heldTimestamp() {
			told.tell()
		}
		last = version
	})
	return fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(context.Cause(ctx), err))
}

func isStream(resp *http.Response) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case resp.StatusCode == http.StatusOK && kind == "text/event-stream":
		return nil
	case resp.StatusCode == http.StatusOK:
		return fmt.Errorf("%w: what answers is %.40q", ErrNoStream, kind)
	}
	err := wire.StatusOf(resp)
	status, ok := errors.AsType[*wire.StatusError](err)
	if ok && (status.Code < 500 || status.Code == http.StatusNotImplemented) {
		return fmt.Errorf("%w: %w", ErrNoStream, err)
	}
	return err
}

// eventsURL is beside the check endpoint: /v1/events for /v1/check.
func (c *Client) eventsURL() string {
	u, err := url.Parse(c.opts.CheckURL)
	if err != nil {
		return c.opts.CheckURL // New has parsed it; the request will say what is wrong
	}
	u.Path = path.Join(path.Dir(u.Path), "events")
	u.RawQuery = url.Values{"app": {c.opts.App}}.Encode()
	return u.String()
}

// heldTimestamp is the version that was proven last; 0 where none was.
func (c *Client) heldTimestamp() int64 {
	kept, err := openState(c.opts.Dir, c.opts.Log)
	if err != nil {
		return 0
	}
	defer kept.close()
	return kept.held(metadata.TIMESTAMP)[metadata.TIMESTAMP]
}

// timestamp is the version that a changed event names.
func (e event) timestamp() (int64, bool) {
	var doc struct {
		Timestamp int64 `json:"timestamp"`
	}
	if e.name != "changed" || json.Unmarshal([]byte(e.data), &doc) != nil {
		return 0, false
	}
	return doc.Timestamp, doc.Timestamp > 0
}

// jittered is between half of d and one and a half times d.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
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

// teller passes calls on at once while they are few, and many as one.
type teller struct {
	calls chan struct{}
	stop  context.CancelFunc
}

func newTeller(changed func()) *teller {
	ctx, cancel := context.WithCancel(context.Background())
	t := &teller{make(chan struct{}, 1), cancel}
	pace := rate.NewLimiter(rate.Every(calm), together)
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.calls:
			}
			if pace.Wait(ctx) != nil {
				return
			}
			select {
			case <-t.calls: // it came meanwhile and is told with the first
			default:
			}
			changed()
		}
	}()
	return t
}

// waiting tells whether a call is to come that includes this one.
func (t *teller) waiting() bool { return len(t.calls) > 0 }

func (t *teller) tell() {
	select {
	case t.calls <- struct{}{}:
	default: // one is waiting already
	}
}
