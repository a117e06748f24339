package receive

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// publish puts a proposal's files into the feed and its document in force.
func (r *Receiver) publish(_ http.ResponseWriter, req *http.Request) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := r.load(req.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := r.complete(p); err != nil {
		return nil, err
	}
	if !p.Already {
		// Whoever asked may be gone; half of a change helps nobody.
		if err := r.o.Publish(context.WithoutCancel(req.Context()), p.App, p.Document); err != nil {
			return nil, err
		}
		p.Already = true
		r.o.Log.Info("release published", "app", p.App, "version", p.Version, "id", p.id())
	}
	answer, err := p.answer(r)
	if err == nil {
		r.remove(p.id())
	}
	return answer, err
}

// complete moves all that came into the feed. A file that is not there whole is
// the error, with the answer that says so.
func (r *Receiver) complete(p *proposal) error {
	answer, err := p.answer(r)
	if err != nil {
		return err
	}
	for _, b := range p.blobs {
		if len(answer.Missing) > 0 {
			break
		}
		whole, err := r.move(p, b)
		if err != nil {
			return err
		}
		if !whole {
			answer.Missing = append(answer.Missing, missing(b, 0))
		}
	}
	if len(answer.Missing) > 0 {
		return &problem{status: http.StatusConflict, text: "files are missing", body: answer}
	}
	return nil
}

// move copies a file into the feed, if it came, and proves what it copies. One
// that is not what is signed is dropped: false.
func (r *Receiver) move(p *proposal, b release.Blob) (whole bool, err error) {
	in, err := r.o.Dir.Open(p.part(b))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // it was in the feed before
	}
	if err != nil {
		return false, err
	}
	defer in.Close()
	if err := r.o.Dir.MkdirAll(path.Dir(feed+b.Path), 0o755); err != nil {
		return false, err
	}
	out, err := durable.Create(r.o.Dir, feed+b.Path, 0o644)
	if err != nil {
		return false, err
	}
	defer out.Abort()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, sum), io.LimitReader(in, b.Length+1))
	if err != nil {
		return false, err
	}
	if whole = n == b.Length && release.Digest(sum.Sum(nil)) == b.SHA256; whole {
		err = out.Commit()
	} else {
		r.o.Log.Warn("a file that came is not what is signed", "path", b.Path, "id", p.id())
	}
	in.Close() // before it is removed, for Windows
	return whole, errors.Join(err, r.o.Dir.Remove(p.part(b)))
}

// Sweep removes proposals that can no longer be published, and those that
// nobody has touched for long.
func (r *Receiver) Sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sweep()
}

func (r *Receiver) sweep() {
	open, err := fs.ReadDir(r.o.Dir.FS(), incoming)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.o.Log.Warn("abandoned proposals are left", "err", err)
	}
	for _, entry := range open {
		if r.isAbandoned(entry.Name()) {
			r.remove(entry.Name())
		}
	}
}

func (r *Receiver) isAbandoned(id string) bool {
	if r.isBusy(incoming + "/" + id + "/") {
		return false
	}
	p, err := r.load(id)
	if err == nil && p.Already {
		// A crash came between publishing and tidying up, or a lost file came back.
		answer, err := p.answer(r)
		return err == nil && answer.Published
	}
	var refused *Refusal
	if errors.As(err, &refused) {
		return true
	}
	touched, err := r.touched(incoming + "/" + id)
	return err == nil && r.o.Now().Sub(touched) > r.o.Keep
}

// touched is when something last changed in a folder.
func (r *Receiver) touched(folder string) (time.Time, error) {
	var last time.Time
	err := fs.WalkDir(r.o.Dir.FS(), folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return err
	})
	return last, err
}

func (r *Receiver) remove(id string) {
	if err := r.o.Dir.RemoveAll(incoming + "/" + id); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.o.Log.Warn("a proposal's files are left", "id", id, "err", err)
	}
}
