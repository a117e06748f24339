package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// Sync makes what is called name durable, but for that name itself: a file's bytes, or a folder with everything in it. Symbolic links need
// no more than their folder.
func Sync(root *os.Root, name string) error {
	err := fs.WalkDir(root.FS(), filepath.ToSlash(filepath.Clean(name)), func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return syncDir(root, filepath.FromSlash(p))
		case d.Type().IsRegular():
			return syncFile(root, filepath.FromSlash(p))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("sync %s: %w", name, err)
	}
	return nil
}

func syncFile(root *os.Root, name string) error {
	f, err := root.OpenFile(name, syncAccess, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// LinkTree makes the folder newname, which must not be there yet, a second one of what oldname holds: the same files under further names, or
// copies where they cannot have them, and the same folders and symbolic links. It is for trees whose files are never written in place.
// After an error or a crash newname is to be removed.
func LinkTree(root *os.Root, oldname, newname string) error {
	from := filepath.ToSlash(filepath.Clean(oldname))
	err := fs.WalkDir(root.FS(), from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		old := filepath.FromSlash(p)
		made := filepath.Join(newname, filepath.FromSlash(path.Clean("./"+p[len(from):])))
		switch {
		case d.IsDir():
			return root.Mkdir(made, 0o700)
		case d.Type() == fs.ModeSymlink:
			to, err := root.Readlink(old)
			if err != nil {
				return err
			}
			return root.Symlink(to, made)
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is neither file, folder nor link", p)
		}
		if root.Link(old, made) == nil {
			return nil
		}
		return copyFile(root, old, made)
	})
	if err == nil {
		err = sameModes(root, oldname, newname)
	}
	if err == nil {
		err = Sync(root, newname)
	}
	if err == nil {
		err = SyncDir(root, filepath.Dir(filepath.Clean(newname)))
	}
	if err != nil {
		return fmt.Errorf("link %s to %s: %w", oldname, newname, err)
	}
	return nil
}

// sameModes gives folders their permissions once they are full: some forbid writing.
func sameModes(root *os.Root, oldname, newname string) error {
	from := filepath.ToSlash(filepath.Clean(oldname))
	return fs.WalkDir(root.FS(), from, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return root.Chmod(filepath.Join(newname, filepath.FromSlash(path.Clean("./"+p[len(from):]))), info.Mode().Perm())
	})
}

// Exchange lets two names in one folder of root trade what they lead to, in one step: at no moment does either of them lead nowhere. It
// returns errors.ErrUnsupported where the system or the file system cannot do that, and has done nothing then.
func Exchange(root *os.Root, a, b string) error {
	if err := exchange(root, a, b); err != nil {
		return fmt.Errorf("exchange %s and %s: %w", a, b, err)
	}
	return SyncDir(root, filepath.Dir(filepath.Clean(a)))
}

// MkdirAll makes a folder and those above it that are missing, and makes their names durable, so that what is put into it cannot be lost with it.
// A folder that is there already stays as it is.
func MkdirAll(dir string, perm fs.FileMode) error {
	switch info, err := os.Stat(dir); {
	case err == nil && info.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := MkdirAll(above, perm); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, perm); err != nil {
		if info, statErr := os.Stat(dir); statErr != nil || !info.IsDir() {
			return err // else another process was faster
		}
	}
	root, err := os.OpenRoot(above)
	if errors.Is(err, fs.ErrPermission) {
		return nil // one that may be written and not read: nobody like us can sync it
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return SyncDir(root, ".")
}
