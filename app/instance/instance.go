// Package instance keeps an app to one process that the user sees.
//
// Parties: the process that holds the lock; one started later, which asks the holder to show itself and ends; and the two processes of a
// handover, which pass the lock on.
//
// Trust: all run as the same user; the folder is the user's own.
//
// Guarantees: at most one process holds the lock, and the two of a handover hold it together until one of them has gone, so that no third
// comes between them. A process that dies lets go of it, whatever it died of. A later start is heard by the process that is in charge when
// it is heard, or takes the place of one that ends.
//
// A crash leaves an unlocked file and perhaps a request nobody answered, both of which the next holder sweeps.
package instance

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

var (
	// ErrHeld says that another process is the one that the user sees.
	ErrHeld = errors.New("the app is already running")
	// ErrDeaf says that another process holds the lock and does not listen.
	ErrDeaf = errors.New("the app is already running and does not answer; end it, then start it again")
)

// FileName is the lock's name among the files that a handover passes on.
const FileName = "instance.lock"

// Lock is the right to be the process that the user sees. Its methods may be called from any goroutine.
type Lock struct {
	dir    string
	root   *os.Root
	onShow func()
	log    *slog.Logger

	showing sync.Mutex // held from seeing a request to having told the app of it

	mu      sync.Mutex
	held    *hold             // nil while not held
	lent    bool              // the successor holds it as well, and is the one to listen
	watcher *fsnotify.Watcher // nil while not listening
}

// New describes the lock in dir, which is made where missing. onShow is called whenever a later process asked for the window of the process
// that holds the lock. It must not call Lend. New does not take the lock.
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

const (
	// lookEvery is the time between two looks at a lock that another process holds: file locks cannot be waited for with a limit.
	lookEvery = 5 * time.Millisecond
	// adoptFor bounds how long Adopt waits for a holder that is about to let go.
	adoptFor = 2 * time.Second
	// enterFor bounds how long Enter waits to be heard. A holder answers at once, unless its handover or its end is under way.
	enterFor = 10 * time.Second
)

// Enter is what a process does that the user has started. It takes the lock, or has the process that holds it show itself: nil, or ErrHeld
// once that process has heard. Where the holder ends meanwhile, this process takes its place. ErrDeaf after ten seconds.
func (l *Lock) Enter(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, enterFor, ErrDeaf)
	defer cancel()
	asked := false
	err := l.try(ctx, func() error {
		err := l.take(false)
		if !errors.Is(err, ErrHeld) {
			return err
		}
		if !asked {
			asked = true
			if err := l.ask(); err != nil {
				return err
			}
			return errAgain
		}
		if _, err := l.root.Stat(requestName); errors.Is(err, fs.ErrNotExist) {
			return ErrHeld
		}
		return errAgain
	})
	if errors.Is(err, ErrDeaf) {
		_ = l.root.Remove(requestName) // so that nobody answers it on another day
	}
	return err
}

// Adopt makes this process the holder in place of the other one of a handover: a successor with the file that it was lent, or nil where it
// was lent none; an incumbent, with nil, after the successor has gone. It waits for a process that lets go at this moment, and returns
// ErrHeld when none does.
func (l *Lock) Adopt(lent *os.File) error {
	if lent != nil {
		return l.adopt(lent)
	}
	if l.isLent() {
		return l.take(true) // the successor has gone; who has the lock now has it for good
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), adoptFor, ErrHeld)
	defer cancel()
	return l.try(ctx, func() error {
		if err := l.take(true); !errors.Is(err, ErrHeld) {
			return err
		}
		return errAgain
	})
}

func (l *Lock) isLent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lent
}

// errAgain asks try to go on.
var errAgain = errors.New("not yet")

func (l *Lock) try(ctx context.Context, do func() error) error {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		if err := do(); !errors.Is(err, errAgain) {
			return err
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// take takes the lock, or takes it back from a successor that has gone. Requests that lie about are answered when this process takes over from
// another; after a fresh start they are meaningless, because the window comes anyway.
func (l *Lock) take(over bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil && !l.lent {
		return nil
	}
	var ok bool
	var err error
	held := l.held
	if held == nil {
		held, ok, err = acquire(l.root)
	} else {
		ok, err = held.again()
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", FileName, err)
	}
	if !ok {
		return ErrHeld
	}
	l.held, l.lent = held, false
	l.listen(over)
	return nil
}

func (l *Lock) adopt(file *os.File) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	held, err := inherit(l.root, file)
	if err != nil {
		return fmt.Errorf("take over %s: %w", FileName, err)
	}
	l.held, l.lent = held, false
	l.listen(true)
	return nil
}

// Lend passes the lock on to the successor in a handover, by a function that passes open files to it; both hold it from then on. This process
// stops listening; requests wait for the next who listens. Where the system cannot pass a lock on, or passing fails, it is let go of instead.
// Adopt brings it back.
func (l *Lock) Lend(pass func(name string, file *os.File) error) {
	l.showing.Lock() // a request that has been seen is the app's business before its window's state is passed on
	defer l.showing.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deafen()
	if l.held == nil || l.lent {
		return
	}
	file := l.held.file()
	if file == nil {
		l.letGo()
		return
	}
	if err := pass(FileName, file); err != nil {
		l.log.Warn("the lock could not be passed on; it is let go of", "why", err)
		l.letGo()
		return
	}
	l.lent = true
}

// Leaving stops listening, because this process is about to end: a later start waits until it has, and becomes the app.
func (l *Lock) Leaving() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deafen()
}

// Yield lets go of the lock. What was lent stays with the successor.
func (l *Lock) Yield() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deafen()
	l.letGo()
}

func (l *Lock) letGo() {
	switch {
	case l.held == nil:
	case l.lent:
		l.held.leave()
	default:
		l.held.release()
	}
	l.held, l.lent = nil, false
}
