// Package handover lets a running process (the incumbent) hand its place to a newer one (the successor) that it starts itself.
//
// Parties: the incumbent listens on a socket only its own user can reach, starts the successor and gives it a one-time token on standard
// input; the successor connects and proves the token. Nobody else is listened to: the first peer that shows the token closes the door.
//
// Trust: both run as the same user. The token keeps out other programs of that user that find the socket by accident or by intent before
// the successor does; on Linux the peer's user is checked as well.
//
// Guarantees: exactly one of the two runs the show at any time. Until Commit is answered it is the incumbent, afterwards the successor.
// Each side notices the other's death by the end of the stream, without a timeout.
//
// A crash leaves: a dead incumbent, before or after Commit, leaves a successor that takes over if it had reported ready and ends if it
// had not; a dead successor leaves the incumbent as it was. A socket left behind is removed by the next handover that uses the folder.
//
// The messages, in order (→ incumbent to successor, ← back):
//
//	← hello      protocol, token, version, process
//	← ready      what was restored; the successor is complete, hidden and waiting
//	→ commit     the window's state: the successor is to take over now
//	← alive      the successor has taken over; the incumbent becomes the guardian
//	← confirmed  probation is over: the guardian may go
//	← leaving    the user quit the successor: the guardian may go, too
//	→ abort      instead of commit: the successor is to end
package handover

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Protocol is the version both sides must speak. A successor that speaks another one is refused by its hello.
const Protocol = 1

// SocketVariable names the environment variable through which a successor learns where its incumbent listens.
const SocketVariable = "HANDOVER_SOCKET"

// maxFrame bounds one message in bytes. State travels through the disk, not through here, so messages are small.
const maxFrame = 64 << 10

var (
	// ErrExited says that the successor ended before it was confirmed.
	ErrExited = errors.New("the new version ended by itself")
	// ErrRefused says that the peer spoke another protocol or showed a wrong token.
	ErrRefused = errors.New("the other process is not the one that was started")
	// ErrAborted says that the incumbent called the handover off.
	ErrAborted = errors.New("the running version called the handover off")
	// ErrIncumbentGone says that the incumbent died before it committed.
	ErrIncumbentGone = errors.New("the running version ended before the handover")
)

// Report is what a successor restored, as counts that were verified after the restore.
type Report struct {
	Version  string   `json:"version"`
	Restored int      `json:"restored"`
	Total    int      `json:"total"`
	Missing  []string `json:"missing,omitempty"`
}

type message struct {
	Kind     string          `json:"kind"`
	Protocol int             `json:"protocol,omitempty"`
	Token    string          `json:"token,omitempty"`
	Version  string          `json:"version,omitempty"`
	PID      int             `json:"pid,omitempty"`
	Report   *Report         `json:"report,omitempty"`
	Window   json.RawMessage `json:"window,omitempty"`
	Reason   string          `json:"reason,omitempty"`
}

const (
	kindHello     = "hello"
	kindReady     = "ready"
	kindCommit    = "commit"
	kindAlive     = "alive"
	kindConfirmed = "confirmed"
	kindLeaving   = "leaving"
	kindAbort     = "abort"
)

// link is one end of the connection: whole messages, one writer at a time.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	mu   sync.Mutex
}

func newLink(conn net.Conn) *link {
	return &link{conn: conn, in: bufio.NewReader(conn)}
}

func (l *link) send(m message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", m.Kind, err)
	}
	if len(body) > maxFrame {
		return fmt.Errorf("send %s: %d bytes are more than the %d a message may have", m.Kind, len(body), maxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.conn.Write(append(frame, body...)); err != nil {
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	return nil
}

func (l *link) receive() (message, error) {
	var head [4]byte
	if _, err := io.ReadFull(l.in, head[:]); err != nil {
		return message{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > maxFrame {
		return message{}, fmt.Errorf("a message of %d bytes: %w", n, ErrRefused)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(l.in, body); err != nil {
		return message{}, err
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil {
		return message{}, fmt.Errorf("decode a message: %w", errors.Join(err, ErrRefused))
	}
	return m, nil
}
