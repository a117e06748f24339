package install

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/minio/selfupdate"
	"github.com/tesseract-desktop/tesseract/internal/durable"
	"golang.org/x/sys/windows"
)

// replace lets selfupdate move the running executable aside, which Windows allows, and the new one to its place, which
// is then free. selfupdate undoes the first rename when the second fails.
func (i *Install) replace() error {
	if err := durable.Rename(i.folder, i.stagedName(), i.newName()); err != nil {
		return err
	}
	i.point("renamed for selfupdate")
	previous := filepath.Join(i.folder.Name(), i.previousName())
	err := retryShared(func() error {
		return selfupdate.CommitBinary(selfupdate.Options{TargetPath: i.target, OldSavePath: previous})
	})
	if err != nil {
		return errors.Join(err, selfupdate.RollbackError(err))
	}
	// A name that starts with a dot is not hidden here. Being visible does no harm.
	_ = setHidden(previous, true)
	return nil
}

// restore moves the bad executable, which may be running, aside, and the kept one back.
func (i *Install) restore() error {
	_ = setHidden(filepath.Join(i.folder.Name(), i.previousName()), false)
	if _, err := i.folder.Lstat(i.base); err == nil {
		if err := durable.Rename(i.folder, i.base, i.failedName()); err != nil {
			return err
		}
		i.point("moved aside")
	}
	if err := durable.Rename(i.folder, i.previousName(), i.base); err != nil {
		return errors.Join(err, durable.Rename(i.folder, i.failedName(), i.base))
	}
	// It can only be deleted once it has ended; Recover does that.
	_ = setHidden(filepath.Join(i.folder.Name(), i.failedName()), true)
	_ = remove(i.folder, i.failedName())
	return nil
}

// rescue gives the target's name to a whole executable after a power cut between two renames: the old one where there
// is a choice.
func (i *Install) rescue(r record) error {
	if _, err := i.folder.Lstat(i.base); r.Move == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	candidates := []struct {
		name string
		want Artifact
	}{{i.previousName(), r.Move.Old}, {i.newName(), r.Move.New}, {i.stagedName(), r.Move.New}, {i.failedName(), r.Move.New}}
	for _, c := range candidates {
		if got, err := r.Known.recognise(i.folder, c.name); err == nil && got == c.want {
			_ = setHidden(filepath.Join(i.folder.Name(), c.name), false)
			return durable.Rename(i.folder, c.name, i.base)
		}
	}
	return nil
}

func setHidden(path string, hidden bool) error {
	p, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	attributes, err := windows.GetFileAttributes(p)
	if err != nil {
		return err
	}
	if hidden {
		attributes |= windows.FILE_ATTRIBUTE_HIDDEN
	} else {
		attributes &^= windows.FILE_ATTRIBUTE_HIDDEN
	}
	return windows.SetFileAttributes(p, attributes)
}

// retryShared outlasts a virus scanner that has a fresh file open, for 1.3 s.
func retryShared(do func() error) error {
	err := do()
	for pause := 10 * time.Millisecond; pause < time.Second; pause *= 2 {
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(pause)
		err = do()
	}
	return err
}
