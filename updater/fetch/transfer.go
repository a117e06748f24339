package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

var errStalled = errors.New("the server sends nothing any more")

// try makes one request and writes what it brings. Errors that another try may cure are a *retry.
func (t *transfer) try(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(t.f.o.IdleTimeout, func() { cancel(errStalled) })
	defer idle.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.r.URL, nil)
	if err != nil {
		return err
	}
	// Any other encoding would make lengths and ranges mean something else.
	req.Header.Set("Accept-Encoding", "identity")
	if t.have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", t.have))
		if v := t.validator(); v != "" {
			req.Header.Set("If-Range", v)
		}
	}
	resp, err := t.f.client.Do(req)
	if err != nil {
		return unreachable(ctx, err)
	}
	defer resp.Body.Close()
	if err := t.accept(resp); err != nil {
		return err
	}
	return t.copy(ctx, resp, func() { idle.Reset(t.f.o.IdleTimeout) })
}

func unreachable(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) || errors.Is(err, errRedirect) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err) // asking again changes nothing
	}
	return &retry{err: fmt.Errorf("%w: %w", ErrUnreachable, err)}
}

// accept looks at the head of an answer and puts the file where its body continues.
func (t *transfer) accept(resp *http.Response) error {
	switch code := resp.StatusCode; {
	case code == http.StatusOK:
		if err := t.restart(); err != nil {
			return err
		}
		if err := t.fits(resp.ContentLength); err != nil {
			return err
		}
		t.remember(resp)
		return nil
	case code == http.StatusPartialContent:
		return t.acceptRange(resp)
	case code == http.StatusRequestedRangeNotSatisfiable && t.have > 0:
		// The server's file ends before ours does, so ours began as something else.
		if err := t.restart(); err != nil {
			return err
		}
		return &retry{err: fmt.Errorf("%w: it refuses to continue", ErrUnreachable)}
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w (%s)", ErrNotFound, resp.Status)
	case code == http.StatusTooManyRequests || code == http.StatusRequestTimeout || code == http.StatusTooEarly || code >= 500:
		return &retry{err: fmt.Errorf("%w: it answered %s", ErrUnreachable, resp.Status), after: retryAfter(resp.Header.Get("Retry-After"), time.Now())}
	default:
		return fmt.Errorf("%w: it answered %s", ErrUnreachable, resp.Status)
	}
}

func (t *transfer) acceptRange(resp *http.Response) error {
	start, total, ok := contentRange(resp.Header.Get("Content-Range"))
	if !ok || start != t.have {
		// An answer to another question: ask again for everything.
		if err := t.restart(); err != nil {
			return err
		}
		return &retry{err: fmt.Errorf("%w: it sent another part than asked for", ErrUnreachable)}
	}
	if err := t.fits(total); err != nil {
		_ = t.restart()
		return err
	}
	return nil
}

// fits refuses, before a byte is read, a file whose announced length is wrong. -1 is unknown.
func (t *transfer) fits(announced int64) error {
	switch {
	case announced > t.r.Length:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrTooLong, announced, t.r.Length)
	case announced >= 0 && announced < t.r.Length:
		return fmt.Errorf("%w: %d bytes instead of %d", ErrTruncated, announced, t.r.Length)
	}
	return nil
}

func (t *transfer) copy(ctx context.Context, resp *http.Response, alive func()) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			alive()
			if int64(n) > t.r.Length-t.have {
				_ = t.restart()
				return fmt.Errorf("%w: more than %d bytes", ErrTooLong, t.r.Length)
			}
			if _, err := t.file.WriteAt(buf[:n], t.have); err != nil {
				return diskError(err)
			}
			t.have += int64(n)
			t.meter.at(t.have)
		}
		switch {
		case err == nil:
		case t.have == t.r.Length:
			return nil // whole, however the connection ended
		case err != io.EOF:
			return broken(ctx, err)
		default:
			// The server says that this was all. It may be a page of a captive portal: nothing to build upon.
			had := t.have
			if err := t.restart(); err != nil {
				return err
			}
			return &retry{err: fmt.Errorf("%w: %d bytes instead of %d", ErrTruncated, had, t.r.Length)}
		}
	}
}

// broken is a transfer that stopped in the middle; what came so far is good to continue from.
func broken(ctx context.Context, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) && ctx.Err() == nil {
		return &retry{err: fmt.Errorf("%w: the connection closed early", ErrTruncated)}
	}
	return unreachable(ctx, err)
}

// validator is what an earlier answer said to recognise the server's file by, "" if nothing. Without one we
// still continue: the addresses of a feed are made of hashes, and the caller checks the whole.
func (t *transfer) validator() string {
	b, err := os.ReadFile(t.r.Path + validatorSuffix)
	if err != nil || len(b) > 1024 || strings.ContainsAny(string(b), "\r\n\x00") {
		return ""
	}
	return string(b)
}

// remember keeps a strong ETag or, where there is none, the date of the last change. Losing it costs a full
// download at worst, so it needs no care on disk.
func (t *transfer) remember(resp *http.Response) {
	v := resp.Header.Get("ETag")
	if v == "" || strings.HasPrefix(v, "W/") {
		v = resp.Header.Get("Last-Modified")
	}
	if v != "" && len(v) <= 1024 {
		_ = os.WriteFile(t.r.Path+validatorSuffix, []byte(v), 0o600)
	}
}

// contentRange parses "bytes 5-9/10"; the total is -1 where it is "*".
func contentRange(s string) (start, total int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	if !ok {
		return 0, 0, false
	}
	span, size, ok := strings.Cut(s, "/")
	first, _, ok2 := strings.Cut(span, "-")
	if !ok || !ok2 {
		return 0, 0, false
	}
	start, err := strconv.ParseInt(first, 10, 64)
	if err != nil || start < 0 {
		return 0, 0, false
	}
	if size == "*" {
		return start, -1, true
	}
	total, err = strconv.ParseInt(size, 10, 64)
	return start, total, err == nil && total >= 0
}

// retryAfter reads seconds or a date; 0 where there is neither.
func retryAfter(s string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(s, 10, 32); err == nil && seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// meter thins progress out to ten calls a second.
type meter struct {
	report func(done, total int64)
	total  int64
	next   time.Time
}

func newMeter(report func(done, total int64), total int64) *meter {
	if report == nil {
		report = func(int64, int64) {}
	}
	return &meter{report: report, total: total}
}

func (m *meter) first(done int64) {
	m.report(done, m.total)
	m.next = time.Now().Add(100 * time.Millisecond)
}

func (m *meter) at(done int64) {
	if now := time.Now(); done < m.total && !now.Before(m.next) {
		m.first(done)
	}
}

func (m *meter) last(done int64) { m.report(done, m.total) }
