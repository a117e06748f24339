package updater

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

const (
	// captureWithin is how long the UI may take to write its state. It does so in milliseconds, or it hangs.
	captureWithin = 5 * time.Second
	// readyWithin is how long a successor may take from its start to a complete restore.
	readyWithin = 20 * time.Second
	// aliveWithin is how long a successor may take to show itself after the word to do so. The user may be waiting.
	aliveWithin = handover.Patience
	// leaveWithin is how long closing the app waits for a handover under way to be undone.
	leaveWithin = 3 * time.Second
)

// replace swaps the programs and brings the successor to life. On an error everything has been undone but the swap, of which it says whether
// it has happened.
func (e *Engine) replace(ctx context.Context) (successor *handover.Incumbent, swapped bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go e.watchObstacles(ctx, cancel)

	if err := e.capture(ctx); err != nil {
		return nil, false, err
	}
	if err := e.enter(Swapping, nil); err != nil {
		return nil, false, err
	}
	if err := e.inst.Swap(ctx); err != nil {
		return nil, false, causeOr(ctx, err)
	}
	if err := e.enter(HandingOver, nil); err != nil {
		return nil, true, err
	}
	successor, err = e.bringUp(ctx, cancel)
	if err != nil {
		return nil, true, err
	}
	if err := e.commit(ctx, successor); err != nil {
		return nil, true, err
	}
	return successor, true, nil
}

// bringUp starts the successor and returns it once it has restored everything.
func (e *Engine) bringUp(ctx context.Context, cancel context.CancelCauseFunc) (*handover.Incumbent, error) {
	timeout := time.AfterFunc(readyWithin, func() { cancel(errNotReady) })
	defer timeout.Stop()
	successor, err := handover.Start(ctx, e.opts.RuntimeDir, e.opts.Host.Command(), e.opts.Log)
	if err != nil {
		return nil, err
	}
	err = e.meet(ctx, successor)
	if err == nil {
		var report handover.Report
		report, err = successor.Ready(ctx)
		if err == nil && report.Restored < report.Total {
			err = &restoreError{report}
		}
	}
	if err == nil {
		err = e.capture(ctx) // the last changes: whatever went on while the successor started
	}
	if err != nil {
		successor.Abort(err.Error())
		return nil, err
	}
	return successor, nil
}

func (e *Engine) meet(ctx context.Context, successor *handover.Incumbent) error {
	if e.opts.Host.Meet == nil {
		return nil
	}
	if err := e.opts.Host.Meet(ctx, successor); err != nil {
		return causeOr(ctx, fmt.Errorf("meet the new version: %w", err))
	}
	return nil
}

// commit makes the successor the one in charge, unless something stands in the way at the last moment.
func (e *Engine) commit(ctx context.Context, successor *handover.Incumbent) error {
	err := e.obstacle()
	if err == nil && e.isVisible() && e.opts.Host.Cross != nil {
		return e.cross(ctx, successor)
	}
	if err != nil {
		successor.Abort(err.Error())
		return err
	}
	return e.pass(ctx, successor)
}

// cross lets the app lead a visible window over.
func (e *Engine) cross(ctx context.Context, successor *handover.Incumbent) error {
	passed := errors.New("the app did not hand its window over")
	called := false
	err := e.opts.Host.Cross(ctx, successor, func() error {
		called = true
		passed = e.pass(ctx, successor)
		return passed
	})
	switch {
	case called && passed == nil && err != nil:
		e.opts.Log.Error("the new version has taken over, but not everything went as it should", "why", err)
		return nil
	case called:
		return passed
	case err == nil:
		err = passed
	}
	err = causeOr(ctx, err)
	successor.Abort(err.Error())
	return err
}

// pass hands on the lock and the window. From the first line on the user's return no longer stops the handover: either side can show the
// window, and the successor is the one that will.
func (e *Engine) pass(ctx context.Context, successor *handover.Incumbent) error {
	host := e.opts.Host
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), aliveWithin, errNotReady)
	defer cancel()
	host.YieldLock(successor.Pass)
	if err := successor.Commit(ctx, host.Window()); err != nil {
		successor.Kill()
		if lockErr := host.TakeLock(); lockErr != nil {
			err = errors.Join(err, fmt.Errorf("take the lock back: %w", lockErr))
		}
		return err
	}
	host.Retire()
	return nil
}

func (e *Engine) isVisible() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.visible
}

func (e *Engine) capture(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, captureWithin)
	defer cancel()
	if err := e.opts.Host.Capture(limited); err != nil {
		return causeOr(ctx, fmt.Errorf("write the window's state: %w", err))
	}
	return nil
}

// causeOr returns why the context was cancelled, or the error when it was not.
func causeOr(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watchObstacles cancels the handover when the user comes back to the window, begins something or closes the app.
func (e *Engine) watchObstacles(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		e.mu.Lock()
		changed := e.changed
		e.mu.Unlock()
		if err := e.obstacle(); err != nil {
			cancel(err)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// Leaving says that the app is about to end because the user, or the system, wants it to. A handover that this process has begun is undone
// first; a guardian that stands by for it is told that nothing is wrong.
func (e *Engine) Leaving() {
	e.alter(func() { e.leaving = true })
	late := time.NewTimer(leaveWithin)
	defer late.Stop()
	for {
		e.mu.Lock()
		handing, inCharge, changed := e.handing, e.inCharge, e.changed
		e.mu.Unlock()
		if !handing {
			if inCharge {
				if err := e.opts.Successor.Leave(); err != nil {
					e.opts.Log.Info("nobody stands by any more", "why", err)
				}
			}
			return
		}
		select {
		case <-changed:
		case <-late.C:
			e.opts.Log.Warn("the restart under way could not be undone in time")
			return
		}
	}
}
