package preferences

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

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

// TimeOfDay is a number of minutes after midnight, 0 to 1439, that is written as on a clock with 24 hours: "09:00".
type TimeOfDay int

// String has two digits for the hour and two for the minute.
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", int(t)/60, int(t)%60) }

// MarshalText is String.
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText accepts what String writes, and an hour below 10 without its nought.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	parsed, err := time.Parse("15:04", string(text))
	*t = TimeOfDay(parsed.Hour()*60 + parsed.Minute())
	return err
}

// Weekdays says of each day, by its time.Weekday, whether it is meant. It is written by short names: "mon tue fri".
type Weekdays [7]bool

// The names of the days by time.Weekday, and the order in which they are written.
var (
	dayNames = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
	week     = [7]time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
)

// String names the days from Monday to Sunday; "" where none is meant.
func (w Weekdays) String() string {
	var names []string
	for _, day := range week {
		if w[day] {
			names = append(names, dayNames[day])
		}
	}
	return strings.Join(names, " ")
}

// MarshalText is String.
func (w Weekdays) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText accepts the names in any order.
func (w *Weekdays) UnmarshalText(text []byte) error {
	*w = Weekdays{}
	for name := range strings.FieldsSeq(string(text)) {
		day := slices.Index(dayNames[:], name)
		if day < 0 {
			return fmt.Errorf("%q is no day", name)
		}
		w[day] = true
	}
	return nil
}

// HoldFor is a time in which no update is wanted. The zero value is none. It is written as the time it ends at, or as "open".
type HoldFor struct {
	unix int64 // seconds; 0: none
	open bool
}

// HoldUntil ends at a time, to the second.
func HoldUntil(t time.Time) HoldFor { return HoldFor{unix: t.Unix()} }

// HoldOpen ends when it is taken back.
func HoldOpen() HoldFor { return HoldFor{open: true} }

// Until is when it ends; zero where it has no end, or is none.
func (h HoldFor) Until() time.Time {
	if h.unix == 0 {
		return time.Time{}
	}
	return time.Unix(h.unix, 0)
}

// Open tells whether it ends only when it is taken back.
func (h HoldFor) Open() bool { return h.open }

const holdOpen = "open"

// MarshalText writes it as it is in the file.
func (h HoldFor) MarshalText() ([]byte, error) {
	switch {
	case h.open:
		return []byte(holdOpen), nil
	case h.unix == 0:
		return nil, nil
	}
	return []byte(h.Until().UTC().Format(time.RFC3339)), nil
}

// UnmarshalText accepts what MarshalText writes, in any time zone.
func (h *HoldFor) UnmarshalText(text []byte) error {
	*h = HoldFor{}
	switch string(text) {
	case "":
		return nil
	case holdOpen:
		*h = HoldOpen()
		return nil
	}
	parsed, err := time.Parse(time.RFC3339, string(text))
	if err == nil {
		*h = HoldUntil(parsed)
	}
	return err
}
