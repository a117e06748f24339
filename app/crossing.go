//go:build !bindings

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/app/passing"
	"github.com/tesseract-desktop/tesseract/app/window"
	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// The visible handover: this process's window and the other version's change places while the user looks at it and types.
//
//	incumbent                                     successor
//	meeting; every change of the page →           maps its window beneath, restores, follows
//	waits for a moment at which it goes unseen
//	stops saving; closes its gate: keys →         (holds its own keys)
//	last moment of the page, behind every key
//	word to take over →                           shows the last moment, is painted, comes out and has the keyboard
//	the keyboard is gone: end of keys →           types the keys it was sent, then its own
//	hides                                         ← alive
//
// Afterwards the changes go the other way, so that the guardian is never stale. Where it cannot go unseen it is put off, not tried.
const (
	// keyGap is the pause in the typing that is waited for, no longer than gapWithin.
	keyGap    = 50 * time.Millisecond
	gapWithin = time.Second
	// momentWithin is how long a moment at which nothing is in the way may take to come. Meanwhile nothing is recorded.
	momentWithin = 10 * time.Second
	// upToDate is how far behind the user's keys the page may be.
	upToDate = 60 * time.Millisecond
	// lastWithin is how long the page may take to answer behind the user's last key.
	lastWithin = 3 * time.Second
	// meetWithin is how long the running version may take to say what it shows.
	meetWithin = 5 * time.Second
	// paintWithin is how long the toolkit may take to draw what the page has painted.
	paintWithin = 100 * time.Millisecond
)

// meet tells the successor what it is to take the place of. From here on, when the window can be seen, its page hears of every change.
func (s *shell) meet(ctx context.Context, successor *handover.Incumbent) error {
	s.crossing.Store(nil)
	if s.nativeWindow.Load() == nil { // at a launch, there is no window to be beneath
		return passing.Open(context.WithoutCancel(ctx), successor, passing.Options{Item: func(json.RawMessage) {}, Frame: func(window.Frame) {}, Log: s.log}).
			Meet(passing.Meeting{})
	}
	p := passing.Open(context.WithoutCancel(ctx), successor, passing.Options{Item: s.session.hear, Frame: func(window.Frame) {}, Log: s.log})
	s.session.passTo(p)
	native, err := s.native()
	if err != nil {
		return err
	}
	frame, err := native.Frame()
	if err != nil {
		return err
	}
	beneath := onScreen(frame)
	if beneath {
		if why := native.CanCross(); why != nil {
			s.log.Info("the window cannot be replaced unseen", "why", why)
			beneath = false
		}
	}
	if beneath {
		if err := s.session.stream(ctx); err != nil {
			return fmt.Errorf("record what the window shows: %w", err)
		}
		s.crossing.Store(p)
	}
	return p.Meet(passing.Meeting{Beneath: beneath, Frame: frame})
}

func onScreen(f window.Frame) bool { return f.Visible && !f.Minimised }

// cross passes the window and the keyboard, with commit for the word to take over. On an error everything is as it was, keys included.
func (s *shell) cross(ctx context.Context, _ *handover.Incumbent, commit func() error) error {
	p := s.crossing.Load()
	if p == nil {
		return commit()
	}
	defer s.crossing.Store(nil)
	defer s.word.Store(nil)
	err := s.crossVisibly(ctx, p, commit)
	if err != nil {
		s.session.stay()
	}
	return err
}

func (s *shell) crossVisibly(ctx context.Context, p *passing.Passage, commit func() error) error {
	native, err := s.native()
	if err != nil {
		return err
	}
	if err := p.AwaitThere(ctx); err != nil {
		return err
	}
	if err := s.rightMoment(ctx, native); err != nil {
		return err
	}
	last, err := s.session.hush(ctx)
	if err != nil {
		return fmt.Errorf("finish what the window is saving: %w", err)
	}
	began := time.Now()
	if err := native.CloseGate(func(in window.Input) { _ = p.Input(in) }); err != nil { // a passage that is broken fails the commit
		return err
	}
	if err = s.handWindow(ctx, native, last, commit); err != nil {
		return errors.Join(err, native.OpenGate(nil, true))
	}
	s.log.Info("the window has changed hands", "gated", time.Since(began))
	return native.OpenGate(nil, false)
}

func (s *shell) handWindow(ctx context.Context, native *window.Window, last answer, commit func() error) error {
	began := time.Now()
	page, err := answerBehindKeys(ctx, native, last)
	if err != nil {
		return err
	}
	var answered struct {
		Refused string `json:"refused"`
	}
	if err := json.Unmarshal([]byte(page), &answered); err != nil {
		return fmt.Errorf("read the page's last moment: %w", err)
	}
	if answered.Refused != "" {
		return fmt.Errorf("%w: %s", updater.ErrNotNow, answered.Refused)
	}
	frame, err := native.Frame()
	if err != nil {
		return err
	}
	s.log.Info("the page has answered behind the last key", "after", time.Since(began))
	s.word.Store(&passing.Last{Frame: frame, Page: page})
	return commit()
}

// answerBehindKeys waits for what the page answers after the user's last key.
func answerBehindKeys(ctx context.Context, native *window.Window, a answer) (string, error) {
	if err := native.Barrier(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lastWithin, errPageSilent)
	defer cancel()
	return a.wait(ctx)
}

var errPageSilent = fmt.Errorf("%w: the page did not answer in time", updater.ErrNotNow)

// rightMoment waits until nothing is in the way: no mouse button, no menu, a page that keeps up with the keys, and if possible a pause in
// them. A window that others cover in part, and that has not the keyboard, cannot come out unseen.
func (s *shell) rightMoment(ctx context.Context, native *window.Window) error {
	began := time.Now()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		use, err := native.Use()
		if err != nil {
			return err
		}
		frame, err := native.Frame()
		switch {
		case err != nil:
			return err
		case !onScreen(frame):
			return fmt.Errorf("%w: it was put away", updater.ErrNotNow)
		case time.Since(began) > momentWithin:
			return fmt.Errorf("%w: %+v", updater.ErrNotNow, use)
		case use.Focused && !use.Pressed && !use.Grabbed && (use.SinceKey >= keyGap || time.Since(began) > gapWithin):
			if s.keepsUp(ctx, native) {
				return nil
			}
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// keepsUp says whether the page has got round to all keys. Those it has not would keep the user's next ones waiting behind the gate.
func (s *shell) keepsUp(ctx context.Context, native *window.Window) bool {
	probe, err := s.session.probe(ctx)
	if err != nil {
		return false
	}
	asked := time.Now()
	_, err = answerBehindKeys(ctx, native, probe)
	return err == nil && time.Since(asked) < upToDate
}

// ---- the successor's side ----

// join opens the passage from the running version.
func (s *shell) join(ctx context.Context) {
	p := passing.Open(ctx, s.successor, passing.Options{Item: s.session.hear, Frame: s.follow, Log: s.log})
	s.session.passTo(p)
	s.session.meeting = func() passing.Meeting {
		ctx, cancel := context.WithTimeout(ctx, meetWithin)
		defer cancel()
		m, err := p.Meeting(ctx)
		if err != nil || m.Version != passing.Version {
			s.log.Info("taking over without having met", "why", err)
			return passing.Meeting{}
		}
		return m
	}
	s.window.beneath = func() (bool, error) {
		m := s.session.meeting()
		if !m.Beneath {
			return false, nil
		}
		native, err := s.native()
		if err != nil {
			return false, err
		}
		if err := native.Beneath(m.Frame); err != nil {
			return false, err
		}
		s.crossing.Store(p)
		return true, p.There()
	}
}

// follow moves the window beneath with the one above.
func (s *shell) follow(f window.Frame) {
	native, err := s.native()
	if err == nil && s.crossing.Load() != nil {
		err = native.MoveBeneath(f)
	}
	if err != nil {
		s.log.Warn("could not follow the running version's window", "why", err)
	}
}

// comeOut brings the window, which has been beneath the incumbent's, to the user, with every key.
func (s *shell) comeOut(ctx context.Context, p *passing.Passage, last passing.Last) error {
	native, err := s.native()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := native.PretendFocus(); err != nil {
		return err
	}
	if err := s.session.take(ctx, last.Page); err != nil {
		return fmt.Errorf("show what the running version shows: %w", err)
	}
	shown := time.Since(began)
	painting, cancel := context.WithTimeout(ctx, paintWithin)
	defer cancel()
	if err := native.Draw(painting); err != nil {
		s.log.Info("not waiting for the window's drawing any longer", "why", err)
	}
	drawn := time.Since(began)
	if err := native.Activate(ctx); err != nil {
		return err
	}
	active := time.Since(began)
	keys, err := p.Keys(ctx)
	if err != nil {
		return err
	}
	s.window.cameOut()
	s.log.Info("the window came out", "shown", shown, "drawn", drawn, "active", active, "complete", time.Since(began), "keys", len(keys))
	return native.OpenGate(keys, true)
}

// healthy says whether the page answers.
func (s *shell) healthy(ctx context.Context) bool {
	_, err := s.session.settle(ctx)
	return err == nil
}
