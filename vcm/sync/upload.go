package sync

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// upload is one round of sending what a VCM lacks.
type upload struct {
	c    *Centre
	id   string
	feed *os.Root
	o    Options

	mu    sync.Mutex
	sent  map[string]int64 // bytes, by name
	shown Progress
}

func newUpload(c *Centre, p vcm.Proposal, feed *os.Root, o Options) *upload {
	u := &upload{c: c, id: p.ID, feed: feed, o: o, sent: map[string]int64{}}
	for _, m := range p.Missing {
		u.shown.Total++
		u.shown.Done += m.Have
		u.shown.Bytes += m.Length
	}
	return u
}

// total is how much was sent of what. Connections that were given up may still
// count.
func (u *upload) total() map[string]int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.sent)
}

func (u *upload) one(ctx context.Context, m vcm.Missing) error {
	if err := u.send(ctx, m); err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shown.Files++
	u.o.Progress(u.shown)
	return nil
}

// send proves a file before the first byte of it leaves, and sends what is
// missing of it.
func (u *upload) send(ctx context.Context, m vcm.Missing) error {
	src, err := fileSource(u.feed, m.Path)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := prove(ctx, src, File{m.Path, m.Length, m.SHA256}); err != nil {
		return err
	}
	if m.Have < 0 || m.Have >= m.Length {
		m.Have = 0
	}
	header := http.Header{"Content-Type": {"application/octet-stream"}}
	if m.Have > 0 {
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", m.Have, m.Length-1, m.Length))
	}
	rest := m.Length - m.Have
	body := &counted{io.NewSectionReader(src, m.Have, rest), u, m.Path}
	at := u.c.url + strings.TrimPrefix(vcm.PublishPath, "/") + "/" + u.id + "/" + m.Path
	return u.c.call(ctx, http.MethodPut, at, io.NopCloser(body), rest, header, &vcm.Missing{})
}

// counted tells how much of a file was sent.
type counted struct {
	io.Reader
	u    *upload
	name string
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.u.mu.Lock()
	defer c.u.mu.Unlock()
	c.u.sent[c.name] += int64(n)
	c.u.shown.Name = c.name
	c.u.shown.Done += int64(n)
	c.u.o.Progress(c.u.shown)
	return n, err
}
