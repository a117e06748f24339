// Package passing carries what the user must not lose from one process's window to another's while the second takes the first one's place:
// every change of the page, every key, and the place on the screen.
//
// Parties: the two ends of an open handover, the incumbent, whose window it is, and the successor. Each opens a Passage on its end.
//
// Trust: both are this app, started one by the other, but they may be different versions. What one does not understand it leaves alone; what
// makes no sense ends the passage, never the process.
//
// Guarantees: what is sent arrives in the order in which it was sent, keys among the rest, or the passage is broken and says so. Sending never
// waits: it may be done on the window's own thread. What waits to be sent is bounded.
//
// A crash leaves nothing here: the handover knows who is in charge.
package passing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/tesseract-desktop/tesseract/app/window"
	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// Link is an end of an open handover: *handover.Incumbent or *handover.Successor.
type Link interface {
	Send(ctx context.Context, kind string, data json.RawMessage) error
	Messages() <-chan handover.Message
}

// Version is that of the messages below and of the items that the pages exchange. Two that speak different ones pass nothing.
const Version = 1

// Meeting is the incumbent's first message: what the successor is about to take the place of.
type Meeting struct {
	Version int          `json:"version"`
	Beneath bool         `json:"beneath"` // the window is on the screen: come up beneath it
	Frame   window.Frame `json:"frame"`
}

// Last is what the page of the incumbent shows when the keyboard leaves it, in the page's own words, with the frame. It travels with the word
// to take over.
type Last struct {
	Frame window.Frame `json:"frame"`
	Page  string       `json:"page,omitempty"`
}

const (
	kindMeeting = "meeting" // → Meeting
	kindFrame   = "frame"   // → window.Frame: the user has moved the window
	kindThere   = "there"   // ← the window is beneath
	kindItem    = "item"    // ↔ for the page
	kindKey     = "key"     // → window.Key
	kindEnd     = "end"     // → no key will come any more
)

// most bounds what waits to be sent, in bytes.
const most = 64 << 20

// ErrBroken says that the passage has ended before it was complete.
var ErrBroken = errors.New("the connection between the two versions is broken")

// Options say what to do with what arrives. The callbacks are called one after the other, in the order of arrival.
type Options struct {
	Item  func(item json.RawMessage)
	Frame func(window.Frame)
	Log   *slog.Logger
}

// Passage is one end.
type Passage struct {
	link Link
	opts Options

	mu      sync.Mutex
	queue   []parcel
	size    int
	more    chan struct{} // closed and replaced when something is put into the queue
	full    bool
	broken  chan struct{}
	met     chan struct{} // closed with meeting
	there   chan struct{}
	end     chan struct{} // closed when keys is complete
	meeting Meeting
	keys    []window.Key
}

type parcel struct {
	kind string
	data json.RawMessage
}

// Open begins to send and to listen, until ctx is done or the handover's connection ends.
func Open(ctx context.Context, link Link, o Options) *Passage {
	p := &Passage{
		link: link, opts: o, more: make(chan struct{}), broken: make(chan struct{}),
		met: make(chan struct{}), there: make(chan struct{}), end: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		p.send(ctx)
	}()
	go func() {
		defer cancel()
		p.listen(ctx)
	}()
	context.AfterFunc(ctx, func() { close(p.broken) })
	return p
}

// Broken is closed when nothing passes any more.
func (p *Passage) Broken() <-chan struct{} { return p.broken }

// Meet says what the successor is about to replace.
func (p *Passage) Meet(m Meeting) error {
	m.Version = Version
	return p.put(kindMeeting, m)
}

// There says that the successor's window is beneath.
func (p *Passage) There() error { return p.put(kindThere, struct{}{}) }

// Move says that the user has moved the window.
func (p *Passage) Move(f window.Frame) error { return p.put(kindFrame, f) }

// Item passes what one page has to tell the other.
func (p *Passage) Item(item json.RawMessage) error { return p.enqueue(kindItem, item) }

// Input passes a key, or the end of them.
func (p *Passage) Input(in window.Input) error {
	if in.End {
		return p.put(kindEnd, struct{}{})
	}
	return p.put(kindKey, in.Key)
}

// Meeting waits for what the incumbent says first.
func (p *Passage) Meeting(ctx context.Context) (Meeting, error) {
	if err := p.wait(ctx, p.met, "what the running version shows"); err != nil {
		return Meeting{}, err
	}
	return p.meeting, nil
}

// AwaitThere waits until the successor's window is beneath.
func (p *Passage) AwaitThere(ctx context.Context) error {
	return p.wait(ctx, p.there, "the new version's window")
}

// Keys waits for the end of the incumbent's keys, and returns them all.
func (p *Passage) Keys(ctx context.Context) ([]window.Key, error) {
	if err := p.wait(ctx, p.end, "the last key"); err != nil {
		return nil, err
	}
	return p.keys, nil
}

func (p *Passage) wait(ctx context.Context, event <-chan struct{}, what string) error {
	select {
	case <-event:
		return nil
	default:
	}
	select {
	case <-event:
		return nil
	case <-p.broken:
		return fmt.Errorf("wait for %s: %w", what, ErrBroken)
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
	}
}

func (p *Passage) put(kind string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("pass on %s: %w", kind, err)
	}
	return p.enqueue(kind, data)
}

func (p *Passage) enqueue(kind string, data json.RawMessage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.broken:
		return ErrBroken
	default:
	}
	if p.size+len(data) > most {
		p.full = true // what is missing from the middle makes the rest useless
	}
	if p.full {
		return fmt.Errorf("pass on %s: more than %d bytes wait: %w", kind, most, ErrBroken)
	}
	p.queue, p.size = append(p.queue, parcel{kind, data}), p.size+len(data)
	close(p.more)
	p.more = make(chan struct{})
	return nil
}

func (p *Passage) send(ctx context.Context) {
	for {
		p.mu.Lock()
		batch, full, more := p.queue, p.full, p.more
		p.queue, p.size = nil, 0
		p.mu.Unlock()
		for _, parcel := range batch {
			if err := p.link.Send(ctx, parcel.kind, parcel.data); err != nil {
				p.opts.Log.Info("nothing can be passed on any more", "why", err)
				return
			}
		}
		if full {
			return
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

func (p *Passage) listen(ctx context.Context) {
	for {
		select {
		case m, open := <-p.link.Messages():
			if !open {
				return
			}
			if err := p.take(m); err != nil {
				p.opts.Log.Warn("what the other version said makes no sense", "kind", m.Kind, "why", err)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// mostKeys bounds the keys that are held for the successor: hours of typing.
const mostKeys = 1 << 16

func (p *Passage) take(m handover.Message) error {
	switch m.Kind {
	case kindItem:
		p.opts.Item(m.Data)
	case kindMeeting:
		return once(p.met, m.Data, &p.meeting)
	case kindThere:
		return once(p.there, m.Data, &struct{}{})
	case kindEnd:
		return once(p.end, m.Data, &struct{}{})
	case kindFrame:
		var f window.Frame
		if err := json.Unmarshal(m.Data, &f); err != nil {
			return err
		}
		p.opts.Frame(f)
	case kindKey:
		var key window.Key
		if err := json.Unmarshal(m.Data, &key); err != nil {
			return err
		}
		if done(p.end) || len(p.keys) == mostKeys {
			return errors.New("a key too many")
		}
		p.keys = append(p.keys, key)
	}
	return nil
}

// once reads what may come one time only.
func once(event chan struct{}, data json.RawMessage, v any) error {
	if done(event) {
		return errors.New("it came before")
	}
	if err := json.Unmarshal(data, v); err != nil {
		return err
	}
	close(event)
	return nil
}

func done(event <-chan struct{}) bool {
	select {
	case <-event:
		return true
	default:
		return false
	}
}
