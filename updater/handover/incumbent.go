package handover

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"time"
)

// Incumbent is the running version's side of one handover.
type Incumbent struct {
	cmd    *exec.Cmd
	link   *link
	inbox  chan message  // closed at the end of the stream
	exited chan struct{} // closed when the successor's process has ended
	log    *slog.Logger
}

// Start listens in dir (made with mode 0700 where missing; keep the path short, Unix sockets allow about 100 bytes), runs cmd with the
// socket's address in its environment and the token on its standard input, and waits for its hello. It returns ErrExited when the process
// ends first and the context's error when that is done first; the process is killed then.
func Start(ctx context.Context, dir string, cmd *exec.Cmd, log *slog.Logger) (*Incumbent, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	listener, address, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("listen for the new version: %w", err)
	}
	defer listener.Close()

	token := rand.Text()
	cmd.Env = append(cmd.Environ(), SocketVariable+"="+address)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the new version: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the new version: %w", err)
	}
	s := &Incumbent{cmd: cmd, exited: make(chan struct{}), inbox: make(chan message, 8), log: log}
	go func() {
		defer close(s.exited)
		err := cmd.Wait()
		log.Info("the new version's process ended", "pid", cmd.Process.Pid, "how", err)
	}()
	if _, err := fmt.Fprintln(stdin, token); err != nil {
		s.Kill()
		return nil, fmt.Errorf("give the new version its token: %w", ErrExited)
	}
	if err := stdin.Close(); err != nil {
		s.Kill()
		return nil, fmt.Errorf("give the new version its token: %w", err)
	}
	if err := s.accept(ctx, listener, token); err != nil {
		s.Kill()
		return nil, err
	}
	go s.read()
	return s, nil
}

// accept waits for the one peer that shows the token. Strangers are turned away, and do not end the wait.
func (s *Incumbent) accept(ctx context.Context, listener net.Listener, token string) error {
	type result struct {
		link *link
		err  error
	}
	found := make(chan result, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				found <- result{err: err}
				return
			}
			peer := newLink(conn)
			if err := greet(peer, token); err != nil {
				s.log.Warn("turned a peer away", "why", err)
				conn.Close()
				continue
			}
			found <- result{link: peer}
			return
		}
	}()
	select {
	case r := <-found:
		if r.err != nil {
			return fmt.Errorf("wait for the new version: %w", r.err)
		}
		s.link = r.link
		return nil
	case <-s.exited:
		return fmt.Errorf("wait for the new version: %w", ErrExited)
	case <-ctx.Done():
		return fmt.Errorf("wait for the new version: %w", context.Cause(ctx))
	}
}

// helloWithin is how long a peer may take to say who it is, so that a silent stranger cannot keep the successor out.
const helloWithin = 2 * time.Second

func greet(peer *link, token string) error {
	if err := samePeer(peer.conn); err != nil {
		return err
	}
	if err := peer.conn.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return err
	}
	hello, err := peer.receive()
	if err != nil {
		return err
	}
	if hello.Kind != kindHello || subtle.ConstantTimeCompare([]byte(hello.Token), []byte(token)) != 1 {
		return ErrRefused
	}
	if hello.Protocol != Protocol {
		return fmt.Errorf("the new version speaks handover protocol %d, this one %d: %w", hello.Protocol, Protocol, ErrRefused)
	}
	return peer.conn.SetReadDeadline(time.Time{})
}

func (s *Incumbent) read() {
	defer close(s.inbox)
	for {
		m, err := s.link.receive()
		if err != nil {
			s.log.Info("the stream from the new version ended", "why", err)
			return
		}
		s.inbox <- m
	}
}

// wait returns the next message, which must be of the kind asked for.
func (s *Incumbent) wait(ctx context.Context, kind string) (message, error) {
	select {
	case m, open := <-s.inbox:
		switch {
		case !open:
			return message{}, ErrExited
		case m.Kind != kind:
			return message{}, fmt.Errorf("%q came where %q was due: %w", m.Kind, kind, ErrRefused)
		}
		return m, nil
	case <-ctx.Done():
		return message{}, context.Cause(ctx)
	}
}

// Ready waits until the successor has restored everything, and returns what it restored.
func (s *Incumbent) Ready(ctx context.Context) (Report, error) {
	m, err := s.wait(ctx, kindReady)
	if err != nil {
		return Report{}, fmt.Errorf("wait until the new version is ready: %w", err)
	}
	if m.Report == nil || m.Report.Restored < 0 || m.Report.Restored > m.Report.Total {
		return Report{}, fmt.Errorf("wait until the new version is ready: its report makes no sense: %w", ErrRefused)
	}
	return *m.Report, nil
}

// Commit tells the successor to take over with the window as described, and waits until it has. The caller must have let go of what only
// one of them may hold (the single-instance lock), and takes it back when Commit fails.
func (s *Incumbent) Commit(ctx context.Context, window json.RawMessage) error {
	if err := s.link.send(message{Kind: kindCommit, Window: window}); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	if _, err := s.wait(ctx, kindAlive); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	return nil
}

// Abort calls the handover off: the successor is told why, and is killed when it has not ended after a second.
func (s *Incumbent) Abort(reason string) {
	if err := s.link.send(message{Kind: kindAbort, Reason: reason}); err == nil {
		select {
		case <-s.exited:
		case <-time.After(time.Second):
		}
	}
	s.Kill()
}

// Kill ends the successor's process, waits for its end and closes the connection.
func (s *Incumbent) Kill() {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.log.Warn("could not end the new version", "why", err)
	}
	<-s.exited
	if s.link != nil {
		s.link.conn.Close()
	}
}

// Outcome is how a probation ended, as the guardian saw it.
type Outcome string

const (
	// Confirmed: the successor is good; the guardian may go.
	Confirmed Outcome = "confirmed"
	// Left: the user quit the successor during probation; nobody needs the guardian.
	Left Outcome = "left"
	// Lost: the successor died; the guardian must take back.
	Lost Outcome = "lost"
)

// Guard waits for the end of the successor's probation. It returns Lost as soon as the successor's stream ends without a word.
func (s *Incumbent) Guard(ctx context.Context) (Outcome, error) {
	for {
		select {
		case m, open := <-s.inbox:
			switch {
			case !open:
				return Lost, nil
			case m.Kind == kindConfirmed:
				return Confirmed, nil
			case m.Kind == kindLeaving:
				return Left, nil
			}
			s.log.Warn("ignored a message during probation", "kind", m.Kind)
		case <-ctx.Done():
			return Lost, context.Cause(ctx)
		}
	}
}
