package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

const (
	folderPerm = 0o700
	filePerm   = 0o600
	lockName   = ".lock"
	lockWait   = 10 * time.Second
	sweepAge   = time.Hour // a temporary file this old belongs to no living write
)

// Folder is one folder of a sandbox. Names are relative to it, with slashes; see [CheckName].
// Where an operation takes a folder's name, "." is the folder itself.
type Folder struct {
	kind Kind
	path string
	log  *slog.Logger
	gate chan struct{} // holds a token while Exclusive runs in this process

	readOnly bool

	mu   sync.Mutex
	root *os.Root // nil until the folder could be opened
}

func newFolder(kind Kind, path string, log *slog.Logger) *Folder {
	return &Folder{kind: kind, path: path, log: log, gate: make(chan struct{}, 1)}
}

// Kind tells which folder it is.
func (f *Folder) Kind() Kind { return f.kind }

// Path is where the folder is, for people and for other programs. Code of the app uses names instead.
func (f *Folder) Path() string { return f.path }

// Log is the logger that the sandbox was opened with.
func (f *Folder) Log() *slog.Logger { return f.log }

// Root returns the folder as os.Root, made anew where it vanished. Do not close it, and do not keep it: ask again. Whoever opened the
// sandbox read-only must not write through it.
func (f *Folder) Root() (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil && f.present() {
		return f.root, nil
	}
	open := openRoot
	if f.readOnly {
		open = os.OpenRoot
	}
	root, err := open(f.path)
	if err != nil {
		return nil, &FolderError{Folder: f.kind, Path: f.path, Err: err}
	}
	// The old one may still be in use elsewhere; it is closed when nothing refers to it any more.
	f.root = root
	return root, nil
}

// present tells whether the open folder is still the one that its path names.
func (f *Folder) present() bool {
	named, err := os.Stat(f.path)
	if err != nil {
		return false
	}
	held, err := f.root.Stat(".")
	return err == nil && os.SameFile(named, held)
}

func openRoot(path string) (*os.Root, error) {
	if err := durable.MkdirAll(path, folderPerm); err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		// Best effort: where it is refused (a foreign owner, a file system without rights) the folder still serves.
		_ = os.Chmod(path, folderPerm)
	}
	return os.OpenRoot(path)
}

// start opens the folder and removes what crashed writes left at its top.
func (f *Folder) start() error {
	if f.readOnly {
		return nil
	}
	root, err := f.Root()
	if err != nil {
		return err
	}
	if err := durable.Sweep(root, ".", time.Now().Add(-sweepAge)); err != nil {
		f.log.Warn("old temporary files stay", "folder", f.kind, "err", err)
	}
	return nil
}

// probe proves by a small file that the folder can be written.
func (f *Folder) probe() error {
	const name = ".probe"
	if err := f.WriteFile(name, []byte("written to see whether this folder works\n")); err != nil {
		return err
	}
	// Another process that probes at the same moment may have removed it.
	if err := f.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// do checks the names, runs op and words its error.
func (f *Folder) do(what string, op func(root *os.Root) error, names ...string) error {
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return fmt.Errorf("%s in %s: %w", what, f.kind, err)
		}
	}
	root, err := f.Root()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	err = op(root)
	if err == nil {
		return nil
	}
	name := "."
	if len(names) > 0 {
		name = names[0]
	}
	switch cause := causeOf(err); {
	case cause == Full || cause == ReadOnly:
		return fmt.Errorf("%s %s: %w", what, name, &FolderError{Folder: f.kind, Path: f.path, Err: err})
	case cause == Forbidden:
		// Reading needs the right to the file, all else the right to the folder that holds it.
		place := path.Dir(name)
		if what == "read" {
			place = name
		}
		return fmt.Errorf("%s %s: %w", what, name,
			&FolderError{Folder: f.kind, Path: filepath.Join(f.path, filepath.FromSlash(place)), Err: err})
	case leadsOut(err):
		return fmt.Errorf("%s in %s: %w", what, f.kind, &NameError{Name: name, Why: "a link in it leads out of the folder"})
	default:
		return fmt.Errorf("%s %s in %s: %w", what, name, f.kind, err)
	}
}

// change is do for what writes.
func (f *Folder) change(what string, op func(root *os.Root) error, names ...string) error {
	if f.readOnly {
		return fmt.Errorf("%s in %s: %w", what, f.kind, ErrReadOnly)
	}
	return f.do(what, op, names...)
}

// ReadFile returns the content of a plain file of at most limit bytes, else ErrTooLarge; ErrNotPlain for what
// is no plain file, fs.ErrNotExist where there is none.
func (f *Folder) ReadFile(name string, limit int64) (data []byte, err error) {
	err = f.do("read", func(root *os.Root) error {
		file, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|noWait, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return ErrNotPlain
		}
		// One byte more than the limit tells a file that grew while it was read.
		data, err = io.ReadAll(io.LimitReader(file, limit+1))
		if err != nil {
			return err
		}
		if int64(len(data)) > limit {
			return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, max(info.Size(), limit+1), limit)
		}
		return nil
	}, name)
	if err != nil {
		return nil, err
	}
	return data, nil
}

// WriteFile replaces the file name, whole and synced, and makes the folders on the way to it.
func (f *Folder) WriteFile(name string, data []byte) error {
	return f.change("write", func(root *os.Root) error {
		if err := mkdirAll(root, path.Dir(name)); err != nil {
			return err
		}
		return durable.WriteFile(root, filepath.FromSlash(name), data, filePerm)
	}, name)
}

// Remove deletes a file or an empty folder.
func (f *Folder) Remove(name string) error {
	return f.change("remove", func(root *os.Root) error {
		if err := root.Remove(filepath.FromSlash(name)); err != nil {
			return err
		}
		return durable.SyncDir(root, filepath.FromSlash(path.Dir(name)))
	}, name)
}

// RemoveAll deletes a file, or a folder with all that is in it; nothing there is no error.
func (f *Folder) RemoveAll(name string) error {
	return f.change("remove", func(root *os.Root) error {
		if err := root.RemoveAll(filepath.FromSlash(name)); err != nil {
			return err
		}
		err := durable.SyncDir(root, filepath.FromSlash(path.Dir(name)))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}, name)
}

// Rename moves a file or folder, replaces a file that is in the way, and makes the folders on the way to newname.
func (f *Folder) Rename(oldname, newname string) error {
	return f.change("rename", func(root *os.Root) error {
		if err := mkdirAll(root, path.Dir(newname)); err != nil {
			return err
		}
		return durable.Rename(root, filepath.FromSlash(oldname), filepath.FromSlash(newname))
	}, oldname, newname)
}

// Mkdir makes a folder and those on the way to it; one that is there is no error.
func (f *Folder) Mkdir(name string) error {
	return f.change("make folder", func(root *os.Root) error { return mkdirAll(root, name) }, name)
}

// mkdirAll makes each missing folder and syncs the one that holds it, so that a synced file below does not
// vanish with its folder.
func mkdirAll(root *os.Root, name string) error {
	if name == "." {
		return nil
	}
	info, err := root.Stat(filepath.FromSlash(name))
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("%s: %w as a file", name, fs.ErrExist)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := mkdirAll(root, path.Dir(name)); err != nil {
		return err
	}
	if err := root.Mkdir(filepath.FromSlash(name), folderPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return durable.SyncDir(root, filepath.FromSlash(path.Dir(name)))
}

// Stat describes name, following links that stay in the folder.
func (f *Folder) Stat(name string) (info fs.FileInfo, err error) {
	err = f.do("look at", func(root *os.Root) error {
		info, err = root.Stat(filepath.FromSlash(name))
		return err
	}, name)
	return info, err
}

// Lstat describes name itself, a link too.
func (f *Folder) Lstat(name string) (info fs.FileInfo, err error) {
	err = f.do("look at", func(root *os.Root) error {
		info, err = root.Lstat(filepath.FromSlash(name))
		return err
	}, name)
	return info, err
}

// List returns what is in a folder, hidden names too, sorted by bytes.
func (f *Folder) List(name string) (entries []fs.DirEntry, err error) {
	err = f.do("list", func(root *os.Root) error {
		entries, err = fs.ReadDir(root.FS(), name)
		return err
	}, folderNames(name)...)
	return entries, err
}

// Walk calls fn for name and all below it, as fs.WalkDir does; links are not followed.
func (f *Folder) Walk(name string, fn fs.WalkDirFunc) error {
	return f.do("walk", func(root *os.Root) error { return fs.WalkDir(root.FS(), name, fn) }, folderNames(name)...)
}

// folderNames leaves "." out of the check of names.
func folderNames(name string) []string {
	if name == "." {
		return nil
	}
	return []string{name}
}

// Exclusive runs op while no other goroutine and no other process that calls Exclusive on this folder does.
// It waits up to ten seconds for its turn, then returns ErrBusy. Reading and writing without it is possible:
// it is for what must not interleave. It must not be nested.
func (f *Folder) Exclusive(op func() error) error {
	deadline := time.NewTimer(lockWait)
	defer deadline.Stop()
	busy := func() error {
		return fmt.Errorf("lock %s folder %s: %w for more than %s", f.kind, f.path, ErrBusy, lockWait)
	}
	select {
	case f.gate <- struct{}{}:
		defer func() { <-f.gate }()
	case <-deadline.C:
		return busy()
	}
	retry := time.NewTicker(2 * time.Millisecond)
	defer retry.Stop()
	for {
		var lock *durable.Lock
		var ok bool
		err := f.change("lock", func(root *os.Root) (err error) {
			lock, ok, err = durable.TryAcquire(root, lockName)
			return err
		})
		if err != nil {
			return err
		}
		if ok {
			defer lock.Release()
			return op()
		}
		select {
		case <-retry.C:
		case <-deadline.C:
			return busy()
		}
	}
}
