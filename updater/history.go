package updater

import (
	"slices"
	"time"
)

// Record is one update that came to an end here, or is on probation.
type Record struct {
	At       time.Time `json:"at"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Outcome  State     `json:"outcome"` // Probation, Confirmed, RolledBack, Refused, Recalled or Aborted
	How      string    `json:"how"`     // "hidden", "asked", or "" when it did not get that far
	Restored int       `json:"restored"`
	Total    int       `json:"total"`
	Missing  []string  `json:"missing"`
	Bytes    int64     `json:"bytes"` // downloaded
	Reason   *Reason   `json:"reason"`
}

// historyLength bounds what History returns; the journal keeps more.
const historyLength = 200

// History returns the updates that ended here, newest first. An update is listed once: its confirmation replaces its probation, and a
// failure repeated with the same cause is listed at its latest time only.
func (e *Engine) History() ([]Record, error) {
	entries, err := e.entries()
	if err != nil {
		return nil, err
	}
	records := []Record{}
	for _, entry := range slices.Backward(entries) {
		switch State(entry.State) {
		case Probation, Confirmed, RolledBack, Refused, Recalled, Aborted:
		default:
			continue
		}
		r := Record{At: entry.At, From: entry.From, To: entry.To, Outcome: State(entry.State), How: entry.How, Restored: entry.Restored,
			Total: entry.Total, Missing: entry.Missing, Bytes: entry.Bytes, Reason: decodeReason(entry.Reason, entry.Detail)}
		if n := len(records); n > 0 && repeats(records[n-1], r) {
			continue
		}
		records = append(records, r)
		if len(records) == historyLength {
			break
		}
	}
	return records, nil
}

// repeats says whether an older record tells nothing beyond the newer one after it.
func repeats(newer, older Record) bool {
	if newer.From != older.From || newer.To != older.To {
		return false
	}
	if older.Outcome == Probation {
		return newer.Outcome == Confirmed || newer.Outcome == Probation || newer.Outcome == RolledBack
	}
	return newer.Outcome == older.Outcome && newer.Reason != nil && older.Reason != nil && newer.Reason.Code == older.Reason.Code
}
