package app

import (
	"time"

	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
)

// Updates lets the page see and steer the update engine.
type Updates struct {
	engine      *updater.Engine
	preferences *preferences.Store
	outcomes    *outcome.Queue // may be nil
}

// Reports are what the makers are told, as text: the very bytes.
type Reports struct {
	SentAt time.Time `json:"sentAt,omitzero"`
	Last   string    `json:"last"` // sent last; "" where nothing was
	Next   []string  `json:"next"` // would be sent next, oldest first
}

// Reports returns what was sent last and what would be sent next.
func (u *Updates) Reports() (Reports, error) {
	r := Reports{Next: []string{}}
	if u.outcomes == nil {
		return r, nil
	}
	last, next, err := u.outcomes.Look()
	if last != nil {
		r.SentAt, r.Last = last.At, string(last.Body)
	}
	for _, body := range next {
		r.Next = append(r.Next, string(body))
	}
	return r, pageError(err)
}

// Status returns the engine's state. Changes come as the event "updates:status".
func (u *Updates) Status() updater.Status { return u.engine.Status() }

// Check looks for a new version now.
func (u *Updates) Check() { u.engine.Check() }

// Pause makes the download under way wait until Resume or Cancel.
func (u *Updates) Pause() { u.engine.Pause() }

// Resume goes on with a paused download.
func (u *Updates) Resume() { u.engine.Resume() }

// Cancel stops the download or staging under way.
func (u *Updates) Cancel() { u.engine.Cancel() }

// TryAgain gives a version that failed here another chance.
func (u *Updates) TryAgain() { u.engine.TryAgain() }

// Restart starts a waiting version although the window is visible.
func (u *Updates) Restart() { u.engine.Restart() }

// GoBack returns to the version before this one, which is kept on disk.
func (u *Updates) GoBack() { u.engine.GoBack() }

// Stretch puts the end of a critical version's countdown further off.
func (u *Updates) Stretch() { u.engine.Stretch() }

// Used says that the user did something in the window just now.
func (u *Updates) Used() { u.engine.Used() }

// SetChannel changes where updates come from: "stable", "beta" or "nightly".
func (u *Updates) SetChannel(channel string) error {
	_, err := u.preferences.Update(func(p *preferences.Preferences) { p.Updates.Channel = channel })
	return pageError(err)
}

// History returns the updates that ended here, newest first.
func (u *Updates) History() ([]updater.Record, error) {
	records, err := u.engine.History()
	return records, pageError(err)
}
