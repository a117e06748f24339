package handover

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// Successor is the new version's side of one handover. Its methods may be called from any goroutine.
type Successor struct {
	link    *link
	carrier *carrier
	files   files
	window  chan json.RawMessage // one value at commit
	ended   chan struct{}        // closed when no commit will come any more
	ending  sync.Once
	why     error // set before ended is closed
}

// Invited says whether this process was started by an incumbent that waits for it.
func Invited() bool { return os.Getenv(SocketVariable) != "" }

// Join connects to the incumbent that started this process and proves the token read from stdin.
func Join(ctx context.Context, version string, stdin io.Reader) (*Successor, error) {
	// A token is 26 characters; whoever writes more is not our incumbent.
	line, err := bufio.NewReader(io.LimitReader(stdin, 128)).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("read the handover token: %w", err)
	}
	conn, err := dial(ctx, os.Getenv(SocketVariable))
	if err != nil {
		return nil, fmt.Errorf("reach the running version: %w", err)
	}
	carrier := newCarrier(conn)
	s := &Successor{link: newLink(conn, carrier), carrier: carrier, window: make(chan json.RawMessage, 1), ended: make(chan struct{})}
	if err := s.greet(version, strings.TrimSpace(line)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greet the running version: %w", err)
	}
	go s.read()
	return s, nil
}

func (s *Successor) greet(version, token string) error {
	if err := samePeer(s.link.conn); err != nil {
		return err
	}
	s.link.proven = true // by the address and the token, which only the incumbent gives to its child
	hello := message{Kind: kindHello, Protocol: Protocol, Token: token, Version: version, PID: os.Getpid()}
	if err := s.link.send(hello); err != nil {
		return err
	}
	// The children this process starts later (an export, a browser) must not take themselves for a successor.
	for _, name := range []string{SocketVariable, ProtocolVariable} {
		if err := os.Unsetenv(name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Successor) read() {
	defer s.carrier.drop()
	_ = s.link.run(func(m message) error { // whatever ended it, the incumbent is gone
		switch m.Kind {
		case kindAbort:
			s.end(fmt.Errorf("%w: %s", ErrAborted, m.Reason))
		case kindFile:
			return s.files.put(m.Name, s.carrier.next())
		case kindCommit:
			select {
			case s.window <- m.Window:
			default:
				return fmt.Errorf("a second commit: %w", ErrRefused)
			}
		}
		return nil
	})
	s.end(ErrIncumbentGone)
}

func (s *Successor) end(why error) {
	s.ending.Do(func() {
		s.why = why
		close(s.ended)
	})
}

// Ready reports that everything is restored and that this process waits, hidden, to take over.
func (s *Successor) Ready(report Report) error {
	return s.link.send(message{Kind: kindReady, Report: &report})
}

// Send tells the incumbent's app something; see [Incumbent.Send].
func (s *Successor) Send(ctx context.Context, kind string, data json.RawMessage) error {
	return s.link.post(ctx, kind, data)
}

// Messages are what the incumbent's app sends, in order, also while it is the guardian; see [Incumbent.Messages]. The channel is closed when
// the incumbent has gone.
func (s *Successor) Messages() <-chan Message { return s.link.messages() }

// Await waits for the incumbent's word. It returns the window's state as the incumbent left it, ErrAborted when the handover was called
// off, and ErrIncumbentGone when the incumbent died.
func (s *Successor) Await(ctx context.Context) (json.RawMessage, error) {
	select {
	case window := <-s.window:
		return window, nil
	case <-s.ended:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	select {
	case window := <-s.window: // it came before the end
		return window, nil
	default:
		return nil, s.why
	}
}

// Alive reports that this process has taken over. From here on the incumbent is the guardian.
func (s *Successor) Alive() error { return s.link.send(message{Kind: kindAlive}) }

// Confirm ends probation and lets the guardian go.
func (s *Successor) Confirm() error { return s.last(kindConfirmed) }

// Leave tells the guardian that the user quit this process, so that its end is no reason to take back.
func (s *Successor) Leave() error { return s.last(kindLeaving) }

func (s *Successor) last(kind string) error {
	err := s.link.send(message{Kind: kind})
	s.link.close()
	return err
}
