package updater

import (
	"context"
	"slices"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// GoBack returns to the version before this one, which is kept on disk, as soon as no hold is left: Status.Back. It needs no network, and goes the
// way of every update, with probation. The version gone back from is passed over until TryAgain, or until there is something newer. In
// probation it goes back to the version that stands by.
func (e *Engine) GoBack() {
	e.alter(func() {
		standsBy := e.status.State == Probation && e.status.Previous != ""
		e.goBack = standsBy || e.status.Back != nil && e.status.Back.Floor == ""
	})
}

// outlast waits for the end of probation, which the user's wish to go back brings at once: from then on it is an update like any other. It
// returns false when the context was done first.
func (e *Engine) outlast(ctx context.Context, probation time.Duration) bool {
	limited, cancel := context.WithTimeout(ctx, probation)
	defer cancel()
	e.until(limited, e.goingBack)
	return ctx.Err() == nil
}

func (e *Engine) goingBack() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.goBack
}

// lookBack finds out what there is to go back to.
func (e *Engine) lookBack() {
	back := e.kept()
	e.update(func(s *Status) { s.Back = back })
}

func (e *Engine) kept() *Back {
	kept, err := e.inst.Previous()
	if err != nil {
		return nil
	}
	entries, err := e.inst.History()
	if err != nil {
		return nil
	}
	for _, entry := range slices.Backward(entries) {
		if entry.To != e.opts.Version.String() || entry.State != string(Probation) && entry.State != string(Confirmed) {
			continue
		}
		previous, err := release.ParseVersion(entry.From)
		if err != nil {
			return nil
		}
		back := &Back{Version: entry.From, Bytes: kept.Length}
		if previous.Compare(e.known.Floor) < 0 {
			back.Floor = e.known.Floor.String()
		}
		return back
	}
	return nil
}

// returnTo puts the previous version back in place.
func (e *Engine) returnTo(ctx context.Context) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	e.alter(func() {
		e.goBack, e.returning, e.asked, e.deadline, e.stop = false, true, true, 0, func(why error) { stop(why) }
	})
	defer e.alter(func() { e.returning, e.asked, e.stop = false, false, nil })
	back := e.kept()
	if back == nil || back.Floor != "" {
		return
	}
	e.attempt = install.Entry{At: e.opts.Now(), From: e.opts.Version.String(), To: back.Version, How: howBack, Full: back.Bytes}
	e.update(func(s *Status) {
		*s = Status{State: s.State, Installed: s.Installed, Target: back.Version, Since: s.Since, LastCheck: s.LastCheck, Restored: s.Restored, Back: s.Back}
	})
	if err := e.stageBack(ctx); err != nil {
		e.fail(err)
		return
	}
	for e.obstacle() != nil {
		e.awaitQuiet(ctx)
		if ctx.Err() != nil {
			e.dropBack(ctx)
			return
		}
	}
	e.alter(func() { e.stop = nil })
	e.turnOver(ctx)
}

func (e *Engine) stageBack(ctx context.Context) error {
	staged, err := e.inst.GoBack()
	if err != nil {
		return err
	}
	e.attempt.SHA256 = staged.SHA256.String()
	if err := e.enter(Staged, nil); err != nil {
		return err
	}
	if _, err := e.inst.Trial(ctx, trialWithin); err != nil {
		return causeOr(ctx, err)
	}
	return e.enter(Waiting, nil)
}

// dropBack gives up what waits for the last holds. When the app is ending it stays, and is for the next launch to decide.
func (e *Engine) dropBack(ctx context.Context) {
	if err := context.Cause(ctx); err != nil && reasonOf(err).Code == Cancelled {
		e.discard()
		e.fail(errCancelled)
	}
}
