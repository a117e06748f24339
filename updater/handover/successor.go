package handover

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// Successor is the new version's side of one handover.
type Successor struct {
	link   *link
	window chan json.RawMessage // one value at commit
	ended  chan struct{}        // closed when no commit will come any more
	why    error                // set before ended is closed
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
	s := &Successor{link: newLink(conn), window: make(chan json.RawMessage, 1), ended: make(chan struct{})}
	hello := message{Kind: kindHello, Protocol: Protocol, Token: strings.TrimSpace(line), Version: version, PID: os.Getpid()}
	if err := s.link.send(hello); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greet the running version: %w", err)
	}
	// The children this process starts later (an export, a browser) must not take themselves for a successor.
	if err := os.Unsetenv(SocketVariable); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greet the running version: %w", err)
	}
	go s.read()
	return s, nil
}

func (s *Successor) read() {
	for {
		m, err := s.link.receive()
		switch {
		case err != nil:
			s.end(ErrIncumbentGone)
			return
		case m.Kind == kindAbort:
			s.end(fmt.Errorf("%w: %s", ErrAborted, m.Reason))
			return
		case m.Kind == kindCommit:
			s.window <- m.Window
			return
		}
	}
}

func (s *Successor) end(why error) {
	s.why = why
	close(s.ended)
}

// Ready reports that everything is restored and that this process waits, hidden, to take over.
func (s *Successor) Ready(report Report) error {
	return s.link.send(message{Kind: kindReady, Report: &report})
}

// Await waits for the incumbent's word. It returns the window's state as the incumbent left it, ErrAborted when the handover was called
// off, and ErrIncumbentGone when the incumbent died.
func (s *Successor) Await(ctx context.Context) (json.RawMessage, error) {
	select {
	case window := <-s.window:
		return window, nil
	case <-s.ended:
		return nil, s.why
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Alive reports that this process has taken over. From here on the incumbent is the guardian.
func (s *Successor) Alive() error { return s.link.send(message{Kind: kindAlive}) }

// Confirm ends probation and lets the guardian go.
func (s *Successor) Confirm() error { return s.last(kindConfirmed) }

// Leave tells the guardian that the user quit this process, so that its end is no reason to take back.
func (s *Successor) Leave() error { return s.last(kindLeaving) }

func (s *Successor) last(kind string) error {
	if err := s.link.send(message{Kind: kind}); err != nil {
		return err
	}
	return s.link.conn.Close()
}
