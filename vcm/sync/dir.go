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
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Dir is a folder as a place: what a web server serves, or a mounted disk. The
// folder is made when the first file comes.
type Dir struct {
	path string

	mu    sync.Mutex
	swept map[string]bool // folders below it from which leftovers are gone
}

// dirLock keeps two runs from replacing the timestamp at once. It stays in the
// folder, empty.
const dirLock = ".vcm-sync.lock"

// abandoned is the age at which nobody can be writing a file any more.
const abandoned = 24 * time.Hour

// NewDir takes a folder. feed is the one that is to be brought there, which
// must be another one.
func NewDir(folder string, feed *os.Root) (*Dir, error) {
	info, err := os.Stat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return &Dir{path: folder, swept: map[string]bool{}}, nil
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; give a folder", folder)
	}
	here, err := feed.Stat(".")
	if err != nil {
		return nil, err
	}
	if os.SameFile(info, here) {
		return nil, fmt.Errorf("%s is the feed itself; give another folder", folder)
	}
	return &Dir{path: folder, swept: map[string]bool{}}, nil
}

func (d *Dir) String() string { return d.path }

// Read implements Place.
func (d *Dir) Read(ctx context.Context, name string, limit int64) ([]byte, error) {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return Folder(root)(ctx, name, limit)
}

// Has implements Place. It reads the file.
func (d *Dir) Has(ctx context.Context, f File) (bool, error) {
	root, err := os.OpenRoot(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer root.Close()
	info, err := root.Stat(f.Name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().IsRegular() && info.Size() != f.Length {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is in the way: it is no file; remove it", filepath.Join(d.path, f.Name))
	}
	file, err := root.Open(f.Name)
	if err != nil {
		return false, err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, &attentive{ctx, file}); err != nil {
		return false, err
	}
	return release.Digest(sum.Sum(nil)) == f.SHA256, nil
}

// Put implements Place.
func (d *Dir) Put(ctx context.Context, f File, content *io.SectionReader) error {
	root, err := d.open(path.Dir(f.Name))
	if err != nil {
		return err
	}
	defer root.Close()
	out, err := durable.Create(root, f.Name, 0o644)
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, &attentive{ctx, content}); err != nil {
		return err
	}
	return out.Commit()
}

// Swap implements Place. Runs on several machines that share the folder take
// turns as far as its file system knows locks.
func (d *Dir) Swap(ctx context.Context, name string, old, new []byte) error {
	root, err := d.open(path.Dir(name))
	if err != nil {
		return err
	}
	defer root.Close()
	lock, err := durable.Acquire(root, dirLock)
	if err != nil {
		return err
	}
	defer lock.Release()
	current, err := d.Read(ctx, name, maxDocument)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case err == nil && bytes.Equal(current, new):
		return nil
	case err == nil != (old != nil) || !bytes.Equal(current, old):
		return ErrChanged
	}
	return durable.WriteFile(root, name, new, 0o644)
}

// open makes the folder and one below it, and removes, once, what a crash left
// there.
func (d *Dir) open(below string) (*os.Root, error) {
	if err := os.MkdirAll(d.path, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, err
	}
	if err := d.prepare(root, below); err != nil {
		root.Close()
		return nil, err
	}
	return root, nil
}

func (d *Dir) prepare(root *os.Root, below string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.swept[below] {
		return nil
	}
	if err := root.MkdirAll(below, 0o755); err != nil {
		return err
	}
	d.swept[below] = true
	return durable.Sweep(root, below, time.Now().Add(-abandoned))
}
