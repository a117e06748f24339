package updater

import (
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// tries is how often a release that arrived damaged is tried without being asked. The feed or the network may mend; a release that failed
// its trial or after the swap will not, and is not tried again at all.
const tries = 3

// passedOver says why a release is not tried, and shows it: it ended badly here before or the user does not want it, and nobody asked for
// another try.
func (e *Engine) passedOver(r release.Release) *Reason {
	e.mu.Lock()
	retry, declined := e.retry == r.SHA256, e.declined == r.SHA256
	e.mu.Unlock()
	if retry {
		return nil
	}
	why := install.Entry{At: e.opts.Now(), State: string(Aborted)}
	var reason *Reason
	switch entries, err := e.inst.History(); {
	case declined:
		reason = reasonOf(errCancelled)
	case e.unwanted(r):
		reason = reasonOf(errSkipped)
	case err != nil:
		return nil
	default:
		why, reason = verdictOf(entries, r)
	}
	if reason != nil {
		e.update(func(s *Status) { s.State, s.Reason, s.Since = State(why.State), reason, why.At })
	}
	return reason
}

// verdictOf finds what the journal has against a release, if anything.
func verdictOf(entries []install.Entry, r release.Release) (install.Entry, *Reason) {
	if left, ok := leftBehind(entries, r); ok {
		reason := reasonOf(errSkipped)
		reason.Params["back"] = left.To
		left.State = string(Aborted)
		return left, reason
	}
	damaged := 0
	for _, entry := range entries {
		if entry.SHA256 != r.SHA256.String() {
			continue
		}
		reason := decodeReason(entry.Reason, entry.Detail)
		final := entry.State == string(RolledBack) || entry.State == string(Refused) && reason != nil && reason.Code == TrialFailed
		if entry.State == string(Refused) && reason != nil && reason.Code == Corrupt {
			damaged++
			final = damaged >= tries
		}
		if final {
			return entry, reason
		}
	}
	return install.Entry{}, nil
}

// leftBehind tells whether the user went back from this very release, and to what.
func leftBehind(entries []install.Entry, r release.Release) (install.Entry, bool) {
	version := r.Version.String()
	for _, entry := range slices.Backward(entries) {
		reached := entry.State == string(Probation) || entry.State == string(Confirmed)
		switch {
		case reached && entry.To == version:
			return install.Entry{}, false // it was chosen again later
		case reached && entry.How == howBack && entry.From == version:
			return entry, true
		}
	}
	return install.Entry{}, false
}

// unwanted tells whether the user skips a release. One that is critical cannot be skipped.
func (e *Engine) unwanted(r release.Release) bool {
	settings := e.opts.Settings()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.deadline == 0 && !settings.Skip.IsZero() && settings.Skip.Compare(r.Version) == 0
}

// skips is unwanted for the release being worked on. Called with mu held.
func (e *Engine) skips(s Settings) bool {
	return e.deadline == 0 && !s.Skip.IsZero() && s.Skip.String() == e.status.Target
}
