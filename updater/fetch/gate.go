package fetch

import "time"

// gate says whether a download may go on.
type gate struct {
	d       *download
	verdict Verdict
	asked   time.Time // when May was asked last; zero: never

	conditions <-chan struct{} // closed when they have changed since then
}

// changes are closed when it is time to look again.
type changes struct{ download, background, conditions <-chan struct{} }

// look returns why to wait, "" to go on, and when to look again at the latest.
func (g *gate) look(now time.Time) (waiting Reason, wake time.Time, changed changes) {
	f, r := g.d.f, g.d.r
	var paused, all bool
	if r.Switch != nil {
		paused, changed.download = r.Switch.watch()
	}
	all, changed.background = f.background.watch()
	if g.stale(now) {
		_, g.conditions = f.conditions.watch() // before the question: what changes while it is answered counts
		g.verdict, g.asked = f.o.May(r), now
	}
	changed.conditions = g.conditions
	wake = now.Add(askAgain)
	if until := g.verdict.Until; until.After(now) && until.Before(wake) {
		wake = until
	}
	if paused || all && r.Priority == Background {
		return Paused, wake, changed
	}
	return g.verdict.Wait, wake, changed
}

// stale tells whether May has to be asked again.
func (g *gate) stale(now time.Time) bool {
	select {
	case <-g.conditions:
		return true // also when it was something else that woke the download
	default:
	}
	until := g.verdict.Until
	return g.asked.IsZero() || now.Sub(g.asked) >= askAgain || !until.IsZero() && !now.Before(until)
}
