package handover

import (
	"context"
	"time"
)

// Outcome is how a probation ended, as the guardian saw it.
type Outcome string

const (
	// Confirmed: the successor is good; the guardian may go.
	Confirmed Outcome = "confirmed"
	// Left: the user quit the successor during probation; nobody needs the guardian.
	Left Outcome = "left"
	// Lost: the successor died or does not answer; the guardian must kill it and take back.
	Lost Outcome = "lost"
)

// lookEvery is how often the guardian looks whether there were beats.
const lookEvery = Patience / 10

// Guard waits for the end of the successor's probation. Lost comes with the reason: ErrExited as soon as the successor's stream ends without
// a word, ErrSilent when it has not beaten for [Patience]. When ctx is done first the outcome is "" and the error its cause.
func (s *Incumbent) Guard(ctx context.Context) (Outcome, error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	looked := time.Now()
	heard := looked
	for {
		select {
		case m, open := <-s.inbox:
			switch {
			case !open:
				return Lost, ErrExited
			case m.Kind == kindConfirmed:
				return Confirmed, nil
			case m.Kind == kindLeaving:
				return Left, nil
			}
			s.log.Warn("ignored a message during probation", "kind", m.Kind)
		case <-s.beats:
			heard = time.Now()
		case <-look.C:
			now := time.Now()
			if now.Sub(looked) > Patience/2 {
				// This process was stopped, or the computer slept: the silence may be its own.
				heard = now
			}
			looked = now
			if now.Sub(heard) > Patience {
				return Lost, ErrSilent
			}
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// Beat tells the guardian every [Interval] that this process is well, as long as healthy says so, until ctx is done or the guardian has gone.
// While healthy says no, or does not return, the guardian hears nothing, and takes back after [Patience]; so healthy should ask whatever the
// user would find frozen. Its context ends after Patience.
func (s *Successor) Beat(ctx context.Context, healthy func(context.Context) bool) {
	every := time.NewTicker(Interval)
	defer every.Stop()
	for {
		limited, cancel := context.WithTimeout(ctx, Patience)
		well := healthy(limited)
		cancel()
		if well && s.link.send(message{Kind: kindBeat}) != nil {
			return
		}
		select {
		case <-every.C:
		case <-s.link.mail.ended:
			return
		case <-ctx.Done():
			return
		}
	}
}
