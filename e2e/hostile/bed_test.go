//go:build e2e && linux

package hostile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// file is what is to be downloaded.
var file = func() []byte {
	b := make([]byte, 40<<20+4321)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}()

const tag = `"v1"`

// bed is the server.
type bed struct {
	t        *testing.T
	requests atomic.Int64
	sent     atomic.Int64 // bytes of bodies that have left this machine's memory
}

// answer is how the server behaves; n counts requests from 1.
type answer func(b *bed, n int64, w http.ResponseWriter, r *http.Request)

func newBed(t *testing.T, a answer) (*bed, string) {
	b := &bed{t: t}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a(b, b.requests.Add(1), w, r) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return b, s.URL + "/file"
}

// asked is the part that a request wants.
func asked(r *http.Request) (from, to int64) {
	from, to = 0, int64(len(file))
	last := int64(-1)
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &last); n == 2 {
		to = last + 1
	}
	return from, to
}

// serve answers as a good server does.
func (b *bed) serve(w http.ResponseWriter, r *http.Request) { b.serveFile(w, r, file, tag) }

func (b *bed) serveFile(w http.ResponseWriter, r *http.Request, content []byte, tag string) {
	w.Header().Set("ETag", tag)
	http.ServeContent(&counting{w, b}, r, "file", time.Time{}, bytes.NewReader(content))
}

type counting struct {
	http.ResponseWriter
	b *bed
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.b.sent.Add(int64(n))
	return n, err
}

// raw takes the connection and sends the head of a good answer. What follows is up to the caller.
func (b *bed) raw(w http.ResponseWriter, r *http.Request) (conn *net.TCPConn, from, to int64) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		b.t.Error(err)
		panic(http.ErrAbortHandler)
	}
	from, to = asked(r)
	status, part := "200 OK", ""
	if r.Header.Get("Range") != "" {
		status, part = "206 Partial Content", fmt.Sprintf("Content-Range: bytes %d-%d/%d\r\n", from, to-1, len(file))
	}
	fmt.Fprintf(c, "HTTP/1.1 %s\r\nETag: %s\r\nContent-Length: %d\r\n%s\r\n", status, tag, to-from, part)
	return c.(*net.TCPConn), from, to
}

// send writes a body, counted.
func (b *bed) send(c net.Conn, body []byte) error {
	n, err := c.Write(body)
	b.sent.Add(int64(n))
	return err
}

// reset breaks the connection when everything that was sent has arrived, so that what is counted has been delivered.
func (b *bed) reset(c *net.TCPConn) {
	defer c.Close()
	for deadline := time.Now().Add(5 * time.Second); unacknowledged(c) > 0; {
		if time.Now().After(deadline) {
			b.t.Error("a body does not arrive")
			return
		}
		time.Sleep(time.Millisecond)
	}
	_ = c.SetLinger(0)
}

func unacknowledged(c *net.TCPConn) (bytes int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var failed error
	err = raw.Control(func(fd uintptr) { bytes, failed = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) })
	if errors.Join(err, failed) != nil {
		return 0
	}
	return bytes
}

// hold keeps a connection open and silent until the client hangs up.
func (b *bed) hold(c *net.TCPConn) {
	defer c.Close()
	var one [1]byte
	_, _ = c.Read(one[:])
}
