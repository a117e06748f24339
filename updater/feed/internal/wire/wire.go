// Package wire asks a server and believes nothing of the answer.
//
// Parties. Whoever answers: the server, a proxy, a sign-in page.
//
// Guarantees. An answer is limited in size and time before anybody looks at it,
// also after it is unpacked; redirects are few and never lead from https to
// http; requests and bytes are counted as they went over the wire. What comes
// back is one whole JSON object, or an error of package fault. Nothing is kept,
// so a crash leaves nothing.
package wire

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
)

var rootFile = regexp.MustCompile(`^[0-9]+\.root\.json$`)

const (
	maxRedirects = 5
	maxErrorPage = 4 << 10 // bytes of an error's body that are read
	// MaxAfter bounds how long a server can ask to be left alone: it must not
	// keep news away for longer than its silence could.
	MaxAfter = 24 * time.Hour
)

// StatusError is an answer other than 200. It is an ErrUnreachable.
type StatusError struct {
	Name string
	Code int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s was answered with status %d", e.Name, e.Code)
}

// Is makes it an ErrUnreachable.
func (e *StatusError) Is(target error) bool { return target == fault.ErrUnreachable }

// Asker asks on behalf of one check. It is not for concurrent use.
type Asker struct {
	client   *http.Client
	timeout  time.Duration
	Requests int   // sent, redirects not counted
	Bytes    int64 // of bodies, as they came over the wire
}

// New makes an Asker. The timeout is for each answer, to its last byte.
func New(client *http.Client, timeout time.Duration) *Asker {
	return &Asker{client: client, timeout: timeout}
}

// Careful is a copy of a client that follows redirects as this package wants it.
func Careful(client *http.Client) *http.Client {
	limited := *client
	if limited.CheckRedirect == nil {
		limited.CheckRedirect = checkRedirect
	}
	return &limited
}

// Get returns the JSON object at url, of at most limit bytes.
func (a *Asker) Get(ctx context.Context, url string, limit int64) ([]byte, error) {
	return a.object(ctx, http.MethodGet, url, nil, limit)
}

// Metadata is Get for a file of a repository: that a root is not there is the
// usual end of its chain, [tuf.ErrNone]. Object stores that do not let the public
// list a folder answer 403 for what is not there.
func (a *Asker) Metadata(ctx context.Context, url string, limit int64) ([]byte, error) {
	data, err := a.Get(ctx, url, limit)
	status, isStatus := errors.AsType[*StatusError](err)
	if isStatus && rootFile.MatchString(status.Name) && (status.Code == http.StatusNotFound || status.Code == http.StatusForbidden) {
		return nil, tuf.ErrNone
	}
	return data, err
}

// Post sends a JSON object and returns the one that answers it.
func (a *Asker) Post(ctx context.Context, url string, body []byte, limit int64) ([]byte, error) {
	return a.object(ctx, http.MethodPost, url, body, limit)
}

func (a *Asker) object(ctx context.Context, method, url string, send []byte, limit int64) ([]byte, error) {
	data, err := a.do(ctx, method, url, send, limit)
	if err != nil {
		return nil, err
	}
	if !isObject(data) {
		return nil, fmt.Errorf("%w: %s is not JSON", fault.ErrMalformed, path.Base(url))
	}
	return data, nil
}

// File returns whatever is at url, of at most limit bytes.
func (a *Asker) File(ctx context.Context, url string, limit int64) ([]byte, error) {
	return a.do(ctx, http.MethodGet, url, nil, limit)
}

func (a *Asker) do(ctx context.Context, method, url string, send []byte, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(send))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.ErrMalformed, err)
	}
	// Asking for gzip ourselves keeps the count of bytes honest.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept", "application/json")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	a.Requests++
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fault.ErrUnreachable, err)
	}
	defer resp.Body.Close()
	wire := &countingReader{r: resp.Body, n: &a.Bytes}
	if resp.StatusCode != http.StatusOK {
		// Reading a short error page to its end keeps the connection in use.
		_, _ = io.CopyN(io.Discard, wire, maxErrorPage)
		return nil, StatusOf(resp)
	}
	return readAll(resp, wire, limit)
}

func readAll(resp *http.Response, wire *countingReader, limit int64) ([]byte, error) {
	name := path.Base(resp.Request.URL.Path)
	var body io.Reader = wire
	if resp.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(wire)
		if err != nil {
			return nil, bodyError(name, wire, err)
		}
		body = unpacked
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, bodyError(name, wire, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", fault.ErrMalformed, name, limit)
	}
	return data, nil
}

// StatusOf is the error of an answer other than 200: a BusyError where the
// server asks for patience, else a StatusError.
func StatusOf(resp *http.Response) error {
	after, said := retryAfter(resp.Header.Get("Retry-After"), time.Now())
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable && said {
		return &fault.BusyError{After: after}
	}
	return &StatusError{path.Base(resp.Request.URL.Path), resp.StatusCode}
}

// retryAfter reads seconds or a date.
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return min(time.Duration(min(seconds, uint64(MaxAfter/time.Second)))*time.Second, MaxAfter), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), MaxAfter), true
}

// bodyError tells a broken connection from broken compression.
func bodyError(name string, wire *countingReader, err error) error {
	kind := fault.ErrMalformed
	if wire.err != nil {
		kind = fault.ErrUnreachable
	}
	return fmt.Errorf("%w: read %s: %w", kind, name, err)
}

// countingReader counts what comes over the wire and keeps the wire's error.
type countingReader struct {
	r   io.Reader
	n   *int64
	err error
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	*c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// checkRedirect follows a few redirects, never from https to http: metadata is
// signed wherever it comes from, but who asks for what is nobody's business.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("redirect from https to http")
	}
	return nil
}

func isObject(data []byte) bool {
	for _, b := range data {
		switch b {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return b == '{' && json.Valid(data)
	}
	return false
}
