package durable

import (
	"fmt"
	"os"
)

// Lock is an exclusive lock that the system takes back when the process ends, however it ends.
type Lock struct{ f *os.File }

// Acquire waits until the lock file name is ours, creating it where it is missing. The file is never removed:
// removing it would let two processes lock two different files of the same name.
func Acquire(root *os.Root, name string) (*Lock, error) {
	l, _, err := acquire(root, name, true)
	return l, err
}

// TryAcquire is Acquire without waiting; false says that somebody else has the lock.
func TryAcquire(root *os.Root, name string) (*Lock, bool, error) { return acquire(root, name, false) }

func acquire(root *os.Root, name string, wait bool) (*Lock, bool, error) {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, false, fmt.Errorf("lock %s: %w", name, err)
	}
	got, err := lockFile(f, wait)
	if err != nil {
		_ = f.Close()
		return nil, false, fmt.Errorf("lock %s: %w", name, err)
	}
	if !got {
		_ = f.Close()
		return nil, false, nil
	}
	return &Lock{f: f}, true, nil
}

// Release gives the lock back. It unlocks before it closes: a process that another goroutine is just starting holds a copy of the open file
// for a moment, and with it a lock that is only closed.
func (l *Lock) Release() {
	_ = unlockFile(l.f) // closing is the second way
	_ = l.f.Close()
}
