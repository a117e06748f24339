// Package receive takes releases over HTTP from publishers who have no account.
//
// Parties. A publisher signs a release role's document, offline, and sends it
// with the files that it names. This package keeps them until all is there; the
// feed's repository, behind [Options], says whether the document may be
// published and does so with the server's online keys. The protocol is written
// down in the package vcm.
//
// Trust. Anybody may ask, so that the release key's signature is the only
// authority: without a document that it signed, and that follows the published
// one, nothing is kept. A document names each file with its length and SHA-256;
// bytes beyond the length are not read, and bytes with another hash are dropped.
// Stealing what this server has, or its traffic, is no way to publish anything.
//
// Guarantees. Nothing of a proposal can be seen by clients before all of its
// files are in the feed, proven. No file that a published release names is
// replaced by another one. Whatever is broken off can be taken up: a proposal is
// known by its document's hash, and a file continues where it stopped. Disk use
// is bounded by what signed documents name, their number by MaxOpen, and what
// was abandoned is removed.
//
//	incoming/<id>/proposal.json              the app and the document
//	incoming/<id>/<hash of path>.unverified  what came of a file so far
//
// A crash leaves these, and possibly files in the feed that a signed document
// names and that is not published yet: repeating the request goes on from there.
package receive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// Examined is what the repository says of a document.
type Examined struct {
	Version int64
	Already bool              // it says what is published
	Added   []release.Release // that are not published yet
}

// Refusal is an error that a publisher is told, word for word. Others are the
// server's own trouble.
type Refusal struct {
	Err   error
	Stale bool // another document came first
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Options configures New.
type Options struct {
	Dir *os.Root // holds feed/, and incoming/ once there is something
	// Examine verifies a document as clients would, and changes nothing.
	Examine func(app string, document []byte) (Examined, error)
	// Releases returns what is published, of all apps.
	Releases func() ([]release.Release, error)
	// Publish verifies a document again and makes it public; one that is public
	// already is no error.
	Publish func(ctx context.Context, app string, document []byte) error

	MaxOpen int              // proposals that are not published; 0: 8
	Keep    time.Duration    // how long one may rest; 0: 48 h
	Idle    time.Duration    // how long a sender of a file may send nothing, and a whole document may take; 0: 30 s
	Log     *slog.Logger     // nil: silent
	Now     func() time.Time // nil: time.Now
}

func (o *Options) validate() error {
	if o.Dir == nil || o.Examine == nil || o.Releases == nil || o.Publish == nil {
		return errors.New("receive: Dir, Examine, Releases and Publish are needed")
	}
	if o.MaxOpen <= 0 {
		o.MaxOpen = 8
	}
	if o.Keep <= 0 {
		o.Keep = 48 * time.Hour
	}
	if o.Idle <= 0 {
		o.Idle = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Receiver is the server's side of publishing.
type Receiver struct {
	o     Options
	mux   *http.ServeMux
	mu    sync.Mutex    // proposals come, are published and are swept one at a time
	asked chan struct{} // documents that come at once
	slots chan struct{} // files that come at once

	busyMu sync.Mutex
	busy   map[string]bool // files that come, as paths below incoming
}

const (
	feed     = "feed/"
	incoming = "incoming"
	// maxAsked bounds the memory that strangers can take: each holds a document.
	maxAsked = 16
	// maxSenders bounds the connections that may stay open for long.
	maxSenders = 32
)

// New makes a Receiver. It serves the paths at and below vcm.PublishPath.
func New(o Options) (*Receiver, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	r := &Receiver{o: o, mux: http.NewServeMux(), asked: make(chan struct{}, maxAsked), slots: make(chan struct{}, maxSenders), busy: map[string]bool{}}
	r.mux.HandleFunc("POST "+vcm.PublishPath, r.answer(r.propose))
	r.mux.HandleFunc("POST "+vcm.PublishPath+"/{id}", r.answer(r.publish))
	r.mux.HandleFunc("PUT "+vcm.PublishPath+"/{id}/{path...}", r.answer(r.take))
	return r, nil
}

func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// problem is an answer that is an error.
type problem struct {
	status int
	text   string
	body   any // instead of the text; may be nil
	retry  int // seconds, for Retry-After; 0: none
}

func (p *problem) Error() string { return p.text }

// answer turns a result into JSON.
func (r *Receiver) answer(do func(http.ResponseWriter, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		body, err := do(w, req)
		status := http.StatusOK
		if err != nil {
			p := r.problem(req, err)
			status, body = p.status, p.body
			if body == nil {
				body = vcm.Refusal{Error: p.text}
			}
			if p.retry > 0 {
				h.Set("Retry-After", fmt.Sprint(p.retry))
			}
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

func (r *Receiver) problem(req *http.Request, err error) *problem {
	var known *problem
	var refused *Refusal
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused) && refused.Stale:
		return &problem{status: http.StatusConflict, text: refused.Error()}
	case errors.As(err, &refused):
		return &problem{status: http.StatusUnprocessableEntity, text: refused.Error()}
	}
	r.o.Log.Error("publishing failed", "method", req.Method, "path", req.URL.Path, "err", err)
	return &problem{status: http.StatusInternalServerError, text: "the server has trouble of its own; its log says more"}
}

// propose looks at a document, keeps it where it may be published, and says
// what is missing.
func (r *Receiver) propose(w http.ResponseWriter, req *http.Request) (any, error) {
	done, err := enter(r.asked)
	if err != nil {
		return nil, err
	}
	defer done()
	document, err := r.document(w, req)
	if err != nil {
		return nil, err
	}
	app := req.URL.Query().Get("app")
	if err := release.CheckApp(app); err != nil {
		return nil, &problem{status: http.StatusBadRequest, text: err.Error()}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.examine(kept{app, document})
	if err != nil {
		return nil, err
	}
	answer, err := p.answer(r)
	if err != nil || answer.Published {
		return answer, err
	}
	return answer, r.keep(p)
}

// document reads what is proposed. It has to arrive within Idle as a whole, since it holds a place: whoever sends bit by
// bit must not keep others out.
func (r *Receiver) document(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	if err := wait(http.NewResponseController(w), r.o.Idle); err != nil {
		return nil, err
	}
	document, err := io.ReadAll(http.MaxBytesReader(w, req.Body, vcm.MaxProposal))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, &problem{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf("a document has at most %d bytes", vcm.MaxProposal)}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &problem{status: http.StatusRequestTimeout, text: fmt.Sprintf("the document did not arrive whole within %s", r.o.Idle)}
	case err != nil:
		return nil, &problem{status: http.StatusBadRequest, text: "the document did not arrive whole"}
	}
	return document, nil
}

// enter takes one of a bounded number of places.
func enter(places chan struct{}) (leave func(), err error) {
	select {
	case places <- struct{}{}:
		return func() { <-places }, nil
	default:
		return nil, &problem{status: http.StatusServiceUnavailable, retry: 5, text: "too many publishers are at work here; come back soon"}
	}
}

// place is where a release's files may lie. Metadata is none of them: it is all apps', and a release's keys are one
// app's. Capital letters could be another spelling of a name that is taken, where the system makes no difference.
var place = regexp.MustCompile(`^(artifacts|patches)/[^A-Z]+$`)

// proposal is one that the repository agreed to.
type proposal struct {
	kept
	Examined
	blobs map[string]release.Blob // by path, that must be in the feed
}

// examine asks the repository, and lists the files that must come.
func (r *Receiver) examine(k kept) (*proposal, error) {
	known, err := r.o.Examine(k.App, k.Document)
	if err != nil {
		return nil, err
	}
	published, err := r.o.Releases()
	if err != nil {
		return nil, err
	}
	p := &proposal{kept: k, Examined: known, blobs: map[string]release.Blob{}}
	out := map[string]release.Blob{}
	for _, b := range vcm.Blobs(published) {
		out[b.Path] = b
	}
	for _, b := range vcm.Blobs(known.Added) {
		if !place.MatchString(b.Path) {
			return nil, &Refusal{Err: fmt.Errorf("%s is no place for a file: use artifacts/ and patches/, and small letters", b.Path)}
		}
		if other, taken := out[b.Path]; taken && other != b {
			return nil, &Refusal{Err: fmt.Errorf("%s is published with SHA-256 %s, and a client may be downloading it; publish with the bytes that are there", b.Path, other.SHA256)}
		}
		out[b.Path], p.blobs[b.Path] = b, b
	}
	if known.Already && r.isServed(p) {
		for _, rel := range published {
			if rel.App == k.App {
				for _, b := range vcm.Blobs([]release.Release{rel}) {
					p.blobs[b.Path] = b
				}
			}
		}
	}
	return p, nil
}

// isServed tells whether the document is the one in the feed, byte for byte. It
// alone may bring lost files back: documents that merely say the same can be
// made by anybody in any number.
func (r *Receiver) isServed(p *proposal) bool {
	data, err := r.o.Dir.ReadFile(fmt.Sprintf("%smetadata/%d.%s.json", feed, p.Version, release.Role(p.App)))
	return err == nil && bytes.Equal(data, p.Document)
}

func (p *proposal) folder() string { return incoming + "/" + p.id() }

// part is what came of a file so far. It is named by the file's path, since two
// files may have the same content.
func (p *proposal) part(b release.Blob) string {
	return p.folder() + "/" + release.Digest(sha256.Sum256([]byte(b.Path))).String() + ".unverified"
}

// answer says what is missing: neither in the feed, nor here in full length. It
// is published once nothing has to be put into the feed any more.
func (p *proposal) answer(r *Receiver) (vcm.Proposal, error) {
	a := vcm.Proposal{ID: p.id(), App: p.App, Version: p.Version, Published: p.Already, Missing: []vcm.Missing{}}
	for _, b := range p.blobs {
		whole, err := r.inFeed(b, !p.Already)
		if err != nil {
			return a, err
		}
		if whole {
			continue
		}
		a.Published = false
		have, err := r.size(p.part(b))
		if err != nil {
			return a, err
		}
		if have != b.Length {
			a.Missing = append(a.Missing, vcm.Missing{Path: b.Path, Length: b.Length, SHA256: b.SHA256, Have: max(have, 0)})
		}
	}
	return a, nil
}

// inFeed tells whether the feed has a file. Whether its content is right is
// looked at only where nobody has before.
func (r *Receiver) inFeed(b release.Blob, closely bool) (bool, error) {
	n, err := r.size(feed + b.Path)
	if err != nil || n != b.Length || !closely {
		return n == b.Length, err
	}
	f, err := r.o.Dir.Open(feed + b.Path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return false, err
	}
	return release.Digest(sum.Sum(nil)) == b.SHA256, nil
}

// size is -1 for a file that is not there.
func (r *Receiver) size(name string) (int64, error) {
	info, err := r.o.Dir.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return -1, nil
	case err != nil:
		return -1, err
	case !info.Mode().IsRegular():
		return -1, fmt.Errorf("%s is in the way: it is no file", name)
	}
	return info.Size(), nil
}
