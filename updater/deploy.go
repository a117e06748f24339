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
	since := e.readySince(r.SHA256.String())
	e.alter(func() { e.readyAt = since })
	for {
		quiet := e.awaitQuiet(ctx)
		if ctx.Err() != nil {
			return
		}
		if e.goingBack() {
			return
		}
		if e.unwanted(r) {
			e.discard()
			e.fail(errSkipped)
			return
		}
		switch e.offer(ctx, r) {
		case superseded:
			e.alter(func() { e.again = true })
			return
		case withdrawn:
			e.discard()
			e.end(Recalled, nil)
			return
		}
		if quiet && e.obstacle() == nil {
			break
		}
	}
	e.turnOver(ctx)
}

// discard drops what is staged.
func (e *Engine) discard() {
	if err := e.inst.Discard(); err != nil {
		e.opts.Log.Warn("could not remove what was staged", "why", err)
	}
}

// turnOver swaps the programs and hands over. Until it returns the other one, or nobody, is the program that the user sees.
func (e *Engine) turnOver(ctx context.Context) {
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

// awaitQuiet waits for a moment that suits the user, and for every hold. It returns false when it is time to ask the feed again.
func (e *Engine) awaitQuiet(ctx context.Context) bool {
	settings := e.opts.Settings()
	recheck := time.NewTimer(max(e.pause(settings), time.Minute))
	defer recheck.Stop()
	for {
		e.warn()
		chosen := e.opts.Settings()
		e.mu.Lock()
		wanted, changed := e.wanted || e.goBack || e.pushed && e.busy == 0 || e.skips(chosen), e.changed
		e.wanted, e.pushed = false, false
		e.mu.Unlock()
		if e.obstacle() == nil && e.unseen() {
			return true
		}
		if wanted || chosen.Channel != settings.Channel || chosen.Quiet != settings.Quiet {
			return false
		}
		look := time.NewTimer(e.nextLook(chosen))
		select {
		case <-changed:
		case <-look.C:
		case <-recheck.C:
			return false
		case <-ctx.Done():
			return false
		}
		look.Stop()
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
	if err == nil && newer && found.SHA256 == r.SHA256 {
		e.judge(result.Catalogue, found)
	}
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
		e.alter(func() { e.again, e.used = true, e.opts.Now() }) // it is good, and waits for the next moment like this
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
