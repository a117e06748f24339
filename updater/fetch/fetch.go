// Package fetch brings one file of known length from a server to disk.
//
// Parties: a caller that knows the length and, from signed metadata, the hash of what it wants; a server, with
// proxies and captive portals in front of it, that may stall, lie, or send something else.
//
// Trust: none. What is fetched stays under a name that ends in ".unverified" until the caller has checked its
// hash. The server decides nothing but the bytes: never more than the expected length is written, no answer
// is held in memory, and an https address is never followed to plain http.
//
// Guarantees. When Fetch returns nil, the file has exactly the expected length. Otherwise the error is one of the
// package's kinds and says what to do. A transfer that breaks off is taken up again where it stopped, in
// this call, in a later one and after a crash.
//
// A crash leaves the part fetched so far and beside it, in a file of the same name with ".validator" added, what
// the server needs to tell whether its file is still the same. Both go once the file is complete or useless.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// The kinds of errors. Errors of ctx are returned as they are, with [context.Cause].
var (
	ErrTruncated   = errors.New("the server sent less than the release says; try again later")
	ErrTooLong     = errors.New("the server sent more than the release says; it serves another file under this address")
	ErrUnreachable = errors.New("the server cannot be reached or does not answer properly; check the connection")
	ErrNotFound    = errors.New("the server does not have the file")
	ErrDiskFull    = errors.New("the disk is full; free some space")
)

// BusyError says that the server asks to stay away for longer than a Fetch waits. It is an [ErrUnreachable].
type BusyError struct{ After time.Duration }

func (e *BusyError) Error() string {
	return fmt.Sprintf("the server is busy and asks to come back in %s", e.After.Round(time.Second))
}

// Unwrap makes it an ErrUnreachable.
func (e *BusyError) Unwrap() error { return ErrUnreachable }

// Suffix ends the name of every file that has not been verified.
const Suffix = ".unverified"

const validatorSuffix = ".validator"

// Options configure a Fetcher. The zero value is usable.
type Options struct {
	Client      *http.Client  // nil: http.DefaultClient. A Timeout in it would cut long downloads off: leave it 0.
	IdleTimeout time.Duration // how long a server may send nothing; 0: 30 s
	Attempts    int           // tries without noticeable progress before giving up; 0: 6
	Backoff     time.Duration // the first pause between tries, doubled each time; 0: 1 s
	MaxWait     time.Duration // the longest pause, also when the server asks for one; 0: 2 min
	Log         *slog.Logger  // nil: discarded
}

func (o *Options) validate() error {
	if o.IdleTimeout < 0 || o.Attempts < 0 || o.Backoff < 0 || o.MaxWait < 0 {
		return errors.New("fetch: a duration or count below zero in the options")
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.Attempts == 0 {
		o.Attempts = 6
	}
	if o.Backoff == 0 {
		o.Backoff = time.Second
	}
	if o.MaxWait == 0 {
		o.MaxWait = 2 * time.Minute
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Request is one file to fetch.
type Request struct {
	URL    string // http or https
	Path   string // where it goes; ends in [Suffix]; its folder exists
	Length int64  // in bytes, from signed metadata
	// Progress, which may be nil, is told the bytes on disk, about ten times a second, and once at the
	// start and at the end. It goes back when the server makes a transfer start anew.
	Progress func(done, total int64)
}

func (r Request) validate() error {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("%q is no http or https address", r.URL)
	case !strings.HasSuffix(r.Path, Suffix):
		return fmt.Errorf("%q does not end in %s", r.Path, Suffix)
	case r.Length < 0:
		return fmt.Errorf("a length of %d bytes", r.Length)
	}
	return nil
}

// Fetcher fetches files. It may be used by several goroutines at once, for different paths.
type Fetcher struct {
	o      Options
	client *http.Client
}

// New returns a Fetcher.
func New(o Options) (*Fetcher, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	client := *o.Client
	client.CheckRedirect = noDowngrade(o.Client.CheckRedirect)
	return &Fetcher{o: o, client: &client}, nil
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

// noticeable is the progress that makes a try count as a success for the number of tries left.
const noticeable = 256 << 10

// Fetch returns when the file at r.Path has r.Length bytes, or with an error. It takes up what an earlier call left.
func (f *Fetcher) Fetch(ctx context.Context, r Request) error {
	if err := r.validate(); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	t := &transfer{f: f, r: r, meter: newMeter(r.Progress, r.Length)}
	err := t.run(ctx)
	if err != nil {
		return fmt.Errorf("fetch %s: %w", t.name(), err)
	}
	return nil
}

// transfer is one call of Fetch.
type transfer struct {
	f     *Fetcher
	r     Request
	meter *meter
	file  *os.File
	have  int64 // bytes in the file
}

func (t *transfer) name() string {
	u, err := url.Parse(t.r.URL)
	if err != nil {
		return t.r.URL
	}
	return u.Redacted()
}

func (t *transfer) run(ctx context.Context) error {
	if err := t.open(); err != nil {
		return diskError(err)
	}
	defer t.file.Close()
	t.meter.first(t.have)
	failures := 0
	for t.have < t.r.Length {
		before := t.have
		err := t.try(ctx)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var again *retry
		if !errors.As(err, &again) {
			if errors.Is(err, ErrDiskFull) {
				t.remove() // what is there would keep the disk full
			}
			return err
		}
		if failures++; t.have-before >= noticeable {
			failures = 1
		}
		if failures >= t.f.o.Attempts {
			return again.err
		}
		pause, ok := t.f.pause(failures, again.after)
		if !ok {
			return &BusyError{After: again.after}
		}
		t.f.o.Log.Info("fetch: trying again", "url", t.name(), "have", t.have, "of", t.r.Length, "pause", pause, "because", again.err)
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	if err := t.file.Close(); err != nil {
		return diskError(err)
	}
	t.meter.last(t.have)
	_ = os.Remove(t.r.Path + validatorSuffix)
	return nil
}

func (t *transfer) open() error {
	file, err := os.OpenFile(t.r.Path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return err
	}
	t.file, t.have = file, info.Size()
	if t.have > t.r.Length {
		if err := t.restart(); err != nil {
			file.Close()
			return err
		}
	}
	return nil
}

// restart forgets everything fetched so far.
func (t *transfer) restart() error {
	_ = os.Remove(t.r.Path + validatorSuffix)
	if t.have == 0 {
		return nil
	}
	if err := t.file.Truncate(0); err != nil {
		return diskError(err)
	}
	t.have = 0
	return nil
}

func (t *transfer) remove() {
	_ = t.file.Close()
	_ = os.Remove(t.r.Path)
	_ = os.Remove(t.r.Path + validatorSuffix)
}

// retry is an error after which another try makes sense.
type retry struct {
	err   error
	after time.Duration // what the server asked for, 0 if nothing
}

func (r *retry) Error() string { return r.err.Error() }
func (r *retry) Unwrap() error { return r.err }

// pause is how long to wait after so many failures, false when the server asks for more than we wait.
func (f *Fetcher) pause(failures int, asked time.Duration) (time.Duration, bool) {
	if asked > f.o.MaxWait {
		return 0, false
	}
	pause := f.o.MaxWait
	if shift := failures - 1; shift < 20 {
		pause = min(pause, f.o.Backoff<<shift)
	}
	// A crowd that lost the server at once must not come back at once.
	pause = pause/2 + rand.N(pause/2+1)
	return max(pause, asked), true
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

func diskError(err error) error {
	if isDiskFull(err) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("write the download: %w", err)
	}
	return err
}
