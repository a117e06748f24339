// Package feed asks a feed of signed metadata which releases of an app exist.
//
// Parties. The feed is a folder of plain files behind HTTP. Its metadata
// follows TUF: root names the keys of everything else; targets delegates one
// role per app, "<app>-releases", which signs the artifacts; snapshot and
// timestamp say which versions of these belong together and that they are
// current. The client is this package, on go-tuf.
//
// Trust. Only [Options.Root] is trusted, as it was built into the app. The
// server, the network and everything in front of them may do what they like:
// they can keep news from the client, and no more. The client's own folder is
// trusted against other users by its permissions; newer roots kept there count
// only as far as they form an unbroken chain of signatures from Options.Root.
//
// Guarantees. A release that [Client.Check] returns was signed by the release
// role's keys, within the paths delegated to it, and is part of a repository
// state that is not older than any seen before and has not expired. Time never
// runs backwards: the highest time that a check succeeded at is kept and used,
// so a clock set back cannot make old metadata pass for current. It can be
// ahead of the truth by no more than a timestamp's lifetime, since a check at a
// later time does not succeed, so a clock set forward heals too. Every answer
// is limited in size and time before it is looked at, and a panic in a decoder
// comes back as an error.
//
// A crash leaves whole files in the folder, some newer than others; the next
// check goes on from them, and drops those that it cannot read.
package feed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// What went wrong, for errors.Is. The error's text has the particulars.
var (
	// ErrUnreachable: no usable answer came. Try again later.
	ErrUnreachable = errors.New("feed is not reachable")
	// ErrMalformed: what answered is not a feed, for example a sign-in page.
	ErrMalformed = errors.New("answer is not a feed")
	// ErrSignature: the feed is not signed as it must be, or is older than one
	// seen before. Either somebody interferes, or its publisher made a mistake.
	ErrSignature = errors.New("feed is not signed as it must be")
	// ErrExpired: the feed has not been renewed in time, or this computer's
	// clock is wrong.
	ErrExpired = errors.New("feed has expired")
	// ErrState: the folder for the client's own files cannot be used.
	ErrState = errors.New("feed state cannot be kept")
)

// Options configures a Client.
type Options struct {
	URL     string           // the feed's root, http or https, e.g. "https://example.org/feed/"
	Root    []byte           // the trusted root.json
	Dir     string           // for this client alone; created with mode 0700
	App     string           // whose releases to read
	Client  *http.Client     // nil: one with the environment's proxy settings
	Timeout time.Duration    // for each answer, from request to last byte; 0: 30 s
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

func (o *Options) validate() error {
	u, err := url.Parse(o.URL)
	if err != nil {
		return fmt.Errorf("feed URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("feed URL %q: must be http or https, without query and fragment", u.Redacted())
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

// Client reads one app's releases from one feed. It is safe for concurrent
// use; checks run one after the other.
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
	root, err := metadata.Root().FromBytes(o.Root)
	if err != nil {
		return nil, fmt.Errorf("feed: Root is not a root.json: %w", err)
	}
	if err := root.VerifyDelegate(metadata.ROOT, root); err != nil {
		return nil, fmt.Errorf("feed: Root does not carry its own signatures: %w", err)
	}
	limited := *o.Client
	if limited.CheckRedirect == nil {
		limited.CheckRedirect = checkRedirect
	}
	return &Client{opts: o, http: &limited}, nil
}

// URL is where a file of the feed is downloaded from.
func (c *Client) URL(b release.Blob) string { return c.opts.URL + b.Path }

// Result is what a successful check found.
type Result struct {
	release.Catalogue           // of all channels and platforms
	Skipped           int       // targets that this client cannot read, see the log
	Bytes             int64     // body bytes that came over the wire
	At                time.Time // the time that the check counted as now
	Expires           time.Time // when the feed must have been renewed
}

// Check asks the feed. With nothing new it makes two small requests. On failure
// the error is one of those above, or the context's, and Result tells only the
// bytes; nothing of what was known before is lost.
func (c *Client) Check(ctx context.Context) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var res Result
	err := c.check(ctx, &res)
	if err != nil {
		res = Result{Bytes: res.Bytes}
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return res, fmt.Errorf("check %s: %w", c.opts.App, err)
	}
	return res, nil
}

func (c *Client) check(ctx context.Context, res *Result) error {
	kept, err := openState(c.opts.Dir, c.opts.Log)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	defer kept.close()

	now := c.opts.Now()
	res.At = kept.latest(now)
	if res.At.After(now) {
		c.opts.Log.Warn("clock is behind an earlier check", "clock", now, "using", res.At)
	}
	get := &fetcher{ctx: ctx, client: c.http, timeout: c.opts.Timeout, log: c.opts.Log}
	trusted, err := c.refresh(kept, get, res.At)
	res.Bytes = get.bytes
	if err != nil {
		return classify(err)
	}
	res.Releases, res.Skipped, err = c.releases(trusted)
	if err != nil {
		return err
	}
	res.Expires = trusted.Timestamp.Signed.Expires
	if err := kept.saveTime(res.At); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	return nil
}

// classify gives an error of the library one of the package's sentinels.
func classify(err error) error {
	for _, known := range []error{ErrUnreachable, ErrMalformed, ErrSignature, ErrExpired, ErrState} {
		if errors.Is(err, known) {
			return err
		}
	}
	var path *fs.PathError
	var link *os.LinkError
	var kind error
	switch {
	case errors.As(err, &path), errors.As(err, &link):
		kind = ErrState
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		kind = ErrExpired
	case errors.Is(err, &metadata.ErrRepository{}):
		kind = ErrSignature
	case errors.Is(err, &metadata.ErrDownloadHTTP{}):
		kind = ErrUnreachable
	default:
		kind = ErrMalformed
	}
	return fmt.Errorf("%w: %w", kind, err)
}
