// Package durable puts bytes on disk so that a crash, a power cut or a full disk never leaves half of them.
//
// Parties: a caller that owns a folder, held as an *os.Root, and other processes of the same user that own
// it too. Nothing here follows a name out of that folder.
//
// Guarantees. When a function returns nil, the result survives a power cut. When it returns an error, the
// name it was to write still has its old content, or, where only the last sync of the folder failed, its new
// content; never a mixture. Files that replace others are written beside them under a temporary name, synced,
// renamed over, and the folder is synced.
//
// A crash leaves at most a temporary file (see [Sweep]) and, in a [Log], an unfinished last record, which is
// cut off when the log is opened or appended to again.
//
// Limits. The sync of a folder is not available on Windows; there the file system's own journal orders renames.
// It is the only package that writes, syncs and renames; everything else asks it to.
package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	tempPrefix = ".durable-"
	tempSuffix = ".tmp"
)

// WriteFile replaces name by data, atomically and synced. The file gets exactly the permissions perm,
// whatever the umask says. On any error the old content stays.
func WriteFile(root *os.Root, name string, data []byte, perm fs.FileMode) error {
	f, err := Create(root, name, perm)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return err
	}
	return f.Commit()
}

// File is a file that does not have its name yet: what is written goes to a temporary file in the same
// folder until Commit. It is not safe for use by several goroutines at once.
type File struct {
	root *os.Root
	name string
	temp string
	f    *os.File // nil once committed or aborted
}

// Create starts a file that will replace name when it is committed. The caller must end it with Commit or Abort;
// Abort after Commit does nothing, so it can be deferred.
func Create(root *os.Root, name string, perm fs.FileMode) (*File, error) {
	name = filepath.Clean(name)
	temp := tempName(name)
	f, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm.Perm()|0o200)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	file := &File{root: root, name: name, temp: temp, f: f}
	if err := f.Chmod(perm.Perm()); err != nil {
		file.Abort()
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	return file, nil
}

// Write appends p to the temporary file.
func (f *File) Write(p []byte) (int, error) {
	if f.f == nil {
		return 0, fmt.Errorf("write %s: %w", f.name, fs.ErrClosed)
	}
	n, err := f.f.Write(p)
	if err != nil {
		return n, fmt.Errorf("write %s: %w", f.name, err)
	}
	return n, nil
}

// Commit syncs the content and gives the file its name, replacing what had it before.
func (f *File) Commit() error {
	if f.f == nil {
		return fmt.Errorf("commit %s: %w", f.name, fs.ErrClosed)
	}
	syncErr := f.f.Sync()
	closeErr := f.f.Close()
	f.f = nil
	if err := errors.Join(syncErr, closeErr); err != nil {
		_ = f.root.Remove(f.temp)
		return fmt.Errorf("commit %s: %w", f.name, err)
	}
	if err := rename(f.root, f.temp, f.name); err != nil {
		_ = f.root.Remove(f.temp)
		return fmt.Errorf("commit %s: %w", f.name, err)
	}
	return SyncDir(f.root, filepath.Dir(f.name))
}

// Abort drops what was written. It is a no-op after Commit or a first Abort.
func (f *File) Abort() {
	if f.f == nil {
		return
	}
	_ = f.f.Close()
	f.f = nil
	_ = f.root.Remove(f.temp)
}

// Rename gives oldname the name newname, replacing what had it before, and syncs the folders concerned.
func Rename(root *os.Root, oldname, newname string) error {
	if err := rename(root, oldname, newname); err != nil {
		return fmt.Errorf("rename %s to %s: %w", oldname, newname, err)
	}
	to, from := filepath.Dir(filepath.Clean(newname)), filepath.Dir(filepath.Clean(oldname))
	if err := SyncDir(root, to); err != nil {
		return err
	}
	if from == to {
		return nil
	}
	return SyncDir(root, from)
}

// Link gives oldname the second name newname, replacing what had it before. Where the file system has no hard
// links, or forbids this one, newname becomes a synced copy with the same permissions.
func Link(root *os.Root, oldname, newname string) error {
	newname = filepath.Clean(newname)
	temp := tempName(newname)
	err := root.Link(oldname, temp)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("link %s to %s: %w", oldname, newname, err)
	default:
		return copyFile(root, oldname, newname)
	}
	err = rename(root, temp, newname)
	// Renaming one link of a file over another link of it does nothing and succeeds: the temporary name is still there.
	if removeErr := root.Remove(temp); err == nil && !errors.Is(removeErr, fs.ErrNotExist) {
		err = removeErr
	}
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", oldname, newname, err)
	}
	return SyncDir(root, filepath.Dir(newname))
}

func copyFile(root *os.Root, oldname, newname string) error {
	in, err := root.Open(oldname)
	if err != nil {
		return fmt.Errorf("copy %s: %w", oldname, err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return fmt.Errorf("copy %s: %w", oldname, err)
	}
	out, err := Create(root, newname, info.Mode())
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, in); err != nil {
		return fmt.Errorf("copy %s: %w", oldname, err)
	}
	return out.Commit()
}

// SyncDir makes the names in dir durable: what was created, renamed or removed there stays so.
// "" and "." are the root itself.
func SyncDir(root *os.Root, dir string) error {
	if dir == "" {
		dir = "."
	}
	if err := syncDir(root, dir); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}

// Sweep removes temporary files of this package from dir that were last written before olderThan: what
// crashes left. Younger ones may belong to a process that is still writing.
func Sweep(root *os.Root, dir string, olderThan time.Time) error {
	if dir == "" {
		dir = "."
	}
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(dir))
	if err != nil {
		return fmt.Errorf("sweep %s: %w", dir, err)
	}
	var failed []error
	for _, e := range entries {
		if !isTemp(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if err != nil || !info.ModTime().Before(olderThan) {
			continue
		}
		if err := root.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// tempName is independent of the final name's length, so that a name of 255 bytes still works.
func tempName(name string) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	return filepath.Join(filepath.Dir(name), tempPrefix+hex.EncodeToString(random[:])+tempSuffix)
}

func isTemp(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}
