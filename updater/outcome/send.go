package outcome

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

const (
	firstPause = time.Minute    // after a failure; doubled each time
	maxPause   = 12 * time.Hour // also where the server asks for more
	within     = 30 * time.Second
)

func newID() string { return rand.Text() }

// Run sends what waits, while the user agrees, until ctx ends.
func (q *Queue) Run(ctx context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		q.mu.Lock()
		changed := q.changed
		q.mu.Unlock()
		wait, err := q.sendDue(ctx)
		if err != nil {
			q.opts.Log.Info("a report could not be sent, trying again later", "why", err, "in", max(pause, wait))
			wait, pause = max(pause, wait), min(2*pause, maxPause)
			changed = nil // only time helps
		} else {
			pause = firstPause
		}
		q.rest(ctx, changed, wait)
	}
}

func (q *Queue) rest(ctx context.Context, changed <-chan struct{}, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-changed:
	case <-ctx.Done():
	}
}

// sendDue sends every report whose time has come, and returns when to look again; after an error, for how long the server wants to be left alone.
func (q *Queue) sendDue(ctx context.Context) (wait time.Duration, err error) {
	if q.opts.URL == "" || !q.opts.Enabled() {
		return maxPause, nil
	}
	err = q.inside(func(root *os.Root) error {
		wait, err = q.sendDueFrom(ctx, root)
		return err
	})
	return wait, err
}

func (q *Queue) sendDueFrom(ctx context.Context, root *os.Root) (wait time.Duration, err error) {
	lock, ours, err := durable.TryAcquire(root, sendingName)
	if err != nil || !ours {
		return firstPause, err // another process sends
	}
	defer lock.Release()
	for ctx.Err() == nil && q.opts.Enabled() {
		c, err := q.load(root)
		if err != nil || len(c.Waiting) == 0 {
			return maxPause, err
		}
		now := q.opts.Now()
		i := slices.IndexFunc(c.Waiting, func(w waiting) bool { return !w.After.After(now) })
		if i < 0 {
			first := slices.MinFunc(c.Waiting, func(a, b waiting) int { return a.After.Compare(b.After) })
			return min(max(first.After.Sub(now), time.Second), maxPause), nil
		}
		if wait, err := q.send(ctx, c.Waiting[i]); err != nil {
			return wait, err
		}
	}
	return maxPause, nil
}

// send posts one report. One that the server will never take is dropped as if it had been taken, and noted as not sent.
func (q *Queue) send(ctx context.Context, w waiting) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, q.opts.URL, bytes.NewReader(w.Body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "outcome/1")
	answer, err := q.opts.Client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // so that the connection can be used again
	taken := answer.StatusCode/100 == 2
	if !taken && !hopeless(answer.StatusCode) {
		return retryAfter(answer.Header), fmt.Errorf("the server answered %s", answer.Status)
	}
	if !taken {
		q.opts.Log.Warn("the server does not take this report; it is dropped", "answer", answer.Status)
	}
	return 0, q.change(func(c *content) {
		// Another outcome may have taken its place meanwhile; the release has been told of all the same.
		c.Waiting = slices.DeleteFunc(c.Waiting, func(other waiting) bool { return other.Release == w.Release })
		c.Told = newest(append(c.Told, w.Release))
		if taken {
			c.Last = &Sent{At: q.opts.Now().UTC().Truncate(time.Second), Body: w.Body}
		}
	})
}

// hopeless tells whether the same report would always be answered like this. A server that knows no such address may learn it.
func hopeless(code int) bool {
	switch code {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusGone:
		return true
	}
	return false
}

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(min(seconds, int(maxPause.Seconds())))*time.Second, maxPause)
}
