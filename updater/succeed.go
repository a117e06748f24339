package updater

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// Ready tells the incumbent, when there is one, that this process has restored everything, and how much of it verifiably. The app calls it
// after each restore; the incumbent hears of the first.
func (e *Engine) Ready(r Restored) {
	e.mu.Lock()
	first := e.status.Restored == nil
	e.mu.Unlock()
	e.update(func(s *Status) { s.Restored = &r })
	if e.opts.Successor == nil || !first {
		return
	}
	report := handover.Report{Version: e.opts.Version.String(), Restored: r.Restored, Total: r.Total, Missing: r.Missing}
	if err := e.opts.Successor.Ready(report); err != nil {
		e.opts.Log.Error("could not report to the running version", "why", err)
	}
}

// takeOver waits for the incumbent's word and takes its place. It returns false when this process is to end.
func (e *Engine) takeOver(ctx context.Context) bool {
	e.update(func(s *Status) { s.State, s.Since = HandingOver, e.opts.Now() })
	host := e.opts.Host
	window, err := e.opts.Successor.Await(ctx)
	orphaned := errors.Is(err, handover.ErrIncumbentGone) && e.Status().Restored != nil
	if err != nil && !orphaned {
		e.opts.Log.Info("not taking over", "why", err)
		host.Quit()
		return false
	}
	if err := e.assume(ctx, window); err != nil {
		e.opts.Log.Error("could not take over", "why", err)
		host.Quit()
		return false
	}
	guardian := e.opts.Successor
	if orphaned {
		guardian = nil
	} else if err := guardian.Alive(); err != nil {
		e.opts.Log.Warn("the old version is gone, going on without a guardian", "why", err)
		guardian = nil
	}
	if guardian == nil {
		e.alter(func() { e.inCharge = false })
	}
	e.probation(ctx, guardian)
	return true
}

func (e *Engine) healthy(ctx context.Context) bool {
	return e.opts.Host.Healthy == nil || e.opts.Host.Healthy(ctx)
}

// assume takes what only one process may hold, then the window.
func (e *Engine) assume(ctx context.Context, window json.RawMessage) error {
	e.alter(func() { e.inCharge = true })
	if err := e.opts.Host.TakeLock(); err != nil {
		return err
	}
	if err := e.opts.Host.TakeOver(ctx, window); err != nil {
		return err
	}
	inst, err := e.journal()
	if err != nil {
		return err
	}
	e.inst = inst
	e.attempt = e.attemptOf(e.opts.Version.String())
	e.attempt.HandoverMS = e.opts.Now().Sub(e.attempt.At).Milliseconds()
	return nil
}

// probation runs until this version has proven itself. Then the old program is no longer needed, and the guardian may go. Until then the
// guardian hears that this version is well, as long as it is.
func (e *Engine) probation(ctx context.Context, guardian *handover.Successor) {
	beating, silence := context.WithCancel(ctx)
	defer silence()
	if guardian != nil {
		go guardian.Beat(beating, e.healthy)
	}
	lasts := e.opts.Settings().Probation
	ends := e.opts.Now().Add(lasts)
	e.update(func(s *Status) {
		s.Target, s.Previous, s.ProbationEnds = e.attempt.To, e.attempt.From, ends
		s.PatchBytes, s.FullBytes = e.attempt.Bytes, e.attempt.Full
		s.Figures.CheckBytes = e.attempt.CheckBytes
		if r := s.Restored; r != nil {
			e.attempt.Restored, e.attempt.Total, e.attempt.Missing = r.Restored, r.Total, r.Missing
		}
	})
	if err := e.enter(Probation, nil); err != nil {
		e.opts.Log.Error("cannot write the journal", "why", err)
	}
	if !e.outlast(ctx, lasts) {
		return
	}
	if e.hangs(ctx) {
		e.opts.Log.Error("this version's window does not answer any more: the old version takes back")
		silence() // should this process not be able to end, either
		e.opts.Host.Quit()
		<-ctx.Done()
		return
	}
	for err := e.inst.Confirm(); err != nil; err = e.inst.Confirm() {
		// Nothing newer can be taken before this one is confirmed, so it is tried until it works.
		e.opts.Log.Error("could not confirm the update, trying again", "why", err, "in", confirmEvery)
		if !wait(ctx, confirmEvery) {
			return
		}
	}
	e.update(func(s *Status) { s.Previous, s.ProbationEnds = "", time.Time{} })
	if e.goingBack() {
		// Not for good: it is the one to go back from.
	} else if err := e.enter(Confirmed, nil); err != nil {
		e.opts.Log.Error("cannot write the journal", "why", err)
	}
	e.alter(func() { e.inCharge = false })
	if guardian != nil {
		if err := guardian.Confirm(); err != nil {
			e.opts.Log.Info("nobody stands by any more", "why", err)
		}
	}
}

// confirmEvery is the time between tries to confirm.
const confirmEvery = time.Minute

// hangs says whether the page no longer answers while a guardian could take its place. A page that answers with an error is alive.
func (e *Engine) hangs(ctx context.Context) bool {
	e.mu.Lock()
	guarded := e.inCharge
	e.mu.Unlock()
	return guarded && errors.Is(e.capture(ctx), context.DeadlineExceeded)
}

// wait returns false when the context was done first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
