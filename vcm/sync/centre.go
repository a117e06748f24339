package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// Centre is a VCM that keeps a feed and signs its snapshot and timestamp. It
// takes documents that the offline release key signed, with their files.
type Centre struct {
	url    string // ends in a slash
	client *http.Client
	wait   func(ctx context.Context, d time.Duration) error
}

const (
	// attempts is how often a request is made anew without progress in between.
	attempts = 6
	// answerWithin bounds the wait for an answer to a request that is sent: a VCM
	// reads what it got once more before it publishes.
	answerWithin = 5 * time.Minute
)

// NewCentre takes the address of a VCM, e.g. "https://updates.example.org". A
// nil client is one with the environment's proxy settings.
func NewCentre(address string, client *http.Client) (*Centre, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q: write it like https://updates.example.org", u.Redacted())
	}
	if client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.ResponseHeaderTimeout = answerWithin
		client = &http.Client{Transport: transport}
	}
	direct := *client
	direct.CheckRedirect = stay
	if !strings.HasSuffix(address, "/") {
		address += "/"
	}
	return &Centre{address, &direct, sleep}, nil
}

// stay lets a server send readers elsewhere, but nobody who publishes.
func stay(req *http.Request, via []*http.Request) error {
	if via[0].Method != http.MethodGet || len(via) > 5 {
		return fmt.Errorf("the server points to %s; give the address that it points to", req.URL.Redacted())
	}
	return nil
}

func (c *Centre) String() string {
	u, err := url.Parse(c.url)
	if err != nil {
		return c.url
	}
	return u.Redacted()
}

// Feed is the address of the VCM's feed.
func (c *Centre) Feed() string { return c.url + "feed/" }

// Read is the VCM's feed as a Source.
func (c *Centre) Read(ctx context.Context, name string, limit int64) (data []byte, err error) {
	err = c.again(ctx, func() (progress bool, err error) {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		resp, err := c.do(ctx, http.MethodGet, c.Feed()+name, nil, 0, nil)
		if err != nil {
			return false, err
		}
		defer resp.Body.Close()
		data, err = readWithin(resp.Body, name, limit)
		return false, err
	})
	return data, err
}

// Publish proposes a document that a release role's key signed, sends the files
// that the VCM lacks out of the folder, and makes the VCM publish it. It goes on
// where an interrupted run stopped; what is published already is no error.
func (c *Centre) Publish(ctx context.Context, app string, document []byte, feed *os.Root, o Options) (Result, error) {
	o.defaults()
	res, err := c.publish(ctx, app, document, feed, o)
	if err != nil {
		return Result{}, fmt.Errorf("publish to %s: %w", c, err)
	}
	return res, nil
}

func (c *Centre) publish(ctx context.Context, app string, document []byte, feed *os.Root, o Options) (Result, error) {
	res := Result{Place: c.String(), Sent: []string{}, DryRun: o.DryRun}
	sent := map[string]int64{}
	err := c.again(ctx, func() (progress bool, err error) {
		p, err := c.propose(ctx, app, document)
		if err != nil || o.DryRun {
			for _, m := range p.Missing {
				sent[m.Path] = m.Length
			}
			return false, err
		}
		t := newUpload(c, p, feed, o)
		err = parallel(ctx, o.Parallel, p.Missing, t.one)
		for name, n := range t.total() {
			sent[name] += n
			progress = progress || n > 0
		}
		if err != nil || p.Published && len(p.Missing) == 0 {
			return progress, err
		}
		return progress, c.commit(ctx, p.ID)
	})
	for name, n := range sent {
		res.Sent = append(res.Sent, name)
		res.SentBytes += n
	}
	return res, err
}

func (c *Centre) propose(ctx context.Context, app string, document []byte) (vcm.Proposal, error) {
	var p vcm.Proposal
	at := c.url + strings.TrimPrefix(vcm.PublishPath, "/") + "?app=" + url.QueryEscape(app)
	err := c.call(ctx, http.MethodPost, at, bytes.NewReader(document), int64(len(document)), nil, &p)
	return p, err
}

func (c *Centre) commit(ctx context.Context, id string) error {
	var p vcm.Proposal
	at := c.url + strings.TrimPrefix(vcm.PublishPath, "/") + "/" + id
	if err := c.call(ctx, http.MethodPost, at, nil, 0, nil, &p); err != nil {
		return err
	}
	if !p.Published {
		return &transient{err: errors.New("the VCM says that the release is not published")}
	}
	return nil
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
func (c *Centre) again(ctx context.Context, work func() (progress bool, err error)) error {
	for failures := 0; ; {
		progress, err := work()
		var t *transient
		if err == nil || !errors.As(err, &t) || ctx.Err() != nil {
			return err
		}
		if progress {
			failures = 0
		}
		if failures++; failures >= attempts || t.after > answerWithin {
			return err
		}
		pause := time.Second << failures
		if err := c.wait(ctx, max(t.after, pause/2+rand.N(pause/2))); err != nil {
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

func (c *Centre) call(ctx context.Context, method, at string, body io.Reader, length int64, header http.Header, answer any) error {
	resp, err := c.do(ctx, method, at, body, length, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := readWithin(resp.Body, "the answer", vcm.MaxProposal)
	if err != nil {
		return &transient{err: err}
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("what answers there is not a VCM: %w", err)
	}
	return nil
}

// do makes a request. Every answer but success is an error.
func (c *Centre) do(ctx context.Context, method, at string, body io.Reader, length int64, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = length
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, &transient{err: err}
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, refusal(resp)
}

// refusal makes an error of an answer.
func refusal(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var said vcm.Refusal
	text := resp.Status
	if json.Unmarshal(data, &said) == nil && said.Error != "" {
		text = said.Error
	}
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound && said.Error == "":
		return fmt.Errorf("%w: %s: does a VCM serve there, and does it take releases?", fs.ErrNotExist, text)
	case code == http.StatusConflict && said.Error != "":
		return fmt.Errorf("%w: %s", ErrNewer, text)
	case code == http.StatusConflict, code == http.StatusNotFound, code == http.StatusLocked, code == http.StatusTooManyRequests,
		code == http.StatusBadRequest && said.Error == "", code >= 500 && code != http.StatusInsufficientStorage:
		return &transient{fmt.Errorf("the VCM says: %s", text), time.Duration(seconds) * time.Second}
	}
	return fmt.Errorf("the VCM says: %s", text)
}
