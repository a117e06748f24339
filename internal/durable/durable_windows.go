package durable

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// Virus scanners and indexers hold new files open for a moment. Waiting in growing steps, 5 s in all, outlasts them.
var renamePauses = []int{10, 20, 50, 100, 200, 400, 800, 1500, 2000} // ms

// syncAccess is how a file must be open to be synced.
const syncAccess = os.O_RDWR

func rename(root *os.Root, oldname, newname string) error {
	err := root.Rename(oldname, newname)
	for _, pause := range renamePauses {
		if !errors.Is(err, windows.ERROR_SHARING_VIOLATION) && !errors.Is(err, windows.ERROR_ACCESS_DENIED) {
			return err
		}
		time.Sleep(time.Duration(pause) * time.Millisecond)
		err = root.Rename(oldname, newname)
	}
	return err
}

// Windows has no sync for folders: NTFS journals renames in order.
func syncDir(*os.Root, string) error { return nil }

func lockFile(f *os.File, wait bool) (bool, error) {
	flags := uint32(windows.LOCKFILE_EXCLUSIVE_LOCK)
	if !wait {
		flags |= windows.LOCKFILE_FAIL_IMMEDIATELY
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, err
}

func unlockFile(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, new(windows.Overlapped))
}
