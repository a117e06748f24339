//go:build unix

package durable

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A child process has a copy of every open file from its start until it runs its program.
func TestReleaseUnlocksWhatAChildHasACopyOf(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	lock, err := Acquire(root, "lock")
	if err != nil {
		t.Fatal(err)
	}
	childs, err := unix.Dup(int(lock.f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(childs) }()
	lock.Release()
	again, got, err := TryAcquire(root, "lock")
	if err != nil || !got {
		t.Fatalf("the lock is still taken: %v", err)
	}
	again.Release()
}
