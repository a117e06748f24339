// Package system tells what the machine knows of its network and its power, for those who decide whether a download may go on.
//
// Parties: services of the system, which may be absent, slow or wrong; a caller that asks and makes a policy of the answers.
//
// Trust: what is told here changes when bytes are fetched, never which.
//
// Guarantees: asking takes a second at most and never fails; what nobody tells is Unknown, which a user's setting may stand in for. Linux
// is asked through NetworkManager, UPower and the desktop portal on D-Bus, Windows through its network cost manager, its power status
// and its internet settings; other systems tell nothing. A crash leaves nothing.
package system

import (
	"context"
	"time"
)

// Answer is what a system says to a question.
type Answer int

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

func (a Answer) String() string {
	switch a {
	case No:
		return "no"
	case Yes:
		return "yes"
	}
	return "unknown"
}

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// State is what the machine says of itself.
type State struct {
	Metered Answer // the connection costs by the byte, or is limited
	Battery Answer // it runs on a battery that is not being charged
	Charge  int    // of the battery, in percent; -1: unknown or none
}

// patience is how long a question may take.
const patience = time.Second

// Read asks the system.
func Read(ctx context.Context) State {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return read(ctx)
}

// Watch calls changed with the state at once, and again whenever it is another one, until ctx ends. Where the system announces changes it
// does so within a moment, otherwise within period.
func Watch(ctx context.Context, period time.Duration, changed func(State)) {
	last := Read(ctx)
	changed(last)
	// A bus that takes the connection and never answers must keep nobody waiting.
	subscribed := make(chan (<-chan struct{}), 1)
	go func() { subscribed <- announcements(ctx) }()
	var announced <-chan struct{}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case announced = <-subscribed: // something may have changed before
		case <-announced:
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if now := Read(ctx); now != last && ctx.Err() == nil {
			last = now
			changed(now)
		}
	}
}
