// Package fault is the closed set of what can go wrong while a feed is asked.
//
// Every error that the feed's packages return is of exactly one kind: errors.Is
// tells which, the text has the particulars, and [Label] has a word for counters.
// Package feed exports all of it under the same names.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnreachable: no usable answer came. Try again later.
	ErrUnreachable = errors.New("the feed is not reachable; look at this computer's connection, or try again later")
	// ErrMalformed: what answered is not a feed, for example a sign-in page.
	ErrMalformed = errors.New("the answer is not a feed; look at the feed's address, and whether this network asks for a sign-in")
	// ErrSignature: the feed is not signed as it must be. Either somebody
	// interferes, or its publisher made a mistake.
	ErrSignature = errors.New("the feed is not signed as it must be; if this lasts, tell its publisher")
	// ErrRollback is an ErrSignature: what came is correctly signed, but older
	// than, or not a part of, what was seen before.
	ErrRollback = fmt.Errorf("%w: it is older than one that was seen before", ErrSignature)
	// ErrExpired: the feed has not been renewed in time, or this computer's
	// clock is wrong.
	ErrExpired = errors.New("the feed has expired; look at this computer's clock, or tell the publisher")
	// ErrState: the folder for the client's own files cannot be used.
	ErrState = errors.New("what is known of the feed cannot be kept; make the folder writable and see that its disk has room")
)

// BusyError says that the server asks to be left alone for a while. It is an
// ErrUnreachable.
type BusyError struct {
	After time.Duration // from now on; 0 where the server did not say
}

func (e *BusyError) Error() string {
	if e.After <= 0 {
		return "the server is busy; try again later"
	}
	return fmt.Sprintf("the server is busy and asks to be left alone for %s", e.After.Round(time.Second))
}

// Is makes a BusyError an ErrUnreachable for those who do not tell them apart.
func (e *BusyError) Is(target error) bool { return target == ErrUnreachable }

// labels are in the order in which they are looked for: the more exact first.
var labels = []struct {
	kind  error
	label string
}{
	{context.Canceled, "cancelled"},
	{ErrState, "state"},
	{ErrRollback, "rollback"},
	{ErrSignature, "signature"},
	{ErrExpired, "expired"},
	{ErrMalformed, "malformed"},
	{ErrUnreachable, "unreachable"},
}

// Label is a word for counters: ok, cancelled, busy, state, rollback, signature,
// expired, malformed, unreachable or, for what is none of these, other.
func Label(err error) string {
	if err == nil {
		return "ok"
	}
	if _, busy := errors.AsType[*BusyError](err); busy {
		return "busy"
	}
	for _, l := range labels {
		if errors.Is(err, l.kind) {
			return l.label
		}
	}
	return "other"
}

// Known tells whether err is of one of the kinds.
func Known(err error) bool { return err != nil && Label(err) != "other" }
