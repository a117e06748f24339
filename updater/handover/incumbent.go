package handover

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Incumbent is the running version's side of one handover. Its methods may be called from any goroutine.
type Incumbent struct {
	cmd    *exec.Cmd
	link   *link
	inbox  chan message  // closed at the end of the stream
	beats  chan struct{} // holds a value when the successor has beaten since it was last looked at
	exited chan struct{} // closed when the successor's process has ended
	log    *slog.Logger
}

// outputWithin is how long children of a dead successor may go on writing to what this process reads.
const outputWithin = time.Second

// Start listens in dir (made with mode 0700 where missing; keep the path short, Unix sockets allow about 100 bytes), runs cmd with the
// socket's address in its environment and the token on its standard input, and waits for its hello. It returns ErrExited when the process
// ends first, ErrProtocol when it speaks another protocol and the context's error when that is done first; the process is killed then.
// The command must become the successor itself: a script in front of it has to exec.
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
	cmd.Env = append(cmd.Environ(), SocketVariable+"="+address, ProtocolVariable+"="+strconv.Itoa(Protocol))
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = outputWithin
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start the new version: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the new version: %w", err)
	}
	s := &Incumbent{cmd: cmd, exited: make(chan struct{}), inbox: make(chan message, 8), beats: make(chan struct{}, 1), log: log}
	go func() {
		defer close(s.exited)
		err := cmd.Wait()
		log.Info("the new version's process ended", "pid", cmd.Process.Pid, "how", err)
	}()
	if err := s.greet(ctx, stdin, listener, token); err != nil {
		s.Kill()
		return nil, err
	}
	go s.read()
	return s, nil
}

// greet gives the successor its token and waits until it has come with it.
func (s *Incumbent) greet(ctx context.Context, stdin io.WriteCloser, listener net.Listener, token string) error {
	if _, err := fmt.Fprintln(stdin, token); err != nil {
		return fmt.Errorf("give the new version its token: %w (%w)", ErrExited, err)
	}
	if err := stdin.Close(); err != nil {
		return fmt.Errorf("give the new version its token: %w", err)
	}
	return s.accept(ctx, listener, token)
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
			peer := newLink(conn, conn)
			err = prove(peer, token)
			switch {
			case err == nil:
				found <- result{link: peer}
				return
			case errors.Is(err, ErrProtocol):
				conn.Close()
				found <- result{err: err}
				return
			}
			s.log.Warn("turned a peer away", "why", err)
			conn.Close()
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

func prove(peer *link, token string) error {
	if err := samePeer(peer.conn); err != nil {
		return err
	}
	if err := peer.conn.SetReadDeadline(time.Now().Add(helloWithin)); err != nil {
		return err
	}
	hello, _, err := peer.receive()
	if err != nil {
		return err
	}
	if hello.Kind != kindHello || subtle.ConstantTimeCompare([]byte(hello.Token), []byte(token)) != 1 {
		return ErrRefused
	}
	if hello.Protocol != Protocol {
		return fmt.Errorf("the new version speaks protocol %d and this one %d: %w", hello.Protocol, Protocol, ErrProtocol)
	}
	peer.proven = true
	return peer.conn.SetReadDeadline(time.Time{})
}

func (s *Incumbent) read() {
	defer close(s.inbox)
	err := s.link.run(func(m message) error {
		if m.Kind == kindBeat {
			select {
			case s.beats <- struct{}{}:
			default:
			}
			return nil
		}
		select {
		case s.inbox <- m:
			return nil
		default:
			return fmt.Errorf("%q came where nothing was due: %w", m.Kind, ErrRefused)
		}
	})
	s.log.Info("the stream from the new version ended", "why", err)
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

// Send tells the successor's app something. It returns when the message is on its way, and waits while 32 MiB have not been read. Messages
// arrive whole, once and in the order of the calls, as long as both live. After a ctx that ended first nothing has been sent.
func (s *Incumbent) Send(ctx context.Context, kind string, data json.RawMessage) error {
	return s.link.post(ctx, kind, data)
}

// Messages are what the successor's app sends, in order. The channel is closed after the last one when the successor has ended. Whoever calls
// it reads until then; where nobody does, mail stays where it is and keeps nothing else from working.
func (s *Incumbent) Messages() <-chan Message { return s.link.messages() }

// Commit tells the successor to take over with the window as described, and waits until it has. The caller must have passed on, or let go
// of, what only one of them may hold (the single-instance lock), and takes it back when Commit fails, after Kill.
func (s *Incumbent) Commit(ctx context.Context, window json.RawMessage) error {
	if err := s.link.send(message{Kind: kindCommit, Window: window}); err != nil {
		return fmt.Errorf("hand over: %w", errors.Join(ErrExited, err))
	}
	if _, err := s.wait(ctx, kindAlive); err != nil {
		return fmt.Errorf("hand over: %w", err)
	}
	return nil
}

// Abort calls the handover off: the successor is told why, and is killed when it has not ended after a second.
func (s *Incumbent) Abort(reason string) {
	if err := s.link.send(message{Kind: kindAbort, Reason: reason[:min(len(reason), maxHead/8)]}); err == nil {
		late := time.NewTimer(time.Second)
		defer late.Stop()
		select {
		case <-s.exited:
		case <-late.C:
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
		s.link.close()
	}
}
