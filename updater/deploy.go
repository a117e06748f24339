package updater

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	// captureWithin is how long the UI may take to write its state. It does so in milliseconds, or it hangs.
	captureWithin = 5 * time.Second
	// readyWithin is how long a successor may take from its start to a complete restore.
	readyWithin = 20 * time.Second
	// aliveWithin is how long a successor may take to show itself after the word to do so.
	aliveWithin = 5 * time.Second
)

// deploy waits until nobody minds, swaps the programs and hands over. It returns when the release has come to an end of some kind and this
// process goes on, or when this process is to end.
func (e *Engine) deploy(ctx context.Context, r release.Release) {
	if err := e.enter(Waiting, nil); err != nil {
		e.fail(err)
		return
	}
	if !e.awaitQuiet(ctx) {
		return
	}
	if !e.stillOffered(ctx, r) {
		return
	}
	e.attempt.How = e.how()
	successor, err := e.replace(ctx)
	if err != nil {
		e.undo(err)
		return
	}
	e.guard(ctx, successor)
}

// awaitQuiet waits for a hidden window, or the user's word, and no hold. It returns false when it is time to look for something newer.
func (e *Engine) awaitQuiet(ctx context.Context) bool {
	settings := e.opts.Settings()
	recheck := time.NewTimer(max(e.pause(settings), time.Minute))
	defer recheck.Stop()
	for {
		e.mu.Lock()
		quiet := (!e.visible || e.asked) && len(e.holds) == 0
		wanted, changed := e.wanted, e.changed
		e.mu.Unlock()
		if quiet {
			return true
		}
		if wanted || e.opts.Settings().Channel != settings.Channel {
			return false
		}
		select {
		case <-changed:
		case <-recheck.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// how says what made the restart possible, for the history.
func (e *Engine) how() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.visible {
		return "asked"
	}
	return "hidden"
}

// stillOffered asks the feed once more, so that a release withdrawn while it waited is not used. No answer is no objection: its metadata was
// verified when it came, and a computer that is offline may update, too.
func (e *Engine) stillOffered(ctx context.Context, r release.Release) bool {
	result, err := e.feed.Check(ctx)
	if err != nil {
		e.opts.Log.Info("going on without a last look at the feed", "why", err)
		return true
	}
	found, newer := release.Newest(result.Releases, e.opts.Settings().Channel, e.opts.Platform, e.opts.Version)
	switch {
	case newer && found.SHA256 == r.SHA256:
		return true
	case newer && found.Version.Compare(r.Version) > 0:
		e.alter(func() { e.wanted = true }) // something newer came meanwhile
	default:
		e.end(Recalled, nil)
	}
	if err := e.inst.Discard(); err != nil {
		e.opts.Log.Warn("could not remove what was staged", "why", err)
	}
	return false
}

// replace swaps the programs and brings the successor to life. On an error everything but the swap has been undone.
func (e *Engine) replace(ctx context.Context) (*handover.Incumbent, error) {
	if err := e.capture(ctx); err != nil {
		return nil, err
	}
	if err := e.enter(Swapping, nil); err != nil {
		return nil, err
	}
	if err := e.inst.Swap(ctx); err != nil {
		return nil, err
	}
	if err := e.enter(HandingOver, nil); err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timeout := time.AfterFunc(readyWithin, func() { cancel(errNotReady) })
	defer timeout.Stop()
	go e.watchReturn(ctx, cancel)

	host := e.opts.Host
	successor, err := handover.Start(ctx, e.opts.RuntimeDir, host.Command(), e.opts.Log)
	if err != nil {
		return nil, err
	}
	report, err := successor.Ready(ctx)
	if err == nil && report.Restored < report.Total {
		err = &restoreError{report}
	}
	if err == nil {
		err = e.capture(ctx) // the last changes: whatever went on while the successor started
	}
	if err != nil {
		successor.Abort(err.Error())
		return nil, err
	}
	if err := e.commit(ctx, successor); err != nil {
		return nil, err
	}
	return successor, nil
}

// commit passes the lock and the window. From the first line on the user's return no longer stops the handover: either side can show the
// window, and the successor is the one that will.
func (e *Engine) commit(ctx context.Context, successor *handover.Incumbent) error {
	host := e.opts.Host
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), aliveWithin)
	defer cancel()
	if err := host.YieldLock(); err != nil {
		successor.Abort("the lock could not be passed")
		return fmt.Errorf("pass the lock: %w", err)
	}
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

func (e *Engine) capture(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, captureWithin)
	defer cancel()
	if err := e.opts.Host.Capture(ctx); err != nil {
		return fmt.Errorf("write the window's state: %w", err)
	}
	return nil
}

// watchReturn cancels the handover when the user comes back to the window.
func (e *Engine) watchReturn(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		e.mu.Lock()
		back, changed := e.visible && !e.asked, e.changed
		e.mu.Unlock()
		if back {
			cancel(errReturned)
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// undo brings the old program back to its place after a handover that failed while this process was still in charge.
func (e *Engine) undo(cause error) {
	e.alter(func() { e.asked = false })
	if err := e.inst.RollBack(); err != nil {
		e.opts.Log.Error("could not put the old program back", "why", err)
		cause = errors.Join(cause, err)
	}
	reason := reasonOf(cause)
	e.opts.Log.Warn("the restart was taken back", "version", e.attempt.To, "code", reason.Code, "why", cause)
	switch reason.Code {
	case Returned:
		e.end(Aborted, reason)
		e.alter(func() { e.wanted = true }) // it is good, and waits for the next hidden window
	case StateFolder, Locked, Disk, ReadOnly:
		e.end(Refused, reason) // nothing is wrong with the release
	default:
		e.end(RolledBack, reason)
	}
}

// guard stands by, hidden, until the successor is confirmed, and takes back when it is lost.
func (e *Engine) guard(ctx context.Context, successor *handover.Incumbent) {
	outcome, err := successor.Guard(ctx)
	if err != nil {
		return // this process is being ended from outside; the successor goes on alone
	}
	if outcome != handover.Lost {
		e.opts.Log.Info("the new version does not need this one any more", "outcome", outcome)
		e.opts.Host.Quit()
		<-ctx.Done()
		return
	}
	successor.Kill()
	cause := handover.ErrExited
	if err := e.opts.Host.TakeLock(); err != nil {
		cause = errors.Join(cause, fmt.Errorf("take the lock back: %w", err))
	}
	if last, known := e.lastAttempt(); known && last.To == e.attempt.To {
		e.attempt = last // the successor has written on
	}
	e.undo(cause)
	e.opts.Host.TakeBack()
}
