package updater

import (
	"context"
	"errors"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// deploy waits until nobody minds, swaps the programs and hands over. It returns when the release has come to an end of some kind and this
// process goes on, or when this process is to end.
func (e *Engine) deploy(ctx context.Context, r release.Release) {
	if err := e.enter(Waiting, nil); err != nil {
		e.fail(err)
		return
	}
	for {
		quiet := e.awaitQuiet(ctx)
		if ctx.Err() != nil {
			return
		}
		switch e.offer(ctx, r) {
		case superseded:
			e.alter(func() { e.again = true })
			return
		case withdrawn:
			if err := e.inst.Discard(); err != nil {
				e.opts.Log.Warn("could not remove what was staged", "why", err)
			}
			e.end(Recalled, nil)
			return
		}
		if quiet && e.obstacle() == nil {
			break
		}
	}
	e.attempt.How = e.how()
	e.alter(func() { e.handing = true })
	successor, swapped, err := e.replace(ctx)
	if err != nil {
		e.undo(ctx, swapped, err)
	}
	e.alter(func() { e.handing = false })
	if err == nil {
		e.guard(ctx, successor)
	}
}

// obstacle says why a restart may not be now, or nil.
func (e *Engine) obstacle() error {
	quiet := e.opts.Settings().Quiet.Include(e.opts.Now())
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.leaving:
		return errLeaving
	case len(e.holds) > 0:
		return errHeld
	case e.visible && !e.asked:
		return errReturned
	case quiet && !e.asked:
		return errQuiet
	}
	return nil
}

// awaitQuiet waits for a hidden window, or the user's word, and no hold. It returns false when it is time to ask the feed again.
func (e *Engine) awaitQuiet(ctx context.Context) bool {
	settings := e.opts.Settings()
	recheck := time.NewTimer(max(e.pause(settings), time.Minute))
	defer recheck.Stop()
	look := time.NewTicker(time.Minute) // quiet hours begin and end, also while the computer sleeps
	defer look.Stop()
	for {
		e.mu.Lock()
		wanted, changed := e.wanted || e.pushed && e.busy == 0, e.changed
		e.wanted, e.pushed = false, false
		e.mu.Unlock()
		if e.obstacle() == nil {
			return true
		}
		if chosen := e.opts.Settings(); wanted || chosen.Channel != settings.Channel || chosen.Quiet != settings.Quiet {
			return false
		}
		select {
		case <-changed:
		case <-look.C:
		case <-recheck.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// verdict is what the feed says of a release that waits.
type verdict int

const (
	offered    verdict = iota
	superseded         // there is something newer, or the user wants another channel
	withdrawn
)

// offer asks the feed whether the release is still the one for this user, so that one withdrawn while it waited is not used. No answer is no
// objection: its metadata was verified when it came, and a computer that is offline may update, too.
func (e *Engine) offer(ctx context.Context, r release.Release) verdict {
	me := e.client()
	result, err := e.ask(ctx)
	if err != nil {
		e.opts.Log.Info("going on without a last look at the feed", "why", err)
	}
	found, newer := result.Offer(me)
	switch {
	case !me.Channel.Accepts(r.Channel):
		return superseded
	case err != nil, newer && found.SHA256 == r.SHA256:
		return offered
	case newer && found.Version.Compare(r.Version) > 0:
		return superseded
	}
	return withdrawn
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

// undo brings the old program back to its place, if it has left it, after a handover that failed while this process was still in charge.
func (e *Engine) undo(ctx context.Context, swapped bool, cause error) {
	if swapped {
		if err := e.inst.RollBack(); err != nil {
			e.opts.Log.Error("could not put the old program back", "why", err)
			cause = errors.Join(cause, err)
		}
	}
	if ctx.Err() != nil || errors.Is(cause, errLeaving) {
		return // the app is ending, which says nothing about the release
	}
	reason := reasonOf(cause)
	e.opts.Log.Warn("the restart was taken back", "version", e.attempt.To, "code", reason.Code, "why", cause)
	switch {
	case reason.Code == Returned:
		e.end(Aborted, reason)
		e.alter(func() { e.again = true }) // it is good, and waits for the next hidden window
	case blames(cause):
		e.end(RolledBack, reason)
	default:
		e.end(Refused, reason)
	}
}

// guard stands by, hidden, until the successor is confirmed, and takes back when it is lost.
func (e *Engine) guard(ctx context.Context, successor *handover.Incumbent) {
	host := e.opts.Host
	outcome, why := successor.Guard(ctx)
	if outcome == "" {
		return // this process is being ended from outside; the successor goes on alone
	}
	if outcome != handover.Lost {
		e.opts.Log.Info("the new version does not need this one any more", "outcome", outcome)
		host.Quit()
		<-ctx.Done()
		return
	}
	successor.Kill()
	e.attempt = e.attemptOf(e.attempt.To) // the successor has written on
	lockErr := host.TakeLock()
	e.undo(ctx, true, why)
	if lockErr != nil {
		// Somebody started the app again in this very moment; that process is the one the user sees.
		e.opts.Log.Warn("another process has taken this one's place", "why", lockErr)
		host.Quit()
		<-ctx.Done()
		return
	}
	host.TakeBack()
}
