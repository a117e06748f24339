// Package feed asks a feed of signed metadata what an app should run.
//
// Parties. The feed is a folder of plain files behind HTTP. Its metadata
// follows TUF: root names the keys of everything else; targets delegates two
// roles per app: "<app>-releases", whose offline keys sign the artifacts and the
// version floor, and "<app>-rollout", whose online key chooses among them;
// snapshot and timestamp say which versions of these belong together and that
// they are current. A server may offer a check endpoint beside it, which answers
// with all that changed at once, and a stream that tells when to ask; both are
// shortcuts, described in docs/check.md. The client is this package, on go-tuf.
//
// Trust. Only [Options.Root] is trusted, as it was built into the app. The
// server, the network and everything in front of them may do what they like:
// they can keep news from the client, and no more. What the endpoint answers goes
// through the same checks as files do. The client's own folder is trusted against
// other users by its permissions; newer roots kept there count only as far as
// they form an unbroken chain of signatures from Options.Root.
//
// Guarantees. A release that [Client.Check] returns was signed by the release
// role's keys, a rollout by the rollout role's, each within the paths delegated
// to it by targets and by nobody else, and is part of a repository state that is
// not older than any seen before and has not expired. Time never runs backwards:
// the highest time that a check succeeded at is kept and used, so a clock set
// back cannot make old metadata pass for current. It can be ahead of the truth by
// no more than a timestamp's lifetime, since a check at a later time does not
// succeed, so a clock set forward heals too. Every answer is limited in size and
// time before it is looked at, and a panic in a decoder comes back as an error. A
// feed works for ever without an endpoint; an endpoint that is missing or fails
// costs one request. A server that asks for patience gets it.
//
// A crash leaves whole files in the folder, some newer than others; the next
// check goes on from them, and fetches those anew that it cannot read.
package feed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/wire"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Options configures a Client.
type Options struct {
	URL      string           // the feed's root, http or https, e.g. "https://example.org/feed/"
	CheckURL string           // the check endpoint, e.g. "https://example.org/v1/check"; empty: files only
	Root     []byte           // the trusted root.json
	Dir      string           // for this client alone; created with mode 0700
	App      string           // whose releases to read
	Client   *http.Client     // nil: one with the environment's proxy settings
	Timeout  time.Duration    // for each answer, from request to last byte; 0: 30 s
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
}

func (o *Options) validate() error {
	if err := checkURL("feed URL", o.URL); err != nil {
		return err
	}
	if o.CheckURL != "" {
		if err := checkURL("URL of the check endpoint", o.CheckURL); err != nil {
			return err
		}
	}
	if err := release.CheckApp(o.App); err != nil {
		return err
	}
	if o.Dir == "" {
		return errors.New("feed: Dir is missing")
	}
	if len(o.Root) == 0 {
		return errors.New("feed: Root is missing")
	}
	if !strings.HasSuffix(o.URL, "/") {
		o.URL += "/"
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func checkURL(what, s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s %q: must be http or https, without query and fragment", what, u.Redacted())
	}
	return nil
}

// Client reads what one feed says of one app. It is safe for concurrent use;
// checks run one after the other.
type Client struct {
	opts Options
	http *http.Client
	mu   sync.Mutex
}

// New makes a Client. It touches neither disk nor network.
func New(o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if _, err := tuf.New(tuf.Options{Root: o.Root}); err != nil {
		return nil, fmt.Errorf("feed: Root is not a root.json with its own signatures: %w", err)
	}
	return &Client{opts: o, http: wire.Careful(o.Client)}, nil
}

// URL is where a file of the feed is downloaded from.
func (c *Client) URL(b release.Blob) string { return c.opts.URL + b.Path }

// Result is what a successful check found.
type Result struct {
	release.Catalogue               // of all channels and platforms
	ID                string        // of this installation, for Catalogue.Offer; random, kept in Dir, never sent
	Skipped           int           // targets that this client cannot read, see the log
	Requests          int           // that were sent
	Bytes             int64         // body bytes that came over the wire
	At                time.Time     // the time that the check counted as now
	Expires           time.Time     // when the feed must have been renewed
	Next              time.Duration // when the server wants the next check; 0: it did not say
}

// Check asks the feed. With nothing new it sends one small request through the
// endpoint, or two for files. On failure the error is a BusyError or one of those
// above, or the context's, and Result tells only the requests and bytes; nothing
// of what was known before is lost.
func (c *Client) Check(ctx context.Context) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	asker := wire.New(c.http, c.opts.Timeout)
	res, err := c.check(ctx, asker)
	if err != nil {
		res = Result{}
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		err = fmt.Errorf("check %s: %w", c.opts.App, err)
	}
	res.Requests, res.Bytes = asker.Requests, asker.Bytes
	return res, err
}

func (c *Client) check(ctx context.Context, asker *wire.Asker) (Result, error) {
	kept, err := openState(c.opts.Dir, c.opts.Log)
	if err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	defer kept.close()

	now := c.opts.Now()
	res := Result{At: kept.latest(now)}
	if res.At.After(now) {
		c.opts.Log.Warn("clock is behind an earlier check", "clock", now, "using", res.At)
	}
	if res.ID, err = kept.id(); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	found, err := c.ask(ctx, asker, kept, res.At)
	if err != nil {
		return Result{}, err
	}
	res.Next, res.Expires = found.next, found.trusted.Timestamp.Signed.Expires
	if res.Catalogue, res.Skipped, err = c.catalogue(found.trusted); err != nil {
		return Result{}, err
	}
	if err := kept.saveTime(res.At); err != nil {
		return Result{}, fmt.Errorf("%w: %w", ErrState, err)
	}
	return res, nil
}
