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
	// Bytes per second for downloads that nobody asked for, up to 1000000000; 0 for no limit.
	SpeedLimit int64 `json:"speedLimit"`
	// What those downloads do where traffic is paid for: "wait" for another connection, "some" for at most 10 MB, "all" as anywhere else.
	Metered string `json:"metered"`
	// Whether traffic is paid for here: "detect" asks the system, "metered" and "unmetered" know better.
	Connection string     `json:"connection"`
	QuietHours QuietHours `json:"quietHours"`
	// When a new version that is ready may start: "hidden" when the window is, "idle" also after idleMinutes without input, "quit" at the next
	// start of the app, "ask" when told to.
	Start string `json:"start"`
	// 5 to 60.
	IdleMinutes int `json:"idleMinutes"`
	// No update until then: a time such as "2026-03-01T09:00:00Z", "open" until this is taken out, or "" for none.
	HoldFor HoldFor `json:"holdFor"`
	// The one version that is not wanted, such as "1.9.0", or "".
	Skip string `json:"skip"`
	// Whether a report of how each update went is sent to the makers.
	Share bool `json:"share"`
}

// QuietHours are the times of the week, by the computer's own clock, at which nothing restarts unasked.
type QuietHours struct {
	// Whether there are any.
	On bool `json:"on"`
	// Times of day such as "09:00". Hours that end no later than they begin end on the next day.
	From TimeOfDay `json:"from"`
	To   TimeOfDay `json:"to"`
	// The days on which they begin: "mon", "tue", "wed", "thu", "fri", "sat" and "sun" with spaces between.
	Days Weekdays `json:"days"`
	// Downloads that nobody asked for wait, too.
	Downloads bool `json:"downloads"`
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
			SpeedLimit: 1_000_000,
			Metered:    "wait",
			Connection: "detect",
			Start:      "hidden", IdleMinutes: 10,
			QuietHours: QuietHours{
				From: 9 * 60, To: 18 * 60, Downloads: true,
				Days: Weekdays{time.Monday: true, time.Tuesday: true, time.Wednesday: true, time.Thursday: true, time.Friday: true},
			},
		},
	}
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
