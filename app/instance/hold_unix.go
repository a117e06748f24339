//go:build unix

package instance

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// hold is an open file with the lock on it. The lock belongs to the opening, not to the process, so that it lasts as long as any process has
// that opening, and ends for all of them when one unlocks it.
type hold struct{ f *os.File }

func acquire(root *os.Root) (*hold, bool, error) {
	f, err := root.OpenFile(FileName, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, err
	}
	h := &hold{f}
	ok, err := h.again()
	if !ok {
		_ = f.Close()
		return nil, false, err
	}
	return h, true, nil
}

// inherit takes what another process passed on, and is the file's owner from then on.
func inherit(root *os.Root, f *os.File) (*hold, error) {
	h := &hold{f}
	ok, err := h.isLock(root)
	if err == nil && ok {
		ok, err = h.again()
	}
	if err == nil && !ok {
		err = ErrHeld
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return h, nil
}

func (h *hold) isLock(root *os.Root) (bool, error) {
	want, err := root.Stat(FileName)
	if err != nil {
		return false, err
	}
	got, err := h.f.Stat()
	return err == nil && os.SameFile(want, got), err
}

// again locks once more: nothing happens where the lock is still this opening's; where one who had it too has unlocked it, it is taken if it
// is free.
func (h *hold) again() (bool, error) {
	for {
		err := h.flock(unix.LOCK_EX | unix.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, err
		}
	}
}

func (h *hold) flock(how int) error {
	raw, err := h.f.SyscallConn()
	if err != nil {
		return err
	}
	var lockErr error
	if err := raw.Control(func(fd uintptr) { lockErr = unix.Flock(int(fd), how) }); err != nil {
		return err
	}
	return lockErr
}

func (h *hold) file() *os.File { return h.f }

// release unlocks for everybody, before it closes: a process that another goroutine is just starting holds a copy for a moment.
func (h *hold) release() {
	_ = h.flock(unix.LOCK_UN) // closing is the second way
	_ = h.f.Close()
}

// leave keeps the lock with those who have a copy.
func (h *hold) leave() { _ = h.f.Close() }
