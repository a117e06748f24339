// Package outcome tells the makers of a program how its updates went, if the user agrees to that.
//
// Parties: the engine, which adds one report for each release that came to an end here; the user, who may read every byte of a report before
// and after it is sent; a server, which gets it.
//
// Trust: the server is told nothing that names the user, the computer or what is on it, whatever it answers: see [Report]. Its answers are looked
// at as far as their status and one header.
//
// Guarantees: nothing is sent while Enabled says no. What is sent is, byte for byte, what [Queue.Look] showed. A release is reported once: a later
// outcome takes the place of one that has not been sent, and is left out after one that has. What cannot be sent now is sent later, at
// growing intervals. Never are more than [Kept] reports waiting; the oldest go.
//
// A crash leaves the reports as they were before or after a change; one that was on its way may be sent again, with the same id.
package outcome

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// Kept is how many reports wait at most, and of how many releases it is remembered that they were reported.
const Kept = 50

const (
	fileName    = "outcomes.json"
	lockName    = "outcomes.lock"
	sendingName = "outcomes.sending"
	maxFile     = 1 << 20 // bytes
)

// Report is how one release fared on one computer: everything there is to send. There is no field in it for a name, a path, an address or a
// number that stays the same from one report to the next.
type Report struct {
	ID         string `json:"id"` // random, of this report alone: one that arrives twice counts once
	App        string `json:"app"`
	Platform   string `json:"platform"`
	Channel    string `json:"channel"`
	From       string `json:"from"` // versions
	To         string `json:"to"`
	Result     string `json:"result"` // the state in which it ended, or "gone-back"
	Stage      string `json:"stage"`  // the state before that
	Code       string `json:"code"`   // why; "" when all went well
	How        string `json:"how"`    // what made the restart possible
	Restored   int    `json:"restored"`
	Total      int    `json:"total"`
	Bytes      int64  `json:"bytes"` // downloaded
	Codec      string `json:"codec"`
	DownloadMS int64  `json:"downloadMs"`
	ApplyMS    int64  `json:"applyMs"`
	HandoverMS int64  `json:"handoverMs"`
	Day        string `json:"day"` // 2026-03-01, in UTC
}

// Options configure a Queue.
type Options struct {
	Dir     string       // created with 0700; for this alone, or with names that do not begin with "outcomes."
	URL     string       // that takes reports by POST; "": they only wait
	Enabled func() bool  // whether the user agrees, asked each time before something is sent
	Client  *http.Client // nil: one with the environment's proxy settings
	Now     func() time.Time
	Log     *slog.Logger
}

func (o *Options) validate() error {
	if o.Dir == "" || o.Enabled == nil {
		return errors.New("outcome: Dir and Enabled must be given")
	}
	if u, err := url.Parse(o.URL); err != nil || o.URL != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("outcome: URL %q must be http or https", o.URL)
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Queue holds reports until they are sent. Several processes may use the same folder.
type Queue struct {
	opts Options

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there may be something to send
}

// waiting is a report that has not been sent.
type waiting struct {
	Release string    `json:"release"`
	After   time.Time `json:"after"` // until then another outcome may take its place
	Body    []byte    `json:"body"`
}

// Sent is a report that was sent.
type Sent struct {
	At   time.Time `json:"at"`
	Body []byte    `json:"body"`
}

// content is what the file holds.
type content struct {
	Waiting []waiting `json:"waiting"` // oldest first
	Told    []string  `json:"told"`    // releases that were reported, oldest first
	Last    *Sent     `json:"last"`
}

// Open prepares the folder.
func Open(o Options) (*Queue, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the reports: %w", err)
	}
	q := &Queue{opts: o, changed: make(chan struct{})}
	if err := q.inside(func(*os.Root) error { return nil }); err != nil {
		return nil, fmt.Errorf("open the reports: %w", err)
	}
	return q, nil
}

// inside opens the folder for a moment: on Windows nobody can move or delete one that is open, and this queue has no end.
func (q *Queue) inside(do func(*os.Root) error) error {
	root, err := os.OpenRoot(q.opts.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return do(root)
}

// Add puts a report in the queue, or in the place of one of the same release. It is not sent before settle has passed, in case another outcome follows.
// The report's ID and Day are filled in.
func (q *Queue) Add(release string, r Report, settle time.Duration) error {
	now := q.opts.Now().UTC()
	r.ID, r.Day = newID(), now.Format(time.DateOnly)
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("report an update: %w", err)
	}
	err = q.change(func(c *content) {
		if slices.Contains(c.Told, release) {
			return
		}
		c.Waiting = slices.DeleteFunc(c.Waiting, func(w waiting) bool { return w.Release == release })
		c.Waiting = newest(append(c.Waiting, waiting{release, now.Add(settle), body}))
	})
	if err != nil {
		return fmt.Errorf("report an update: %w", err)
	}
	q.Changed()
	return nil
}

// Changed has the queue ask Enabled again.
func (q *Queue) Changed() {
	q.mu.Lock()
	close(q.changed)
	q.changed = make(chan struct{})
	q.mu.Unlock()
}

// Look returns what was sent last, nil where nothing was, and what would be sent next, oldest first: the very bytes.
func (q *Queue) Look() (last *Sent, next [][]byte, err error) {
	var c content
	err = q.inside(func(root *os.Root) error {
		c, err = q.load(root)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the reports: %w", err)
	}
	for _, w := range c.Waiting {
		next = append(next, w.Body)
	}
	return c.Last, next, nil
}

func newest[T any](all []T) []T { return all[max(0, len(all)-Kept):] }

// load reads the file. One that makes no sense is none: nothing in it is worth more than starting anew.
func (q *Queue) load(root *os.Root) (content, error) {
	var c content
	info, err := root.Stat(fileName)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if info.Size() > maxFile {
		return content{}, nil
	}
	data, err := root.ReadFile(fileName)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(data, &c); err != nil {
		q.opts.Log.Warn("the waiting reports make no sense and are dropped", "why", err)
		return content{}, nil
	}
	c.Waiting, c.Told = newest(c.Waiting), newest(c.Told)
	return c, nil
}

// change changes the file while no other process does.
func (q *Queue) change(do func(*content)) error {
	return q.inside(func(root *os.Root) error {
		lock, err := durable.Acquire(root, lockName)
		if err != nil {
			return err
		}
		defer lock.Release()
		c, err := q.load(root)
		if err != nil {
			return err
		}
		do(&c)
		data, err := json.Marshal(c)
		if err != nil {
			return err
		}
		return durable.WriteFile(root, fileName, data, 0o600)
	})
}
