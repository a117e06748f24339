// Package instance keeps an app to one process that the user sees.
//
// Parties: the process that holds the lock; one started later, which asks the holder to show itself and ends; and the two processes of a
// handover, which pass the lock on.
//
// Trust: all run as the same user; the folder is the user's own.
//
// Guarantees: at most one process holds the lock. A process that dies lets go of it, whatever it died of.
//
// A crash leaves an unlocked file and perhaps a request nobody answers, both of which the next holder sweeps.
package instance

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// ErrHeld says that another process is the one that the user sees.
var ErrHeld = errors.New("the app is already running")

const (
	lockName    = "instance.lock"
	requestName = "show"
)

// Lock is the right to be the process that the user sees. Its methods may be called from any goroutine.
type Lock struct {
	dir    string
	root   *os.Root
	onShow func()
	log    *slog.Logger

	mu      sync.Mutex
	held    *durable.Lock     // nil while not held
	watcher *fsnotify.Watcher // nil while not held
}

// New describes the lock in dir, which is made where missing. onShow is called, while the lock is held, whenever a later process asked for the
// window. It does not take the lock.
func New(dir string, onShow func(), log *slog.Logger) (*Lock, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for the lock: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder for the lock: %w", err)
	}
	return &Lock{dir: dir, root: root, onShow: onShow, log: log}, nil
}

// Take takes the lock, or returns ErrHeld.
func (l *Lock) Take() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		return nil
	}
	held, taken, err := durable.TryAcquire(l.root, lockName)
	if err != nil {
		return fmt.Errorf("lock %s: %w", filepath.Join(l.dir, lockName), err)
	}
	if !taken {
		return ErrHeld
	}
	l.held = held
	if err := l.listen(); err != nil {
		// Without it a second start is silent; that is no reason not to start the first.
		l.log.Warn("cannot hear later starts of the app", "why", err)
	}
	return nil
}

// takeEvery and takeFor bound how long TakeSoon waits for a holder that is about to let go.
const (
	takeEvery = 5 * time.Millisecond
	takeFor   = 2 * time.Second
)

// TakeSoon takes the lock from a process that lets go of it at this moment.
func (l *Lock) TakeSoon() error {
	for until := time.Now().Add(takeFor); ; {
		err := l.Take()
		if !errors.Is(err, ErrHeld) || time.Now().After(until) {
			return err
		}
		time.Sleep(takeEvery) // file locks cannot be waited for with a limit
	}
}

// Yield lets go of the lock.
func (l *Lock) Yield() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.watcher != nil {
		if err := l.watcher.Close(); err != nil {
			l.log.Warn("could not stop listening", "why", err)
		}
		l.watcher = nil
	}
	if l.held != nil {
		l.held.Release()
		l.held = nil
	}
}

// listen watches for requests by later processes. Called with mu held.
func (l *Lock) listen() error {
	request := filepath.Join(l.dir, requestName)
	if err := os.Remove(request); err != nil && !os.IsNotExist(err) {
		return err
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	if err := watcher.Add(l.dir); err != nil {
		return errors.Join(err, watcher.Close())
	}
	l.watcher = watcher
	go func() {
		for event := range watcher.Events {
			if event.Name == request && event.Has(fsnotify.Create) && os.Remove(request) == nil {
				l.onShow()
			}
		}
	}()
	return nil
}

// AskToShow asks the process that holds the lock in dir to bring its window to the user.
func AskToShow(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, requestName), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("ask the running app to show itself: %w", err)
	}
	return f.Close()
}
