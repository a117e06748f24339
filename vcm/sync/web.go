package sync

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// web makes requests below an address, patiently.
type web struct {
	url    string // ends in a slash
	client *http.Client
}

const (
	// attempts is how often a request is made anew without progress in between:
	// for about a minute, after which a VCM has noticed that an earlier connection
	// is dead.
	attempts = 8
	// refusedCounts is for how many attempts one counts at which nobody listened.
	refusedCounts = 2
	// answerWithin bounds the wait for an answer to a request that is sent: a VCM
	// reads what it got once more before it publishes.
	answerWithin = 5 * time.Minute
	// fileWithin bounds a file of metadata, from the request to its last byte.
	fileWithin = time.Minute
)

func newWeb(address string, client *http.Client) (web, error) {
	u, err := url.Parse(address)
	if err != nil {
		return web{}, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return web{}, fmt.Errorf("%q: write it like https://updates.example.org", u.Redacted())
	}
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = answerWithin
		client = &http.Client{Transport: transport}
	}
	careful := *client
	careful.CheckRedirect = stay
	return web{strings.TrimSuffix(address, "/") + "/", &careful}, nil
}

var errElsewhere = errors.New("the server points elsewhere,")

// stay lets a server send readers elsewhere, but nobody who publishes.
func stay(req *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) > 5 {
		return fmt.Errorf("%w to %s; give the address that it points to", errElsewhere, req.URL.Redacted())
	}
	return nil
}

// String is the address without secrets.
func (w web) String() string {
	u, err := url.Parse(w.url)
	if err != nil {
		return "?"
	}
	return u.Redacted()
}

// Web reads a feed over HTTP, from the address of its root. A nil client is one
// with the environment's proxy settings.
func Web(address string, client *http.Client) (Source, error) {
	w, err := newWeb(address, client)
	return w.read, err
}

func (w web) read(ctx context.Context, name string, limit int64) (data []byte, err error) {
	err = again(ctx, func() (progress bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, fileWithin)
		defer cancel()
		resp, err := w.do(ctx, http.MethodGet, w.url+name, nil, 0, nil)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return false, unread(resp, name)
		}
		data, err = readWithin(resp.Body, name, limit)
		return false, err
	})
	return data, err
}

// unread says why a file was not served. Object stores that do not let the
// public list a folder answer 403 for a file that is not there.
func unread(resp *http.Response, name string) error {
	err := fmt.Errorf("%s was answered with %s", name, resp.Status)
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusForbidden, code == http.StatusGone:
		return fmt.Errorf("%w; %w", err, fs.ErrNotExist)
	case code >= 500, code == http.StatusTooManyRequests:
		return &transient{err, retryAfter(resp)}
	}
	return err
}

// do makes a request.
func (w web) do(ctx context.Context, method, at string, body io.Reader, length int64, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := w.client.Do(req)
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errElsewhere), errors.As(err, &certificate):
		return nil, err // asking again changes nothing
	case err != nil:
		return nil, &transient{err: err}
	}
	return resp, nil
}

// transient is an error that another try may cure.
type transient struct {
	err   error
	after time.Duration // the server's wish; 0: none
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// again repeats work that fails for a while, with growing pauses, until it is
// done or several tries in a row brought nothing.
func again(ctx context.Context, work func() (progress bool, err error)) error {
	for failures := 0; ; {
		progress, err := work()
		var t *transient
		if err == nil || !errors.As(err, &t) || ctx.Err() != nil {
			return err
		}
		if progress {
			failures = 0
		}
		failures++
		if dial := (*net.OpError)(nil); errors.As(err, &dial) && dial.Op == "dial" {
			failures += refusedCounts - 1
		}
		if failures >= attempts || t.after > answerWithin {
			return err
		}
		pause := 250 * time.Millisecond << failures
		if err := sleep(ctx, max(t.after, pause/2+rand.N(pause/2))); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func retryAfter(resp *http.Response) time.Duration {
	var seconds int64
	if _, err := fmt.Sscan(resp.Header.Get("Retry-After"), &seconds); err != nil || seconds < 0 || seconds > 1<<30 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
