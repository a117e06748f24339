package updater

import (
	"context"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
)

const (
	// lowCharge is the percentage of a battery below which nothing is downloaded unasked.
	lowCharge = 20
	// lookEvery is how often a system that announces no changes is asked for its network and power.
	lookEvery = time.Minute
)

// may says whether the download under way may go on. What the user asked for waits for nothing but the user.
func (e *Engine) may(fetch.Request) fetch.Verdict {
	settings, now := e.opts.Settings(), e.opts.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.urgent:
	case e.deadline == 0 && settings.HoldFor.Include(now):
		return fetch.Verdict{Wait: fetch.Paused, Until: settings.HoldFor.Until}
	case settings.Quiet.Downloads && settings.Quiet.Include(now):
		return fetch.Verdict{Wait: fetch.QuietHours, Until: settings.Quiet.Until(now)}
	case metered(settings, e.system) && (settings.Metered == MeteredWait || settings.Metered == MeteredSome && e.status.PatchBytes > MeteredBytes):
		return fetch.Verdict{Wait: fetch.Metered}
	case e.system.Battery == system.Yes && e.system.Charge >= 0 && e.system.Charge < lowCharge:
		return fetch.Verdict{Wait: fetch.Battery}
	}
	return fetch.Verdict{}
}

func metered(s Settings, now system.State) bool {
	switch s.Connection {
	case ConnectionMetered:
		return true
	case ConnectionUnmetered:
		return false
	}
	return now.Metered == system.Yes
}

// steer has a change of mind, or of the settings, reach a download that is on its way.
func (e *Engine) steer() {
	e.steering.Lock() // what is decided first must not be carried out last
	defer e.steering.Unlock()
	settings := e.opts.Settings()
	e.mu.Lock()
	limit := fetch.Limit{BytesPerSecond: settings.SpeedLimit, Asked: true}
	if e.urgent {
		limit.BytesPerSecond = 0
	}
	paused, stop := e.paused, e.stop
	skipped := stop != nil && e.skips(settings)
	e.mu.Unlock()
	if skipped {
		stop(errSkipped)
	}
	if err := e.fetcher.SetLimit(limit); err != nil {
		e.opts.Log.Error("the speed limit cannot be used", "why", err)
	}
	if paused {
		e.hand.Pause()
	} else {
		e.hand.Resume()
	}
	e.fetcher.Reconsider()
}

// lookAround keeps what the system says of its network and power.
func (e *Engine) lookAround(ctx context.Context) {
	e.opts.System(ctx, func(now system.State) { e.alter(func() { e.system, e.looked = now, true }) })
}

// awaitLook waits until the system has said something: a connection may cost money from the first byte on.
func (e *Engine) awaitLook(ctx context.Context) error {
	looked := func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.looked
	}
	if !e.until(ctx, looked) {
		return context.Cause(ctx)
	}
	return nil
}

func watchSystem(ctx context.Context, changed func(system.State)) {
	system.Watch(ctx, lookEvery, changed)
}

// pauseOf says for people why a download waits.
func (e *Engine) pauseOf(why fetch.Reason) Pause {
	switch why {
	case "":
		return ""
	case fetch.Paused:
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.paused {
			return PausedByUser
		}
		return PausedByHold
	case fetch.Metered:
		return PausedByMeter
	case fetch.Battery:
		return PausedByBattery
	case fetch.QuietHours:
		return PausedByQuiet
	}
	return PausedByServer
}
