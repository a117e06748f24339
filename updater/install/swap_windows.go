package install

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/minio/selfupdate"
	"github.com/tesseract-desktop/tesseract/internal/durable"
	"golang.org/x/sys/windows"
)

// treesWork says that a program may not be a folder: one with a running program in it cannot be renamed.
const treesWork = false

// replaceFile lets selfupdate move the running executable aside, which Windows allows, and the new one to its place, which
// is then free. selfupdate undoes the first rename when the second fails.
func (i *Install) replaceFile() error {
	if err := i.makeRoom(); err != nil {
		return err
	}
	if err := durable.Rename(i.folder, i.stagedName(), i.newName()); err != nil {
		return err
	}
	i.point("renamed for selfupdate")
	previous := filepath.Join(i.folder.Name(), i.previousName())
	err := retryShared(func() error {
		return selfupdate.CommitBinary(selfupdate.Options{TargetPath: i.target, OldSavePath: previous})
	})
	if err != nil {
		// What is staged keeps its name, so that it can be tried again.
		return errors.Join(err, selfupdate.RollbackError(err), durable.Rename(i.folder, i.newName(), i.stagedName()))
	}
	i.hide(i.previousName(), true)
	return nil
}

// makeRoom frees the kept copy's name. Where that one still runs, it can be renamed, and is deleted by Recover.
func (i *Install) makeRoom() error {
	if remove(i.folder, i.previousName()) == nil {
		return nil
	}
	if err := remove(i.folder, i.failedName()); err != nil {
		return err
	}
	return durable.Rename(i.folder, i.previousName(), i.failedName())
}

// restoreFile moves the bad executable, which may be running, aside, and the kept one back.
func (i *Install) restoreFile() error {
	i.hide(i.previousName(), false)
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
	i.hide(i.failedName(), true)
	_ = remove(i.folder, i.failedName())
	return nil
}

// atOnce says whether going back is one step, so that it may be done without a word in the record.
func (i *Install) atOnce() bool { return false }

// hide hides a file, as a name that starts with a dot does not here, or shows it again. Being visible does no harm.
func (i *Install) hide(name string, hidden bool) {
	_ = setHidden(filepath.Join(i.folder.Name(), name), hidden)
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

// retryShared outlasts a virus scanner that has a fresh file open, for 5 s.
func retryShared(do func() error) error {
	err := do()
	for pause := 10 * time.Millisecond; pause < 4*time.Second; pause *= 2 {
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(pause)
		err = do()
	}
	return err
}
