package app

import (
	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/updater"
)

// Updates lets the page see and steer the update engine.
type Updates struct {
	engine      *updater.Engine
	preferences *preferences.Store
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
