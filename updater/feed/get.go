package feed

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// maxAnswer limits an answer, in bytes, whatever length signed metadata claims.
const maxAnswer = 8 << 20

const (
	maxRedirects = 5
	maxErrorPage = 4 << 10 // bytes of an error's body that are read
)

var rootFile = regexp.MustCompile(`^[0-9]+\.root\.json$`)

// fetcher is go-tuf's way to the network for one check. It keeps the roots it
// saw, for the state to remember once they have been proven.
type fetcher struct {
	ctx     context.Context
	client  *http.Client
	timeout time.Duration
	log     *slog.Logger
	bytes   int64
	roots   [][]byte
}

// DownloadFile implements go-tuf's fetcher.Fetcher. It returns a whole JSON
// object of at most limit bytes, or an error.
func (f *fetcher) DownloadFile(url string, limit int64, _ time.Duration) ([]byte, error) {
	name := path.Base(url)
	if limit <= 0 || limit > maxAnswer {
		limit = maxAnswer
	}
	data, err := f.get(url, limit)
	if err != nil {
		var status *metadata.ErrDownloadHTTP
		isRoot := rootFile.MatchString(name)
		if errors.As(err, &status) && isRoot && (status.StatusCode == http.StatusNotFound || status.StatusCode == http.StatusForbidden) {
			// The usual end of the chain of roots. Object stores that do not let
			// the public list a folder answer 403 for a file that is not there.
			return nil, &metadata.ErrDownloadHTTP{StatusCode: http.StatusNotFound, URL: name}
		}
		if errors.As(err, &status) {
			err = fmt.Errorf("%w: %s answered with status %d", ErrUnreachable, name, status.StatusCode)
		}
		return nil, err
	}
	if !isObject(data) {
		return nil, fmt.Errorf("%w: %s is not JSON; look at the feed's URL and whether this network asks for a sign-in", ErrMalformed, name)
	}
	if rootFile.MatchString(name) {
		f.roots = append(f.roots, data)
	}
	f.log.Debug("fetched metadata", "name", name, "bytes", len(data))
	return data, nil
}

func (f *fetcher) get(url string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(f.ctx, f.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	// Asking for gzip ourselves keeps the count of bytes honest.
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept", "application/json")
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer resp.Body.Close()
	wire := &countingReader{r: resp.Body, n: &f.bytes}
	if resp.StatusCode != http.StatusOK {
		// Reading a short error page to its end keeps the connection in use.
		_, _ = io.CopyN(io.Discard, wire, maxErrorPage)
		return nil, &metadata.ErrDownloadHTTP{StatusCode: resp.StatusCode, URL: url}
	}
	var body io.Reader = wire
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if body, err = gzip.NewReader(wire); err != nil {
			return nil, bodyError(url, wire, err)
		}
	}
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, bodyError(url, wire, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrMalformed, path.Base(url), limit)
	}
	return data, nil
}

// bodyError tells a broken connection from broken compression.
func bodyError(url string, wire *countingReader, err error) error {
	kind := ErrMalformed
	if wire.err != nil {
		kind = ErrUnreachable
	}
	return fmt.Errorf("%w: read %s: %w", kind, path.Base(url), err)
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
