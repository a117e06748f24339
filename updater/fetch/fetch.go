// Package fetch brings files of known length from servers to disk.
//
// Parties: a caller that knows the length and, from signed metadata, the hash of what it wants; one or more servers, with proxies and captive
// portals in front of them, that may stall, lie, or send something else; the user, whose connection it is.
//
// Trust: none. What is fetched stays under a name that ends in ".unverified" until the caller has checked its hash. The servers decide nothing
// but the bytes: never more than the expected length is written, no answer is held in memory, and an https address is never followed to
// plain http. Where the caller has hashes of segments, each segment is proven when it has arrived, and a damaged one fetched again alone.
//
// Guarantees. When Fetch returns nil, the file has exactly the expected length, and every segment is proven. Otherwise the error is one of the
// package's kinds and says what to do. A transfer that breaks off is taken up again where it stopped, in this call, in a later one and after
// a crash. A Fetcher never has more requests on their way than it was given, goes no faster than it was allowed, and takes some 10 MB of
// memory, whatever is fetched.
//
// How it goes. A file is cut into parts; each request brings one. How many run at once is found by measuring what it brings (type tuner). What is
// there, and who brings the rest, is in one place (type ledger), and one goroutine for each download decides (type download).
//
// A crash leaves the parts fetched so far in a file with ".part" added to its name, and beside it one with ".map" added, which says what is
// there and what recognises the server's file. Both go when the file is complete; only then is it there under its own name.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Suffix ends the name of every file that has not been verified.
const Suffix = ".unverified"

const (
	partSuffix = ".part"
	mapSuffix  = ".map"
)

// DefaultParallel is how many requests run at once at most. docs/transport.md has the measurements.
const DefaultParallel = 16

// Options configure a Fetcher. The zero value is usable.
type Options struct {
	Client      *http.Client  // nil: one on [Transport]. A Timeout in it would cut long downloads off: leave it 0.
	Parallel    int           // most requests at once, over all downloads; 0: [DefaultParallel]
	Start       int           // requests at once to begin a download with; 0: two, and more the longer a server takes to answer
	Limit       Limit         // bandwidth; see [Fetcher.SetLimit]
	IdleTimeout time.Duration // how long a server may send nothing, or less than 4 KiB; 0: 30 s
	Attempts    int           // tries of each server without noticeable progress before giving up; 0: 6
	Backoff     time.Duration // the first pause between tries, doubled each time; 0: 1 s
	MaxWait     time.Duration // the longest pause, also when the server asks for one; 0: 2 min
	BreakAfter  int           // failures in a row, over all downloads, after which a host is left alone; 0: 12
	BreakFor    time.Duration // how long; 0: 1 min

	// May, which may be nil, says whether a download may go on. It is asked before the first request, every few seconds, and after
	// Reconsider; it must answer at once.
	May func(Request) Verdict
	Log *slog.Logger // nil: discarded
}

// A Verdict is why a download has to wait; the zero value lets it go on.
type Verdict struct {
	Wait  Reason
	Until time.Time // when to ask again at the latest; zero: in some seconds
}

func (o *Options) validate() error {
	for _, n := range []int64{int64(o.IdleTimeout), int64(o.Attempts), int64(o.Backoff), int64(o.MaxWait), int64(o.Parallel), int64(o.Start), int64(o.BreakAfter), int64(o.BreakFor)} {
		if n < 0 {
			return errors.New("a duration or count below zero in the options")
		}
	}
	if o.Client == nil {
		transport, err := Transport(TransportOptions{})
		if err != nil {
			return err
		}
		o.Client = &http.Client{Transport: transport}
	}
	if o.May == nil {
		o.May = func(Request) Verdict { return Verdict{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	orElse(&o.Parallel, DefaultParallel)
	orElse(&o.IdleTimeout, 30*time.Second)
	orElse(&o.Attempts, 6)
	orElse(&o.Backoff, time.Second)
	orElse(&o.MaxWait, 2*time.Minute)
	orElse(&o.BreakAfter, 12)
	orElse(&o.BreakFor, time.Minute)
	return o.Limit.validate()
}

func orElse[T int | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// Priority says who wants a file.
type Priority int

// The priorities. What somebody asked for, and waits for, goes before what the background does.
const (
	Background Priority = iota
	Asked
)

// Segments are the hashes of the parts of a file, from signed metadata. The zero value is none.
type Segments struct {
	Size int64            // bytes of each part; the last is what remains
	Sums []byte           // the hashes, one after the other
	New  func() hash.Hash // makes the hash
}

func (s Segments) none() bool { return len(s.Sums) == 0 }

func (s Segments) validate(length int64) error {
	if s.none() {
		return nil
	}
	if s.Size < 4<<10 || s.New == nil {
		return errors.New("segments of less than 4 KiB, or without a hash")
	}
	if want := (length + s.Size - 1) / s.Size * int64(s.New().Size()); int64(len(s.Sums)) != want {
		return fmt.Errorf("hashes of %d bytes for the segments of a file of %d, want %d", len(s.Sums), length, want)
	}
	return nil
}

// Request is one file to fetch.
type Request struct {
	URLs     []string // http or https; the first is preferred, the others are mirrors
	Path     string   // where it goes; ends in [Suffix]; its folder exists
	Length   int64    // in bytes, from signed metadata
	Priority Priority
	Segments Segments
	Space    int64   // bytes that must be free beyond the download before it begins
	Switch   *Switch // pauses it; may be nil

	// Progress, which may be nil, is told at the start and at the end, about ten times a second, and when it begins or stops to wait.
	// Calls come one after the other and must return soon.
	Progress func(Progress)
}

func (r Request) validate() error {
	if len(r.URLs) == 0 {
		return errors.New("no address")
	}
	for _, address := range r.URLs {
		u, err := url.Parse(address)
		if err != nil {
			return err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%q is no http or https address", address)
		}
	}
	switch {
	case !strings.HasSuffix(r.Path, Suffix):
		return fmt.Errorf("%q does not end in %s", r.Path, Suffix)
	case r.Length < 0 || r.Length > 1<<60:
		return fmt.Errorf("a length of %d bytes", r.Length)
	case r.Space < 0 || r.Space > 1<<60:
		return fmt.Errorf("%d bytes of space", r.Space)
	case r.Priority != Background && r.Priority != Asked:
		return fmt.Errorf("priority %d", r.Priority)
	}
	return r.Segments.validate(r.Length)
}

// Fetcher fetches files. It may be used by several goroutines at once, for different paths. One for a process is enough: its limits hold over
// all that it fetches.
type Fetcher struct {
	o          Options
	client     *http.Client
	slots      slots
	brake      brake
	breakers   breakers
	background Switch
	conditions Switch // never paused: it wakes who asks May
}

// New returns a Fetcher.
func New(o Options) (*Fetcher, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	client := *o.Client
	client.CheckRedirect = noDowngrade(o.Client.CheckRedirect)
	f := &Fetcher{o: o, client: &client, slots: slots{free: o.Parallel}, breakers: breakers{after: uint32(min(o.BreakAfter, 1<<30)), rest: o.BreakFor}}
	f.brake.set(o.Limit)
	return f, nil
}

// SetLimit changes the bandwidth limit, also for what is on its way.
func (f *Fetcher) SetLimit(l Limit) error {
	if err := l.validate(); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	f.brake.set(l)
	return nil
}

// Background pauses and resumes everything that nobody asked for.
func (f *Fetcher) Background() *Switch { return &f.background }

// Reconsider asks Options.May again for every download, now.
func (f *Fetcher) Reconsider() { f.conditions.poke() }

// Fetch returns when the file at r.Path has r.Length bytes, all segments proven, or with an error. It takes up what an earlier call left.
func (f *Fetcher) Fetch(ctx context.Context, r Request) error {
	if err := r.validate(); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	d := newDownload(f, r)
	if err := d.run(ctx); err != nil {
		return fmt.Errorf("fetch %s: %w", d.sources.all[0].name(), err)
	}
	return nil
}

var errRedirect = errors.New("refused to be sent elsewhere")

func noDowngrade(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
			return fmt.Errorf("%w: from https to %s", errRedirect, req.URL.Redacted())
		}
		if next != nil {
			return next(req, via)
		}
		if len(via) >= 10 {
			return fmt.Errorf("%w: more than 10 times", errRedirect)
		}
		return nil
	}
}
