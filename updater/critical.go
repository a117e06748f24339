package updater

import (
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	// notice is how long before a critical release restarts the program the user is told, in the window, with a countdown.
	notice = 15 * time.Minute
	// stretch is what the user adds to the countdown each time, as often as they like.
	stretch = time.Hour
)

// judge notes whether what is offered is critical, which a rollout or a newer release may change while it waits.
func (e *Engine) judge(known release.Catalogue, r release.Release) {
	hours, critical := known.Critical(e.client(), r)
	e.alter(func() {
		e.deadline = 0
		if critical {
			e.deadline = time.Duration(hours) * time.Hour
		}
	})
	e.update(func(s *Status) {
		s.Critical = critical
		if !critical {
			s.Countdown = time.Time{}
		}
	})
}

// noticeAt is when the user is told of a critical release that has not been used; zero where there is none. Called with mu held.
func (e *Engine) noticeAt() time.Time {
	if e.deadline == 0 || e.status.State != Waiting || e.readyAt.IsZero() {
		return time.Time{}
	}
	return e.readyAt.Add(e.deadline)
}

// warn begins the countdown of a critical release, once its time has come and the user can see it.
func (e *Engine) warn() {
	now := e.opts.Now()
	e.mu.Lock()
	at := e.noticeAt()
	due := !at.IsZero() && !now.Before(at) && e.visible && e.status.Countdown.IsZero()
	e.mu.Unlock()
	if due {
		e.update(func(s *Status) { s.Countdown = now.Add(notice) })
	}
}

// overdue says whether the countdown of a critical release has run out. Called with mu held.
func (e *Engine) overdue(now time.Time) bool {
	return e.deadline > 0 && !e.status.Countdown.IsZero() && !now.Before(e.status.Countdown)
}

// Stretch puts the end of a critical release's countdown an hour further off. The user may do so as often as they like.
func (e *Engine) Stretch() {
	e.update(func(s *Status) {
		if !s.Countdown.IsZero() {
			s.Countdown = s.Countdown.Add(stretch)
		}
	})
	e.alter(func() {})
}

// readySince is when a release first waited to be used, in this process or in one before.
func (e *Engine) readySince(sha string) time.Time {
	entries, err := e.inst.History()
	if err != nil {
		e.opts.Log.Warn("cannot read the journal", "why", err)
	}
	for _, entry := range entries {
		if entry.SHA256 == sha && entry.State == string(Waiting) {
			return entry.At
		}
	}
	return e.opts.Now()
}
