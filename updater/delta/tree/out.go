package tree

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"os"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// write makes one file of the new tree and holds it to what is signed.
func (b *builder) write(i item, produce func(*file) error) error {
	f, err := b.create(i)
	if err != nil {
		return err
	}
	if err := produce(f); err != nil {
		f.f.Close()
		return err
	}
	return f.close()
}

// create makes a new file; one that is there already, under whatever name, is an error.
func (b *builder) create(i item) (*file, error) {
	f, err := b.out.OpenFile(i.Path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &file{f: f, sum: sha256.New(), left: i.Length, want: i.SHA256}, nil
}

// errContent marks content that is not what is signed.
var errContent = fmt.Errorf("%w: a file of it is not what is signed", delta.ErrCorrupt)

// file takes exactly the bytes that are signed.
type file struct {
	f    *os.File
	sum  hash.Hash
	left int64
	want Digest
}

func (f *file) Write(p []byte) (int, error) {
	if int64(len(p)) > f.left {
		return 0, errContent
	}
	n, err := f.f.Write(p)
	f.sum.Write(p[:n])
	f.left -= int64(n)
	return n, err
}

func (f *file) right() bool { return f.left == 0 && digestOf(f.sum) == f.want }

func (f *file) close() error {
	if err := f.f.Close(); err != nil {
		return err
	}
	if !f.right() {
		return errContent
	}
	return nil
}

// restWriter cuts a stream into files.
type restWriter struct {
	b     *builder
	items []item // those not written yet; the first may be under way
	f     *file
}

func (w *restWriter) Write(p []byte) (int, error) {
	written := 0
	for len(p) > 0 {
		if len(w.items) == 0 {
			return written, errContent
		}
		if w.f == nil {
			var err error
			if w.f, err = w.b.create(w.items[0]); err != nil {
				return written, err
			}
		}
		n, err := w.f.Write(p[:min(int64(len(p)), w.f.left)])
		written, p = written+n, p[n:]
		if err == nil && w.f.left == 0 {
			err = w.f.close()
			w.f, w.items = nil, w.items[1:]
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (w *restWriter) abandon() {
	if w.f != nil {
		w.f.f.Close()
	}
}
