package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// Entry is one line of the updater's history: a state it entered, and what is known then.
type Entry struct {
	At     time.Time `json:"at"`
	State  string    `json:"state"`
	From   string    `json:"from,omitempty"` // versions
	To     string    `json:"to,omitempty"`
	SHA256 string    `json:"sha256,omitempty"` // of the new artifact
	How    string    `json:"how,omitempty"`    // how it came about: in the background, by hand, on quit
	Reason string    `json:"reason,omitempty"` // a short word for programs
	Detail string    `json:"detail,omitempty"` // a sentence for people

	Restored int      `json:"restored,omitempty"` // fields of the user interface that came back
	Total    int      `json:"total,omitempty"`
	Missing  []string `json:"missing,omitempty"`

	Bytes      int64  `json:"bytes,omitempty"`       // downloaded
	Full       int64  `json:"full,omitempty"`        // length of the new artifact
	CheckBytes int64  `json:"check_bytes,omitempty"` // what asking cost
	Codec      string `json:"codec,omitempty"`
	DownloadMS int64  `json:"download_ms,omitempty"`
	ApplyMS    int64  `json:"apply_ms,omitempty"`
	HandoverMS int64  `json:"handover_ms,omitempty"`
}

const (
	maxDetail   = 4 << 10
	maxMissing  = 200
	journalKept = 500     // entries that stay when the journal is shortened
	journalSize = 1 << 20 // bytes from which it is
)

// Record adds an entry to the journal. When it returns nil the entry survives a power cut. A zero At is now. It needs
// no lock: incumbent and successor both write.
func (i *Install) Record(e Entry) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC().Truncate(time.Millisecond)
	e.Detail = e.Detail[:min(len(e.Detail), maxDetail)]
	e.Missing = e.Missing[:min(len(e.Missing), maxMissing)]
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal entry: %w", err)
	}
	if err := i.journal.Append(b); err != nil {
		return classify(err, i.state.Name())
	}
	return nil
}

// History returns the journal, oldest first. Entries that cannot be read are left out and logged.
func (i *Install) History() ([]Entry, error) {
	var all []Entry
	for payload, err := range i.journal.Records() {
		var e Entry
		if err == nil {
			err = json.Unmarshal(payload, &e)
			if err != nil {
				err = fmt.Errorf("%w: %w", durable.ErrDamaged, err)
			}
		}
		switch {
		case errors.Is(err, durable.ErrDamaged):
			i.log.Warn("install: left a journal entry out", "because", err)
		case err != nil:
			return nil, err
		default:
			all = append(all, e)
		}
	}
	return all, nil
}

// shorten keeps the newest entries of a journal that has grown long.
func (i *Install) shorten() error {
	info, err := i.state.Stat(journalName)
	if err != nil || info.Size() < journalSize {
		return err
	}
	total := 0
	for _, err := range i.journal.Records() {
		if err == nil {
			total++
		}
	}
	seen := 0
	return i.journal.Compact(func([]byte) bool {
		seen++
		return seen > total-journalKept
	})
}
