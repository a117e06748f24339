package feed

import "github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"

// What went wrong, for errors.Is. Each text says what to do; the error that wraps
// it has the particulars.
var (
	// ErrUnreachable: no usable answer came. Try again later.
	ErrUnreachable = fault.ErrUnreachable
	// ErrMalformed: what answered is not a feed, for example a sign-in page.
	ErrMalformed = fault.ErrMalformed
	// ErrSignature: the feed is not signed as it must be. Either somebody
	// interferes, or its publisher made a mistake.
	ErrSignature = fault.ErrSignature
	// ErrRollback is an ErrSignature: what came is correctly signed, but older
	// than, or not a part of, what was seen before.
	ErrRollback = fault.ErrRollback
	// ErrExpired: the feed has not been renewed in time, or this computer's
	// clock is wrong.
	ErrExpired = fault.ErrExpired
	// ErrState: the folder for the client's own files cannot be used.
	ErrState = fault.ErrState
)

// BusyError says that the server asks to be left alone until After has passed. It
// is an ErrUnreachable.
type BusyError = fault.BusyError

// Label is a word for counters: ok, cancelled, busy, state, rollback, signature,
// expired, malformed, unreachable or, for what is none of these, other.
func Label(err error) string { return fault.Label(err) }
