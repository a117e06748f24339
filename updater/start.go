package updater

import "time"

// Start says when a version that is ready may start. Whatever is chosen, it starts when the user asks for it, and holds are waited for.
type Start string

const (
	// StartHidden waits until the window is hidden.
	StartHidden Start = "hidden"
	// StartIdle also takes a visible window that nobody has touched for Settings.IdleAfter.
	StartIdle Start = "idle"
	// StartQuit leaves it to the next launch of the app.
	StartQuit Start = "quit"
	// StartAsk waits for the user's word, also at a launch.
	StartAsk Start = "ask"
)

// HoldFor is a time in which the user wants no update: nothing is downloaded and nothing restarts unasked. Checks go on. The zero value is none.
type HoldFor struct {
	Until time.Time
	Open  bool // until the user takes it back
}

// Include tells whether t lies in it.
func (h HoldFor) Include(t time.Time) bool { return h.Open || t.Before(h.Until) }

// How an update came to be started, for the history.
const (
	howHidden   = "hidden"   // the window was hidden
	howIdle     = "idle"     // nobody touched the window
	howAsked    = "asked"    // the user asked for it
	howQuit     = "quit"     // at the first launch after the user quit
	howSecurity = "security" // the countdown of a critical release ran out
	howBack     = "back"     // the user wanted the previous version back
)

// obstacle says why a restart may not be now, or nil.
func (e *Engine) obstacle() error {
	settings, now := e.opts.Settings(), e.opts.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.leaving:
		return errLeaving
	case e.overdue(now):
		return nil
	case len(e.holds) > 0:
		return errHeld
	case e.asked:
		return nil
	case e.deadline == 0 && settings.HoldFor.Include(now):
		return errOnHold
	case !e.opportune(settings, now):
		return errReturned
	case settings.Quiet.Include(now):
		return errQuiet
	}
	return nil
}

// opportune says whether this is a moment that the user left to the engine. Called with mu held.
func (e *Engine) opportune(s Settings, now time.Time) bool {
	switch s.Start {
	case StartQuit, StartAsk:
		return false
	case StartIdle:
		return !e.visible || now.Sub(e.used) >= s.IdleAfter
	}
	return !e.visible
}

// unseen says whether a restart now would go unnoticed, as far as the app can tell. One that the user expects need not.
func (e *Engine) unseen() bool {
	e.mu.Lock()
	expected := !e.visible || e.asked || e.overdue(e.opts.Now())
	e.mu.Unlock()
	if expected || e.opts.Host.CanCross == nil {
		return true
	}
	err := e.opts.Host.CanCross()
	if err != nil {
		e.opts.Log.Info("not restarting a window that can be seen", "why", err)
	}
	return err == nil
}

// how says what made the restart possible.
func (e *Engine) how() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.returning, e.attempt.How == howBack:
		return howBack
	case e.launching:
		return howQuit
	case e.asked:
		return howAsked
	case e.overdue(e.opts.Now()):
		return howSecurity
	case e.visible:
		return howIdle
	}
	return howHidden
}

// lookAgain is how often a version that waits looks at the clock, which may have been set, or gone on while the computer slept.
const lookAgain = time.Minute

// nextLook is how long nothing changes by itself that a waiting version waits for, at most lookAgain.
func (e *Engine) nextLook(s Settings) time.Duration {
	now := e.opts.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	next := now.Add(lookAgain)
	ends := []time.Time{s.HoldFor.Until, e.status.Countdown, e.noticeAt()}
	if s.Start == StartIdle {
		ends = append(ends, e.used.Add(s.IdleAfter))
	}
	if s.Quiet.Include(now) {
		ends = append(ends, s.Quiet.Until(now))
	}
	for _, end := range ends {
		if end.After(now) && end.Before(next) {
			next = end
		}
	}
	return next.Sub(now)
}
