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

// Leaving tells the guardian that the user quits. The app calls it when it ends because the user wants it to.
func (e *Engine) Leaving() {
	if e.opts.Successor == nil || e.Status().State != Probation {
		return
	}
	if err := e.opts.Successor.Leave(); err != nil {
		e.opts.Log.Info("nobody stands by any more", "why", err)
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
	e.probation(ctx, guardian)
	return true
}

// assume takes what only one process may hold, then the window.
func (e *Engine) assume(ctx context.Context, window json.RawMessage) error {
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
	if last, known := e.lastAttempt(); known && last.To == e.opts.Version.String() {
		e.attempt = last
		e.attempt.HandoverMS = e.opts.Now().Sub(last.At).Milliseconds()
	}
	return nil
}

// probation runs until this version has proven itself. Then the old program is no longer needed, and the guardian may go.
func (e *Engine) probation(ctx context.Context, guardian *handover.Successor) {
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
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if err := e.inst.Confirm(); err != nil {
		e.opts.Log.Error("could not clean up after the update", "why", err)
	}
	e.update(func(s *Status) { s.Previous, s.ProbationEnds = "", time.Time{} })
	if err := e.enter(Confirmed, nil); err != nil {
		e.opts.Log.Error("cannot write the journal", "why", err)
	}
	if guardian != nil {
		if err := guardian.Confirm(); err != nil {
			e.opts.Log.Info("nobody stands by any more", "why", err)
		}
	}
}
