package handover

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
)

const (
	// MaxMessage is the most data one message may carry, in bytes.
	MaxMessage = 16 << 20
	// window is how many bytes of mail may be under way to a side that has not taken them yet. Beyond it the sender waits: the receiver's
	// memory is bounded, and its reading never stops, so that a death is noticed however much mail lies about.
	window = 2 * MaxMessage
	// perMessage is what a message costs of the window beside its data.
	perMessage = 128
	// maxKind is the longest kind of a message, in bytes.
	maxKind = 64
)

// mail is both directions of what the apps tell one another.
type mail struct {
	turn  chan struct{} // held by who sends, so that messages leave in the order of the calls
	ended chan struct{} // closed when nothing more will come
	start sync.Once     // of the goroutine that delivers
	out   chan Message

	mu      sync.Mutex
	room    chan struct{} // closed and replaced when left grows
	left    int64         // of the other side's window
	sent    uint64        // the number of the last message that left
	seen    uint64        // of the last that came
	held    int64         // bytes that have come and that the other side does not know to be taken
	queue   []Message
	waiting chan struct{} // holds a value when queue has grown
}

func newMail() *mail {
	return &mail{turn: make(chan struct{}, 1), ended: make(chan struct{}), out: make(chan Message),
		room: make(chan struct{}), left: window, waiting: make(chan struct{}, 1)}
}

func cost(data []byte) int64 { return int64(len(data)) + perMessage }

// Send and Messages of both sides.

func (l *link) post(ctx context.Context, kind string, data json.RawMessage) error {
	if kind == "" || len(kind) > maxKind || len(data) > MaxMessage {
		return fmt.Errorf("send %q: a kind has 1 to %d bytes and data at most %d; these have %d and %d",
			kind[:min(len(kind), maxKind)], maxKind, MaxMessage, len(kind), len(data))
	}
	if err := l.mail.claim(ctx, cost(data)); err != nil {
		return fmt.Errorf("send %q: %w", kind, err)
	}
	defer func() { <-l.mail.turn }()
	return l.write(message{Kind: kindMail, Name: kind, Seq: l.mail.number()}, data, nil)
}

// claim waits for the caller's turn and then for room. When it returns nil the turn is the caller's.
func (m *mail) claim(ctx context.Context, bytes int64) error {
	select {
	case m.turn <- struct{}{}:
	case <-m.ended:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		m.mu.Lock()
		room, enough := m.room, m.left >= bytes
		if enough {
			m.left -= bytes
		}
		m.mu.Unlock()
		if enough {
			return nil
		}
		var err error
		select {
		case <-room:
			continue
		case <-m.ended:
			err = ErrClosed
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		<-m.turn
		return err
	}
}

func (m *mail) number() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	return m.sent
}

// taken makes room for what the other side's app has read.
func (m *mail) taken(bytes int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes <= 0 || bytes > window-m.left {
		return fmt.Errorf("%d bytes were taken that were not sent: %w", bytes, ErrRefused)
	}
	m.left += bytes
	close(m.room)
	m.room = make(chan struct{})
	return nil
}

// fits says whether so much data may still come.
func (m *mail) fits(bytes int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held+bytes+perMessage <= window
}

func (m *mail) arrived(got Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if got.Kind == "" || len(got.Kind) > maxKind || got.Seq != m.seen+1 || m.held+cost(got.Data) > window {
		return fmt.Errorf("message %d after %d, with %d bytes on %d: %w", got.Seq, m.seen, len(got.Data), m.held, ErrRefused)
	}
	m.seen = got.Seq
	m.held += cost(got.Data)
	m.queue = append(m.queue, got)
	select {
	case m.waiting <- struct{}{}:
	default:
	}
	return nil
}

func (m *mail) end() { close(m.ended) }

// messages starts to deliver at the first call.
func (l *link) messages() <-chan Message {
	l.mail.start.Do(func() { go l.deliver() })
	return l.mail.out
}

// deliver passes on what has come, and says so when enough has been taken that the sender may want to know.
func (l *link) deliver() {
	m := l.mail
	defer close(m.out)
	var taken int64
	for {
		m.mu.Lock()
		batch := m.queue
		m.queue = nil
		m.mu.Unlock()
		for i := range batch {
			m.out <- batch[i]
			taken += cost(batch[i].Data)
			batch[i] = Message{} // its memory is the app's now
			if taken >= window/4 {
				l.credit(taken)
				taken = 0
			}
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-m.waiting:
		case <-m.ended:
			m.mu.Lock()
			empty := len(m.queue) == 0
			m.mu.Unlock()
			if empty {
				return
			}
		}
	}
}

// credit is forgotten here before the other side hears of it: whoever has it may use it at once.
func (l *link) credit(taken int64) {
	l.mail.mu.Lock()
	l.mail.held -= taken
	l.mail.mu.Unlock()
	_ = l.send(message{Kind: kindTook, Bytes: taken}) // a link that failed has ended, which the reader tells
}
