package handover

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// maxHead bounds what this package says itself, in bytes. State travels through the disk or by mail.
	maxHead = 64 << 10
	// writeWithin is how long a write may take. The other side never stops reading while it lives, so one that takes longer will not end.
	writeWithin = 5 * time.Second
)

// link is one end of the connection: whole frames, one writer at a time. A frame is the lengths of its head and of its data, four bytes
// each, the most significant first, then the head in JSON, then the data.
type link struct {
	conn net.Conn
	in   *bufio.Reader
	mail *mail
	// proven is set once the peer has shown who it is. Until then a frame may carry no data.
	proven bool

	writing sync.Mutex
}

func newLink(conn net.Conn, from io.Reader) *link {
	return &link{conn: conn, in: bufio.NewReader(from), mail: newMail()}
}

func (l *link) send(m message) error { return l.write(m, nil, nil) }

// write sends a frame, with an open file if there is one. A write that fails ends the connection: half a frame cannot be taken back.
func (l *link) write(m message, data []byte, file *os.File) error {
	head, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode %s: %w", m.Kind, err)
	}
	if len(head) > maxHead {
		return fmt.Errorf("send %s: %d bytes are more than the %d it may have", m.Kind, len(head), maxHead)
	}
	frame := make([]byte, 0, 8+len(head)+len(data))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(head)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(data)))
	frame = append(append(frame, head...), data...)

	l.writing.Lock()
	defer l.writing.Unlock()
	err = l.conn.SetWriteDeadline(time.Now().Add(writeWithin))
	if err == nil && file != nil {
		frame, err = writeFile(l.conn, frame, file)
	}
	if err == nil {
		_, err = l.conn.Write(frame)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("send %s: %w", m.Kind, err)
	}
	l.close()
	return fmt.Errorf("send %s: %w (%w)", m.Kind, ErrClosed, err)
}

func (l *link) receive() (message, []byte, error) {
	var lengths [8]byte
	if _, err := io.ReadFull(l.in, lengths[:]); err != nil {
		return message{}, nil, err
	}
	headLength, dataLength := binary.BigEndian.Uint32(lengths[:4]), binary.BigEndian.Uint32(lengths[4:])
	if headLength == 0 || headLength > maxHead || dataLength > MaxMessage || dataLength > 0 && !l.proven {
		return message{}, nil, fmt.Errorf("a message of %d and %d bytes: %w", headLength, dataLength, ErrRefused)
	}
	head := make([]byte, headLength)
	if _, err := io.ReadFull(l.in, head); err != nil {
		return message{}, nil, err
	}
	var m message
	if err := json.Unmarshal(head, &m); err != nil {
		return message{}, nil, fmt.Errorf("decode a message: %w", errors.Join(err, ErrRefused))
	}
	if dataLength == 0 {
		return m, nil, nil
	}
	if m.Kind != kindMail || !l.mail.fits(int64(dataLength)) {
		return message{}, nil, fmt.Errorf("%d unexpected bytes with %q: %w", dataLength, m.Kind, ErrRefused)
	}
	data := make([]byte, dataLength)
	_, err := io.ReadFull(l.in, data)
	return m, data, err
}

// run reads until the connection ends or the peer breaks the rules. Mail is kept for the app; control gets the rest.
func (l *link) run(control func(message) error) error {
	defer l.mail.end()
	defer l.close()
	for {
		m, data, err := l.receive()
		if err != nil {
			return err
		}
		switch m.Kind {
		case kindMail:
			err = l.mail.arrived(Message{Kind: m.Name, Seq: m.Seq, Data: data})
		case kindTook:
			err = l.mail.taken(m.Bytes)
		default:
			err = control(m)
		}
		if err != nil {
			return err
		}
	}
}

// close may be called more than once.
func (l *link) close() { _ = l.conn.Close() }
