// Package handover lets a running process (the incumbent) hand its place to a newer one (the successor) that it starts itself.
//
// Parties: the incumbent listens on a socket only its own user can reach, starts the successor and gives it a one-time token on standard
// input; the successor connects and proves the token. Nobody else is listened to: the first peer that shows the token closes the door.
//
// Trust: both run as the same user, and each asks the system whether the other does. The token keeps out other programs of that user that
// find the socket by accident or by intent before the successor does. What a peer sends is bounded in size and number, and one that keeps
// to no rule is treated as dead.
//
// Guarantees: exactly one of the two runs the show at any time. Until Commit is answered it is the incumbent, afterwards the successor.
// Each side notices the other's death by the end of the stream, without a timeout. A successor that lives but does not answer is noticed
// by the silence where its beats should be, within [Patience].
//
// A crash leaves: a dead incumbent, before or after Commit, leaves a successor that takes over if it had reported ready and ends if it
// had not; a dead successor leaves the incumbent as it was. Open files that were lent, and the locks on them, stay with whoever lives. A
// socket left behind is removed by the next handover that uses the folder.
//
// The messages, in order (→ incumbent to successor, ← back):
//
//	← hello      protocol, token, version, process
//	← ready      what was restored; the successor is complete, hidden and waiting
//	→ file       an open file, by name: a lock, a listening socket
//	→ commit     the window's state: the successor is to take over now
//	← alive      the successor has taken over; the incumbent becomes the guardian
//	← confirmed  probation is over: the guardian may go
//	← leaving    the user quit the successor: the guardian may go, too
//	→ abort      instead of commit: the successor is to end
//
// and, at any time after hello:
//
//	← beat       the successor is well
//	↔ mail       a [Message] of the two apps' own, which this package does not look into
//	↔ took       so many bytes of mail have been read: there is room for more
package handover

import (
	"encoding/json"
	"errors"
	"time"
)

// Protocol is the version both sides must speak. The incumbent announces its own in [ProtocolVariable], so that a newer successor can
// choose to speak that one.
const Protocol = 2

// The names of the environment variables through which a successor learns where its incumbent listens and what it speaks.
const (
	SocketVariable   = "HANDOVER_SOCKET"
	ProtocolVariable = "HANDOVER_PROTOCOL"
)

const (
	// Interval is the time between two beats of a successor.
	Interval = 500 * time.Millisecond
	// Patience is how long a guardian waits for the next beat before it takes back.
	Patience = 2500 * time.Millisecond
)

var (
	// ErrExited says that the successor ended before it was confirmed.
	ErrExited = errors.New("the new version ended by itself")
	// ErrSilent says that the successor lives and does not answer.
	ErrSilent = errors.New("the new version stopped answering")
	// ErrRefused says that the peer showed a wrong token, runs as somebody else or sent what makes no sense.
	ErrRefused = errors.New("the other process is not the one that was started")
	// ErrProtocol says that the two versions have no protocol in common. The new one can still be started after the old one has ended.
	ErrProtocol = errors.New("the two versions do not speak the same handover protocol; quit the old one and start the new one")
	// ErrAborted says that the incumbent called the handover off.
	ErrAborted = errors.New("the running version called the handover off")
	// ErrIncumbentGone says that the incumbent died before it committed.
	ErrIncumbentGone = errors.New("the running version ended before the handover")
	// ErrClosed says that the connection has ended, so that nothing can be sent any more.
	ErrClosed = errors.New("the connection to the other version has ended")
)

// Report is what a successor restored, as counts that were verified after the restore.
type Report struct {
	Version  string   `json:"version"`
	Restored int      `json:"restored"`
	Total    int      `json:"total"`
	Missing  []string `json:"missing,omitempty"`
}

// Message is what the two apps tell one another in words of their own, in either direction and at any time after hello.
type Message struct {
	Kind string          // 1 to 64 bytes
	Seq  uint64          // from 1, without gaps, in each direction
	Data json.RawMessage // at most MaxMessage bytes; not looked into here, so it need not be JSON
}

// message is the head of every frame.
type message struct {
	Kind     string          `json:"kind"`
	Protocol int             `json:"protocol,omitempty"`
	Token    string          `json:"token,omitempty"`
	Version  string          `json:"version,omitempty"`
	PID      int             `json:"pid,omitempty"`
	Report   *Report         `json:"report,omitempty"`
	Window   json.RawMessage `json:"window,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Name     string          `json:"name,omitempty"`  // of a file, or the app's kind of a mail
	Seq      uint64          `json:"seq,omitempty"`   // of a mail
	Bytes    int64           `json:"bytes,omitempty"` // taken
}

const (
	kindHello     = "hello"
	kindReady     = "ready"
	kindFile      = "file"
	kindCommit    = "commit"
	kindAlive     = "alive"
	kindConfirmed = "confirmed"
	kindLeaving   = "leaving"
	kindAbort     = "abort"
	kindBeat      = "beat"
	kindMail      = "mail"
	kindTook      = "took"
)
