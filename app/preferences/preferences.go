// Package preferences keeps what the user chose in one file, preferences.json, that people may edit too.
//
// Parties: the settings panel; the user with an editor; versions of the app that know other keys.
//
// Trust: the file is the user's, so that a value which makes no sense is an error to report, never a reason not
// to start: each bad value alone gives way to its default.
//
// Guarantees: a choice is whole on disk when it is returned. The file holds what was chosen, and what others wrote:
// keys that this version does not know stay, and a choice that changes nothing leaves the file byte for byte as it
// was. A file that is no JSON is kept aside before it is replaced. Changes by others are taken over while the
// app runs.
//
// A crash leaves the file as it was before or as it is after a choice; where it was no JSON, perhaps only the copy
// that was kept aside.
package preferences

import (
	"fmt"
	"strings"
	"time"
)

// Preferences is everything that can be chosen. The comments are the manual of preferences.json.
type Preferences struct {
	// "en", "zh-Hans", or "" for the system's language.
	Language string `json:"language"`
	// "system", "light" or "dark".
	Theme string `json:"theme"`
	// Size of everything, 0.8 to 2; 1 is normal.
	Zoom    float64 `json:"zoom"`
	Editor  Editor  `json:"editor"`
	Updates Updates `json:"updates"`
}

// Editor is how text is shown while it is written.
type Editor struct {
	// Height of letters in CSS pixels before zoom, 8 to 40.
	FontSize int `json:"fontSize"`
	// Numbers beside the lines.
	LineNumbers bool `json:"lineNumbers"`
	// Long lines continue on the next row.
	Wrap bool `json:"wrap"`
}

// Updates is how the app keeps itself current.
type Updates struct {
	// "stable", "beta" or "nightly".
	Channel string `json:"channel"`
	// "all" checks, downloads and installs by itself; "check" only tells; "none" waits to be asked.
	Automatic string `json:"automatic"`
	// Time between checks, at least "1s".
	CheckEvery Duration `json:"checkEvery"`
	// How long the old version stands by after an update, at least "1s".
	Probation Duration `json:"probation"`
}

// Default is what applies where nothing was chosen.
func Default() Preferences {
	return Preferences{
		Theme:  "system",
		Zoom:   1,
		Editor: Editor{FontSize: 14, Wrap: true},
		Updates: Updates{
			Channel:    "stable",
			Automatic:  "all",
			CheckEvery: Duration(5 * time.Hour),
			Probation:  Duration(30 * time.Minute),
		},
	}
}

// Duration is a time.Duration that is written as people write it: "5h", "1h30m", "90s".
type Duration time.Duration

// String leaves out the units that are zero.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText is String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText accepts what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// InvalidError says which value is refused and why.
type InvalidError struct {
	Key string // such as "updates.channel"
	Why string // follows the key
}

func (e *InvalidError) Error() string { return fmt.Sprintf("preference %s %s", e.Key, e.Why) }

// BrokenError says that preferences.json is no JSON object. The preferences in use are not touched by it.
type BrokenError struct {
	Kept string // path of the copy that was kept aside; "" while the file still is in its place
	Err  error
}

func (e *BrokenError) Error() string {
	if e.Kept == "" {
		return fmt.Sprintf("preferences.json is not valid and is ignored until it is corrected: %v", e.Err)
	}
	return fmt.Sprintf("preferences.json was not valid: %v; it was kept as %s, and choices start anew", e.Err, e.Kept)
}

func (e *BrokenError) Unwrap() error { return e.Err }
