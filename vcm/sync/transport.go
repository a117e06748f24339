package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// source is a file's content, as often as it is needed.
type source interface {
	io.ReaderAt
	io.Closer
}

func fileSource(feed *os.Root, name string) (source, error) {
	f, err := feed.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing in the folder: %w; bring it back, or publish its file again", name, err)
	}
	return f, err
}

type bytesOnly struct{ *bytes.Reader }

func (bytesOnly) Close() error { return nil }

func bytesSource(data []byte) source { return bytesOnly{bytes.NewReader(data)} }

// transport sends the files of one call of Bring.
type transport struct {
	ctx context.Context
	to  Place
	o   Options

	mu     sync.Mutex
	shown  Progress
	result Result
}

func newTransport(ctx context.Context, to Place, o Options, inv Inventory) *transport {
	t := &transport{ctx: ctx, to: to, o: o, result: Result{Sent: []string{}}}
	for _, f := range blobFiles(inv) {
		t.shown.Bytes += f.Length
		t.shown.Total++
	}
	for _, d := range inv.Documents {
		t.shown.Bytes += int64(len(d.Data))
		t.shown.Total++
	}
	return t
}

// all brings files in parallel. The first failure ends the work on all.
func (t *transport) all(files []File, open func(File) (source, error)) error {
	return parallel(t.ctx, t.o.Parallel, files, func(ctx context.Context, f File) error {
		if err := t.one(ctx, f, open); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		return nil
	})
}

// documents brings metadata, one after the other.
func (t *transport) documents(docs []Document) error {
	for _, doc := range docs {
		if err := t.all([]File{doc.file()}, func(File) (source, error) { return bytesSource(doc.Data), nil }); err != nil {
			return err
		}
	}
	return nil
}

// swap puts the timestamp in place of the one that was there.
func (t *transport) swap(old, new []byte) error {
	if !t.o.DryRun {
		if err := t.to.Swap(t.ctx, vcm.TimestampFile, old, new); err != nil {
			return fmt.Errorf("%s: %w", vcm.TimestampFile, err)
		}
	}
	t.result.Sent = append(t.result.Sent, vcm.TimestampFile)
	t.result.SentBytes += int64(len(new))
	return nil
}

func (t *transport) one(ctx context.Context, f File, open func(File) (source, error)) error {
	has, err := t.to.Has(ctx, f)
	if err != nil {
		return err
	}
	if has {
		t.arrived(f, false)
		return nil
	}
	src, err := open(f)
	if err != nil {
		return err
	}
	defer src.Close()
	if err := prove(ctx, src, f); err != nil {
		return err
	}
	if !t.o.DryRun {
		content := io.NewSectionReader(&watched{src, t, f, 0}, 0, f.Length)
		if err := t.to.Put(ctx, f, content); err != nil {
			return err
		}
	}
	t.arrived(f, true)
	return nil
}

// prove tells whether the content is what must be sent.
func prove(ctx context.Context, src io.ReaderAt, f File) error {
	sum := sha256.New()
	n, err := io.Copy(sum, &attentive{ctx, io.NewSectionReader(src, 0, f.Length+1)})
	if err != nil {
		return err
	}
	if n != f.Length || release.Digest(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("the file in the folder %w: it is not what is signed for it; remove it and publish its file again", ErrDamaged)
	}
	return nil
}

func (t *transport) arrived(f File, sent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if sent {
		t.result.Sent = append(t.result.Sent, f.Name)
		t.result.SentBytes += f.Length
	} else {
		t.result.Present++
	}
	t.shown.Name = f.Name
	t.shown.Files++
	t.shown.Done += f.Length
	t.o.Progress(t.shown)
}

// moving shows what is on its way, which counts only once it has arrived.
func (t *transport) moving(f File, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.shown
	p.Name, p.Done = f.Name, p.Done+bytes
	t.o.Progress(p)
}

// watched tells how far a content was read, however often.
type watched struct {
	io.ReaderAt
	t    *transport
	f    File
	upTo int64
}

func (w *watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	if at := off + int64(n); at > w.upTo {
		w.upTo = at
		w.t.moving(w.f, at)
	}
	return n, err
}

// attentive stops reading when the context ends.
type attentive struct {
	ctx context.Context
	io.Reader
}

func (a *attentive) Read(p []byte) (int, error) {
	if err := a.ctx.Err(); err != nil {
		return 0, context.Cause(a.ctx)
	}
	return a.Reader.Read(p)
}

// parallel does work on each item, at most n at once, until one fails.
func parallel[T any](ctx context.Context, n int, items []T, work func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan T)
	var workers sync.WaitGroup
	for range min(n, len(items)) {
		workers.Go(func() {
			for item := range queue {
				if ctx.Err() != nil {
					continue
				}
				if err := work(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		queue <- item
	}
	close(queue)
	workers.Wait()
	return context.Cause(ctx)
}
