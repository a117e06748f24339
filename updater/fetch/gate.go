package fetch

import "time"

// gate says whether a download may go on.
type gate struct {
	d       *download
	verdict Verdict
	asked   time.Time // when May was asked last; zero: never
	stale   bool      // something has changed since
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
	_, changed.conditions = f.conditions.watch()
	if g.stale || g.asked.IsZero() || now.Sub(g.asked) >= askAgain || !g.verdict.Until.IsZero() && !now.Before(g.verdict.Until) {
		g.verdict, g.asked, g.stale = f.o.May(r), now, false
	}
	wake = now.Add(askAgain)
	if until := g.verdict.Until; until.After(now) && until.Before(wake) {
		wake = until
	}
	if paused || all && r.Priority == Background {
		return Paused, wake, changed
	}
	return g.verdict.Wait, wake, changed
}
