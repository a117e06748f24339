package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bufferSize is how much is read at once.
const bufferSize = 256 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// worker is one request, from the wait for a slot until its part is there.
type worker struct {
	d      *download
	lease  *lease
	source *source
	ctx    context.Context
	cancel context.CancelCauseFunc
	proof  *proof // nil: segments have no hashes

	began   time.Time
	done    func(error) // tells the breaker of the host how it went; nil when that is told
	got     int64       // bytes of the body
	at      int64       // where the body stands in the file
	from    int64       // where it began
	end     int64       // where the server says it ends; -1: it does not say
	all     bool        // the answer is the whole file
	page    bool        // the answer is a web page
	credit  credit
	good    bool // the last segment was
	revoked bool // guarded by download.taking
}

// run makes the request.
func (w *worker) run() error {
	f := w.d.f
	w.began = time.Now()
	s, err := f.slots.acquire(w.ctx, w.d.r.Priority, func() { w.cancel(errYielded) })
	if err != nil {
		return err
	}
	defer f.slots.release(s)
	w.done, err = f.breakers.allow(w.source.host)
	if err != nil {
		return err
	}
	w.began = time.Now()
	w.d.ledger.asks(w.lease)
	return w.request()
}

func (w *worker) request() error {
	ctx, cancel := context.WithCancelCause(w.ctx)
	defer cancel(nil)
	idle := newIdle(w.d.f.o.IdleTimeout, cancel)
	defer idle.timer.Stop()
	req, err := w.ask(ctx)
	if err != nil {
		return err
	}
	resp, err := w.d.f.client.Do(req)
	if err != nil {
		return failed(ctx, err)
	}
	defer resp.Body.Close()
	if err := w.accept(resp, req.Header.Get("Range") != "", req.Header.Get("If-Range") != ""); err != nil {
		return err
	}
	select {
	case w.d.news <- struct{}{}:
	default:
	}
	return w.copy(ctx, resp.Body, idle)
}

func (w *worker) ask(ctx context.Context) (*http.Request, error) {
	var sent atomic.Pointer[time.Time] // HTTP/2 calls from several goroutines
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { now := time.Now(); sent.Store(&now) },
		GotFirstResponseByte: func() {
			if since := sent.Load(); since != nil {
				w.d.sources.edit(func() { w.source.latency = time.Since(*since) })
			}
		},
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.source.url, nil)
	if err != nil {
		return nil, err
	}
	// Any other encoding would make lengths and ranges mean something else.
	req.Header.Set("Accept-Encoding", "identity")
	var whole bool
	var tag string
	w.d.sources.edit(func() {
		whole = w.source.whole
		if w.proof == nil { // where segments prove the bytes, it would only cost: a server whose machines tag a file differently sends it whole
			tag = w.source.tag
		}
	})
	part := w.d.ledger.open(w.lease)
	switch {
	case whole, part == span{0, w.d.r.Length}:
		return req, nil
	case part.to == w.d.r.Length:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", part.from))
	default:
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", part.from, part.to-1))
	}
	if tag != "" {
		req.Header.Set("If-Range", tag)
	}
	return req, nil
}

// accept looks at the head of an answer.
func (w *worker) accept(resp *http.Response, ranged, conditional bool) error {
	if err := w.d.dismissed(w); err != nil {
		return err // what is no longer wanted teaches nothing
	}
	w.page = strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		return w.acceptWhole(resp, ranged, conditional)
	case code == http.StatusPartialContent && ranged:
		return w.acceptRange(resp)
	case code == http.StatusRequestedRangeNotSatisfiable && ranged:
		// The server's file ends before the part that is wanted: it is another one, or the server is confused.
		if err := w.fits(unsatisfied(resp.Header.Get("Content-Range"))); err != nil {
			return err
		}
		w.d.sources.edit(func() { w.source.whole = true })
		return &retry{err: fmt.Errorf("%w: it refuses to continue", ErrUnreachable)}
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w (%s)", ErrNotFound, resp.Status)
	case code == http.StatusProxyAuthRequired:
		return &ProxyError{Host: w.d.f.proxy(resp.Request), Code: code}
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		return &retry{err: fmt.Errorf("%w: it answered %s", errBusy, resp.Status), after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code >= 500:
		return &retry{err: fmt.Errorf("%w: it answered %s", ErrUnreachable, resp.Status), after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	default:
		return fmt.Errorf("%w: it answered %s", ErrRefused, resp.Status)
	}
}

// acceptWhole takes an answer that begins at the beginning.
func (w *worker) acceptWhole(resp *http.Response, ranged, conditional bool) error {
	if err := w.fits(resp.ContentLength); err != nil {
		return err
	}
	w.from, w.at, w.all, w.end = 0, 0, true, resp.ContentLength
	return w.d.takeOver(w, strongTag(resp.Header), ranged && !conditional)
}

func (w *worker) acceptRange(resp *http.Response) error {
	part, total, ok := contentRange(resp.Header.Get("Content-Range"))
	want := w.d.ledger.open(w.lease)
	// The lease may have become shorter since the request, so only what is asked of the server's word is that it stays inside the file.
	if !ok || part.from != want.from || part.to > w.d.r.Length || resp.ContentLength >= 0 && resp.ContentLength != part.size() {
		if err := w.fits(total); ok && err != nil {
			return err
		}
		// An answer to another question: ask for everything.
		w.d.sources.edit(func() { w.source.whole = true })
		return &retry{err: fmt.Errorf("%w: it sent another part than asked for", ErrUnreachable)}
	}
	if err := w.fits(total); err != nil {
		return err
	}
	w.from, w.at, w.end = part.from, part.from, part.to
	return w.d.takePart(w, strongTag(resp.Header))
}

// fits refuses, before a byte is read, a file whose announced length is wrong. -1 is unknown.
func (w *worker) fits(announced int64) error {
	length := w.d.r.Length
	switch {
	case announced >= 0 && announced != length && w.page:
		return ErrPage
	case announced > length:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrTooLong, announced, length)
	case announced >= 0 && announced < length:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrTruncated, announced, length)
	}
	return nil
}

// copy brings the body to disk until the lease is fulfilled. Reading, writing and proving take turns: meanwhile the system goes on receiving, and
// where the network is as fast as that matters, another request has the processor.
func (w *worker) copy(ctx context.Context, body io.Reader, idle *idle) error {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for {
		n, ended := w.fill(ctx, body, buf[:], idle)
		idle.stop() // the server need not answer for a slow disk
		if over, err := w.write(buf[:n]); over || err != nil {
			return err
		}
		if ended != nil {
			return w.ended(ctx, ended)
		}
		idle.start()
	}
}

// ended says what became of a request whose body came to an end.
func (w *worker) ended(ctx context.Context, err error) error {
	switch {
	case w.d.ledger.open(w.lease).size() == 0:
		return nil // however the connection ended
	case errors.Is(err, io.EOF):
		return w.early()
	case errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil:
		return &retry{err: fmt.Errorf("%w: the connection closed early", ErrTruncated)} // what came is good to continue from
	}
	return failed(ctx, err)
}

// flushEvery is how long bytes may wait for more before they are written: many small pieces together cost little more than one.
const flushEvery = 20 * time.Millisecond

// fill reads until the buffer is full, some time has passed, or the body ends, which err tells.
func (w *worker) fill(ctx context.Context, body io.Reader, buf []byte, idle *idle) (filled int, err error) {
	for began := time.Now(); err == nil && filled < len(buf) && (filled == 0 || time.Since(began) < flushEvery); {
		var n int
		n, err = w.readSome(ctx, body, buf[filled:], idle)
		filled += n
	}
	return filled, err
}

// readSome reads once, when the bandwidth limit allows it.
func (w *worker) readSome(ctx context.Context, body io.Reader, buf []byte, idle *idle) (n int, err error) {
	if w.d.f.brake.holds(w.d.r.Priority) {
		idle.stop()
		room, err := w.d.f.brake.take(ctx, w.d.r.Priority, &w.credit, len(buf))
		if err != nil {
			return 0, err
		}
		buf = buf[:room]
		idle.start()
	}
	n, err = body.Read(buf)
	w.credit.used(n)
	w.got += int64(n)
	w.d.received.Add(int64(n))
	w.source.received.Add(int64(n))
	if w.got >= noticeable && w.done != nil {
		w.done(nil) // the host is well: on probation, it lets others in now
		w.done = nil
	}
	idle.alive(n)
	return n, err
}

// write takes bytes of the body. over means that no more are wanted.
func (w *worker) write(b []byte) (over bool, err error) {
	w.d.ledger.writes(w.lease, true)
	defer w.d.ledger.writes(w.lease, false)
	w.d.taking.RLock()
	defer w.d.taking.RUnlock()
	if w.revoked {
		return true, errRevoked
	}
	for len(b) > 0 {
		want := w.d.ledger.write(w.lease, len(b))
		if want.size() == 0 {
			if w.all && w.at >= w.d.r.Length {
				w.d.ledger.forget(span{w.from, w.d.r.Length})
				return true, fmt.Errorf("%w: more than %d bytes", ErrTooLong, w.d.r.Length)
			}
			return true, nil
		}
		// What is proven already is passed over.
		skip := min(want.from-w.at, int64(len(b)))
		w.at, b = w.at+skip, b[skip:]
		n := min(want.size(), int64(len(b)), w.d.ledger.blockAt(w.at).to-w.at)
		if err := w.put(b[:n]); err != nil {
			return true, err
		}
		b = b[n:]
	}
	// A server that announced no end may have more to say.
	return w.end >= 0 && w.d.ledger.open(w.lease).size() == 0 && w.at < w.end, nil
}

// put writes bytes of one block.
func (w *worker) put(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if _, err := w.d.part.file.WriteAt(b, w.at); err != nil {
		return diskError(err)
	}
	w.d.ledger.wrote(w.lease, len(b))
	at := w.at
	w.at += int64(len(b))
	if w.proof == nil {
		return nil
	}
	return w.prove(at, b)
}

func (w *worker) prove(at int64, b []byte) error {
	block, good, err := w.proof.arrived(at, b)
	switch {
	case err != nil:
		return diskError(err)
	case block.size() == 0:
		return nil
	case good:
		w.d.ledger.prove(block)
		w.good = true
		return nil
	}
	w.d.ledger.damaged(block, w.source)
	w.d.sources.edit(func() { w.source.damage++ })
	w.d.f.o.Log.Warn("fetch: a segment arrived damaged", "url", w.source.name(), "from", block.from, "to", block.to)
	if w.good {
		w.good = false
		return nil // an accident: what follows may be right
	}
	return &retry{err: ErrCorrupt} // it looks like another file
}

// early is a body that ended, properly, before the part was there.
func (w *worker) early() error {
	if w.all {
		// The server says that this was all. It may be a page of a captive portal: nothing to build upon.
		w.d.ledger.forget(span{w.from, w.at})
		if w.page {
			return &retry{err: ErrPage}
		}
		return &retry{err: fmt.Errorf("%w: %d bytes instead of %d", ErrTruncated, w.at, w.d.r.Length)}
	}
	if w.at == w.end && w.got >= noticeable {
		return nil // a server may send less than was asked for
	}
	return &retry{err: fmt.Errorf("%w: part of what was asked for", ErrTruncated)}
}
