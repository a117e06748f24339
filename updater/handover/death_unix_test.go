//go:build unix

package handover_test

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return f, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// stillLocked says whether the lock has a holder whom this process knows. Without a file that is the incumbent, or nobody.
func stillLocked(path string, lent *os.File) error {
	if lent == nil {
		return nil
	}
	other, err := os.Open(path)
	if err != nil {
		return err
	}
	defer other.Close()
	if err := unix.Flock(int(other.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return errors.New("the lock that was passed on is free")
	}
	return nil
}

func standStill() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		panic(err)
	}
	select {} // the signal takes its time
}

// A successor that stands still after the word to take over, whenever it does, is replaced within three seconds.
func TestSilence(t *testing.T) {
	for at, want := range map[string]string{committed: stays, alive: takesBack} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			var since time.Time
			var said []string
			for line := range play(t, at+" stop") {
				said = append(said, line)
				switch line {
				case stands:
					since = time.Now()
				case want:
					if took := time.Since(since); took > 3*time.Second {
						t.Errorf("it took the incumbent %v", took)
					}
				}
			}
			if !slices.Contains(said, want) {
				t.Errorf("they said %q", said)
			}
		})
	}
}
