//go:build unix

package handover

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
)

// writeFile sends the first bytes of a frame together with an open file, and returns those that are still to be sent.
func writeFile(conn net.Conn, frame []byte, file *os.File) ([]byte, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	var sent int
	var sendErr error
	if err := raw.Control(func(fd uintptr) {
		sent, _, sendErr = conn.(*net.UnixConn).WriteMsgUnix(frame, syscall.UnixRights(int(fd)), nil)
	}); err != nil {
		return nil, err
	}
	return frame[sent:], sendErr
}

// carrier reads from a connection and keeps the open files that come along. It belongs to the goroutine that reads.
type carrier struct {
	conn *net.UnixConn
	oob  []byte
	got  []*os.File
}

func newCarrier(conn net.Conn) *carrier {
	return &carrier{conn: conn.(*net.UnixConn), oob: make([]byte, syscall.CmsgSpace(4*maxFiles))}
}

func (c *carrier) Read(p []byte) (int, error) {
	n, oobn, _, _, err := c.conn.ReadMsgUnix(p, c.oob)
	n = max(n, 0) // -1 with an error
	if oobn > 0 {
		err = errors.Join(err, c.keep(c.oob[:oobn]))
	}
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

func (c *carrier) keep(oob []byte) error {
	controls, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("read what came with a message: %w", err)
	}
	for i := range controls {
		fds, err := syscall.ParseUnixRights(&controls[i])
		if err != nil {
			continue // something else than files
		}
		for _, fd := range fds {
			c.got = append(c.got, os.NewFile(uintptr(fd), "passed"))
		}
	}
	if len(c.got) > maxFiles {
		return fmt.Errorf("%d files with one message: %w", len(c.got), ErrRefused)
	}
	return nil
}

// next returns the oldest file that no message has claimed, or nil.
func (c *carrier) next() *os.File {
	if len(c.got) == 0 {
		return nil
	}
	f := c.got[0]
	c.got = c.got[1:]
	return f
}

// drop closes what nobody has claimed.
func (c *carrier) drop() {
	for f := c.next(); f != nil; f = c.next() {
		_ = f.Close()
	}
}
