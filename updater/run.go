package updater

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Run works until the context is done or the process has been handed over and may end. It never returns an error: what goes wrong becomes
// a state with a reason, and is tried again.
func (e *Engine) Run(ctx context.Context) {
	defer e.close()
	if e.opts.Successor != nil {
		if !e.takeOver(ctx) {
			return
		}
	} else {
		e.resume(ctx)
	}
	if e.inst != nil {
		e.lookBack()
		e.reportLost()
	}
	if e.opts.Outcomes != nil {
		go e.opts.Outcomes.Run(ctx)
	}
	go e.lookAround(ctx)
	for ctx.Err() == nil {
		if e.goingBack() {
			e.returnTo(ctx)
		} else {
			e.cycle(ctx)
		}
		e.rest(ctx)
	}
}

// resume looks at what the last process left behind.
func (e *Engine) resume(ctx context.Context) {
	var err error
	if e.inst, err = e.journal(); err != nil {
		e.opts.Log.Warn("cannot read the journal", "why", err)
		return
	}
	recovered, err := e.inst.Recover()
	if err != nil {
		e.opts.Log.Error("cannot clean up after the last process", "why", err)
		return
	}
	if recovered.Probation {
		// The machine went down, or the user quit, between the swap and the confirmation. There is no guardian any more, but the old program is
		// still kept, and nothing newer is taken before this version is confirmed.
		e.attempt = e.attemptOf(e.opts.Version.String())
		e.probation(ctx, nil)
	}
}

// open opens the install and the feed, which both need folders that may be unwritable now and writable later.
func (e *Engine) open(ctx context.Context) error {
	inst, err := e.journal()
	if err != nil {
		return err
	}
	e.inst = inst
	if e.feed == nil {
		if e.opts.Feed.URL == "" || len(e.opts.Feed.Root) == 0 {
			return errUnconfigured
		}
		client, err := feed.New(e.opts.Feed)
		if err != nil {
			return fmt.Errorf("open the feed: %w", err)
		}
		e.feed = client
		go e.listen(ctx, client)
	}
	return nil
}

// rest waits until the next check is due, or something asks for one.
func (e *Engine) rest(ctx context.Context) {
	settings := e.opts.Settings()
	pause := e.pause(settings)
	due := time.NewTimer(pause)
	defer due.Stop()
	held := settings.HoldFor.Include(e.opts.Now())
	look := time.NewTicker(lookAgain)
	defer look.Stop()
	if !held {
		look.Stop()
	}
	if settings.Automatic != None {
		e.update(func(s *Status) { s.NextCheck = e.opts.Now().Add(pause) })
		defer e.update(func(s *Status) { s.NextCheck = time.Time{} })
	}
	for {
		e.mu.Lock()
		wanted, pushed, changed := e.wanted || e.again || e.goBack, e.pushed && e.busy == 0, e.changed
		e.pushed = false
		e.mu.Unlock()
		now := e.opts.Settings()
		if wanted || pushed && now.Automatic != None || now.Channel != settings.Channel || now.Automatic != settings.Automatic || now.CheckEvery != settings.CheckEvery {
			return
		}
		if now.Skip != settings.Skip || held && !now.HoldFor.Include(e.opts.Now()) {
			return
		}
		select {
		case <-changed:
		case <-look.C:
		case <-due.C:
			if now.Automatic != None {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

const (
	// minWish is the most often that a server can have checks done, maxBusy the longest that it can put them off: a feed's answers are not
	// signed, and one that lies must not keep a client away for ever.
	minWish  = time.Minute
	minPause = time.Second // whatever the settings say
	maxBusy  = 24 * time.Hour
)

// pause is the time to the next check: the user's choice, or less where the server wants that, or after failures, from half a minute on
// doubling. No check comes earlier than a busy server asked for.
func (e *Engine) pause(s Settings) time.Duration {
	d := max(s.CheckEvery, minPause)
	if e.wish > 0 {
		d = min(d, max(e.wish, minWish))
	}
	if e.failures > 0 && e.failures < 16 {
		d = min(d, 30*time.Second<<(e.failures-1))
	}
	if spread := d / 10; spread > 0 {
		d += rand.N(2*spread) - spread
	}
	if d < e.busy {
		d = e.busy + rand.N(e.busy/10+1)
	}
	return d
}

// cycle goes once from a check to wherever it leads.
func (e *Engine) cycle(ctx context.Context) {
	var wanted bool
	e.alter(func() {
		wanted = e.wanted || e.again
		e.urgent = e.wanted || e.again && e.urgent
		e.wanted, e.again = false, false
	})
	settings := e.opts.Settings()
	if settings.Automatic == None && !wanted {
		e.settle(Idle, nil)
		return
	}

	hindrance := e.examine(ctx, wanted)
	if managed(hindrance) {
		e.settle(Idle, hindrance)
		return
	}
	found, newer, err := e.check(ctx)
	if err != nil {
		e.failures++
		e.opts.Log.Warn("check failed", "why", err)
		e.settle(Idle, err)
		return
	}
	e.failures = 0
	if !newer {
		e.settle(Current, hindrance)
		return
	}
	e.begin(found)
	e.judge(e.known, found)
	if why := e.passedOver(found); why != nil {
		return // the reason stays on show: it ended here before
	}
	if hindrance != nil {
		e.fail(hindrance)
		return
	}
	e.mu.Lock()
	held := e.deadline == 0 && settings.HoldFor.Include(e.opts.Now())
	e.mu.Unlock()
	if (settings.Automatic == CheckOnly || held) && !wanted {
		e.update(func(s *Status) { s.State, s.Since = Idle, e.opts.Now() })
		return
	}
	if err := e.obtain(ctx, found); err != nil {
		if ctx.Err() == nil { // else the app is ending, which says nothing about the release
			e.fail(err)
		}
		return
	}
	e.deploy(ctx, found)
}

// check asks the feed what is newer than this process, for this user.
func (e *Engine) check(ctx context.Context) (release.Release, bool, error) {
	e.update(func(s *Status) { s.State, s.Since = Checking, e.opts.Now() })
	if err := e.open(ctx); err != nil {
		return release.Release{}, false, err
	}
	result, err := e.ask(ctx)
	if err != nil {
		return release.Release{}, false, err
	}
	e.update(func(s *Status) { s.Figures.CheckBytes = result.Bytes })
	e.known = result.Catalogue
	e.lookBack()
	found, newer := result.Offer(e.client())
	return found, newer, nil
}

// ask checks the feed once, and keeps what that says about checks to come.
func (e *Engine) ask(ctx context.Context) (feed.Result, error) {
	result, err := e.feed.Check(ctx)
	e.busy = 0
	if busy, ok := errors.AsType[*feed.BusyError](err); ok {
		e.busy = min(busy.After, maxBusy)
	}
	if err == nil {
		e.id, e.wish = result.ID, result.Next
		e.update(func(s *Status) { s.LastCheck = result.At })
	}
	return result, err
}

// client is this process, as the feed's catalogue wants to know it.
func (e *Engine) client() release.Client {
	return release.Client{Channel: e.opts.Settings().Channel, Platform: e.opts.Platform, Current: e.opts.Version, ID: e.id}
}

// settle ends a cycle that found nothing to do, or could not look; or one of a program that could not be replaced, should there be something.
func (e *Engine) settle(state State, err error) {
	e.update(func(s *Status) {
		keep := Status{State: state, Installed: s.Installed, Since: e.opts.Now(), LastCheck: s.LastCheck, Restored: s.Restored, Figures: s.Figures, Back: s.Back}
		if err != nil {
			keep.Reason = reasonOf(err)
		}
		*s = keep
	})
}

// begin names the release that the coming states are about.
func (e *Engine) begin(r release.Release) {
	now := e.opts.Now()
	e.attempt = install.Entry{At: now, From: e.opts.Version.String(), To: r.Version.String(), SHA256: r.SHA256.String(), Full: r.Full.Length}
	e.update(func(s *Status) {
		e.attempt.CheckBytes = s.Figures.CheckBytes
		*s = Status{State: s.State, Installed: s.Installed, Target: e.attempt.To, FullBytes: r.Full.Length, Since: s.Since,
			LastCheck: s.LastCheck, Restored: s.Restored, Figures: Figures{CheckBytes: s.Figures.CheckBytes}, Back: s.Back, sha256: r.SHA256.String()}
	})
}

// enter journals a state and only then goes there. A state that cannot be journalled is not entered.
func (e *Engine) enter(state State, reason *Reason) error {
	stage := e.attempt.State
	e.attempt.At, e.attempt.State = e.opts.Now(), string(state)
	e.attempt.Reason, e.attempt.Detail = reason.encode()
	if err := e.inst.Record(e.attempt); err != nil {
		return &stateError{path: e.opts.Install.Dir, err: err}
	}
	e.report(state, stage)
	e.update(func(s *Status) {
		s.State, s.Reason, s.Since, s.Progress, s.Paused = state, reason, e.attempt.At, nil, ""
		s.Figures.DownloadMS, s.Figures.ApplyMS, s.Figures.HandoverMS = e.attempt.DownloadMS, e.attempt.ApplyMS, e.attempt.HandoverMS
		s.Figures.Codec = e.attempt.Codec
	})
	return nil
}

// fail ends the attempt with the state that fits the error. The journal may be what failed, so it does not have to take the entry.
func (e *Engine) fail(err error) {
	reason := reasonOf(err)
	state := Refused
	if reason.Code == Cancelled || reason.Code == Skipped {
		state = Aborted
	}
	if reason.Code == ReadOnly || reason.Code == NotYours {
		e.examined = false
	}
	e.opts.Log.Warn("the update ended", "state", state, "version", e.attempt.To, "code", reason.Code, "why", err)
	e.end(state, reason)
}

// end ends an attempt. What the user asked for it, a restart or another try, has been given.
func (e *Engine) end(state State, reason *Reason) {
	e.alter(func() {
		e.asked, e.paused = false, false
		if state != Aborted && e.retry.String() == e.attempt.SHA256 {
			e.retry = release.Digest{}
		}
	})
	if err := e.enter(state, reason); err != nil {
		e.opts.Log.Error("cannot write the journal", "why", err)
		e.update(func(s *Status) {
			s.State, s.Reason, s.Since, s.Progress, s.Paused = state, reason, e.opts.Now(), nil, ""
		})
	}
}
