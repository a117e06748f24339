package sync

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// Centre is a VCM that keeps a feed and signs its snapshot and timestamp. It
// takes documents that the offline release key signed, with their files.
type Centre struct{ web }

// NewCentre takes the address of a VCM, e.g. "https://updates.example.org". A
// nil client is one with the environment's proxy settings.
func NewCentre(address string, client *http.Client) (*Centre, error) {
	w, err := newWeb(address, client)
	return &Centre{w}, err
}

// Feed is the address of the VCM's feed.
func (c *Centre) Feed() string { return c.url + "feed/" }

// Read is a Source of the VCM's feed.
func (c *Centre) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	return web{c.Feed(), c.client}.read(ctx, name, limit)
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
	err := again(ctx, func() (progress bool, err error) {
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
		if err != nil || p.Published {
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

func (c *Centre) call(ctx context.Context, method, at string, body io.Reader, length int64, header http.Header, answer any) error {
	resp, err := c.do(ctx, method, at, body, length, header)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	data, err := readWithin(resp.Body, "the answer", vcm.MaxProposal)
	if err != nil {
		return &transient{err: err}
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return fmt.Errorf("what answers there is not a VCM: %w", err)
	}
	return nil
}

// refusal makes an error of an answer.
func refusal(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var said vcm.Refusal
	text := resp.Status
	if json.Unmarshal(data, &said) == nil && said.Error != "" {
		text = said.Error
	}
	switch code := resp.StatusCode; {
	case said.Error == "" && (code == http.StatusNotFound || code == http.StatusMethodNotAllowed || code == http.StatusNotImplemented):
		return fmt.Errorf("%s: does vcm serve run there? Give its address without a path", text)
	case code == http.StatusConflict && said.Error != "":
		return fmt.Errorf("%w: %s", ErrNewer, text)
	case code == http.StatusConflict, code == http.StatusNotFound, code == http.StatusLocked, code == http.StatusTooManyRequests,
		code == http.StatusBadRequest && said.Error == "", code >= 500 && code != http.StatusInsufficientStorage:
		return &transient{fmt.Errorf("the VCM says: %s", text), retryAfter(resp)}
	}
	return fmt.Errorf("the VCM says: %s", text)
}
