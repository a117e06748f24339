package preferences

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// field is one value that can be chosen, apart from the type of its value.
type field struct {
	key    string // with dots
	decode func(p *Preferences, raw json.RawMessage) error
	check  func(p *Preferences) error // corrects what can be, refuses the rest
	value  func(p Preferences) any    // comparable
}

var fields = []field{
	newField("language", aText, func(p *Preferences) *string { return &p.Language }, oneOf("", "en", "zh-Hans")),
	newField("theme", aText, func(p *Preferences) *string { return &p.Theme }, oneOf("system", "light", "dark")),
	newField("zoom", aNumber, func(p *Preferences) *float64 { return &p.Zoom }, within(0.8, 2)),
	newField("editor.fontSize", aWholeNumber, func(p *Preferences) *int { return &p.Editor.FontSize }, within(8, 40)),
	newField("editor.lineNumbers", aSwitch, func(p *Preferences) *bool { return &p.Editor.LineNumbers }, either),
	newField("editor.wrap", aSwitch, func(p *Preferences) *bool { return &p.Editor.Wrap }, either),
	newField("updates.channel", aText, func(p *Preferences) *string { return &p.Updates.Channel }, oneOf("stable", "beta", "nightly")),
	newField("updates.automatic", aText, func(p *Preferences) *string { return &p.Updates.Automatic }, oneOf("all", "check", "none")),
	newField("updates.checkEvery", aDuration, func(p *Preferences) *Duration { return &p.Updates.CheckEvery }, atLeastASecond),
	newField("updates.probation", aDuration, func(p *Preferences) *Duration { return &p.Updates.Probation }, atLeastASecond),
	newField("updates.speedLimit", aWholeNumber, func(p *Preferences) *int64 { return &p.Updates.SpeedLimit }, within[int64](0, 1e9)),
	newField("updates.metered", aText, func(p *Preferences) *string { return &p.Updates.Metered }, oneOf("wait", "some", "all")),
	newField("updates.connection", aText, func(p *Preferences) *string { return &p.Updates.Connection }, oneOf("detect", "metered", "unmetered")),
	newField("updates.quietHours.on", aSwitch, func(p *Preferences) *bool { return &p.Updates.QuietHours.On }, either),
	newField("updates.quietHours.from", aTimeOfDay, func(p *Preferences) *TimeOfDay { return &p.Updates.QuietHours.From }, withinADay),
	newField("updates.quietHours.to", aTimeOfDay, func(p *Preferences) *TimeOfDay { return &p.Updates.QuietHours.To }, withinADay),
	newField("updates.quietHours.days", someDays, func(p *Preferences) *Weekdays { return &p.Updates.QuietHours.Days }, anyDays),
	newField("updates.start", aText, func(p *Preferences) *string { return &p.Updates.Start }, oneOf("hidden", "idle", "quit", "ask")),
	newField("updates.idleMinutes", aWholeNumber, func(p *Preferences) *int { return &p.Updates.IdleMinutes }, within(5, 60)),
	newField("updates.holdFor", aHold, func(p *Preferences) *HoldFor { return &p.Updates.HoldFor }, anyHold),
	newField("updates.skip", aText, func(p *Preferences) *string { return &p.Updates.Skip }, aVersion),
	newField("updates.share", aSwitch, func(p *Preferences) *bool { return &p.Updates.Share }, either),
	newField("updates.quietHours.downloads", aSwitch, func(p *Preferences) *bool { return &p.Updates.QuietHours.Downloads }, either),
}

const (
	aText        = "must be a text in quotes"
	aNumber      = "must be a number"
	aWholeNumber = "must be a whole number"
	aSwitch      = "must be true or false"
	aDuration    = `must be a duration such as "5h", "30m" or "90s"`
	aTimeOfDay   = `must be a time of day from "00:00" to "23:59"`
	aHold        = `must be a time such as "2026-03-01T09:00:00Z", "open" or ""`
	someDays     = `must name days such as "mon tue wed thu fri sat sun"`
)

func newField[T comparable](key, form string, at func(*Preferences) *T, check func(T) (T, string)) field {
	f := field{key: key}
	f.check = func(p *Preferences) error {
		value, why := check(*at(p))
		if why != "" {
			return &InvalidError{Key: key, Why: why}
		}
		*at(p) = value
		return nil
	}
	f.decode = func(p *Preferences, raw json.RawMessage) error {
		var value *T
		if err := json.Unmarshal(raw, &value); err != nil || value == nil {
			return &InvalidError{Key: key, Why: form}
		}
		before := *at(p)
		*at(p) = *value
		err := f.check(p)
		if err != nil {
			*at(p) = before
		}
		return err
	}
	f.value = func(p Preferences) any { return *at(&p) }
	return f
}

func oneOf(choices ...string) func(string) (string, string) {
	return func(s string) (string, string) {
		if slices.Contains(choices, s) {
			return s, ""
		}
		return s, fmt.Sprintf("must be one of %q, not %q", choices, s)
	}
}

func within[T int | int64 | float64](low, high T) func(T) (T, string) {
	return func(n T) (T, string) {
		if math.IsNaN(float64(n)) {
			return n, aNumber
		}
		return min(max(n, low), high), ""
	}
}

func either(b bool) (bool, string) { return b, "" }

func atLeastASecond(d Duration) (Duration, string) { return max(d, Duration(time.Second)), "" }

// withinADay refuses rather than corrects: a time that is none says nothing about the one that was meant.
func withinADay(t TimeOfDay) (TimeOfDay, string) {
	if t < 0 || t >= 24*60 {
		return t, aTimeOfDay
	}
	return t, ""
}

func anyHold(h HoldFor) (HoldFor, string) { return h, "" }

// aVersion keeps out what can be none; the updater knows for certain.
func aVersion(s string) (string, string) {
	if len(s) > 64 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s, `must be a version such as "1.9.0", or ""`
	}
	return s, ""
}

func anyDays(w Weekdays) (Weekdays, string) { return w, "" }

// object is the file as JSON. Values of keys that are not known are kept in it.
type object = map[string]any

// lookup returns the value that key names; InvalidError where something on the way is no object.
func lookup(o object, key string) (any, bool, error) {
	names := strings.Split(key, ".")
	last := len(names) - 1
	for i, name := range names[:last] {
		value, ok := o[name]
		if !ok {
			return nil, false, nil
		}
		if o, ok = value.(object); !ok {
			return nil, false, &InvalidError{Key: strings.Join(names[:i+1], "."), Why: "must be an object in braces"}
		}
	}
	value, ok := o[names[last]]
	return value, ok, nil
}

// set replaces the value that key names, and what is no object on the way to it.
func set(o object, key string, value any) {
	first, rest, deeper := strings.Cut(key, ".")
	if !deeper {
		o[first] = value
		return
	}
	inner, isObject := o[first].(object)
	if !isObject {
		inner = object{}
		o[first] = inner
	}
	set(inner, rest, value)
}

// read takes over all that makes sense, and reports the rest.
func read(o object) (Preferences, []error) {
	p := Default()
	var problems []error
	seen := map[string]bool{} // an object that is none is reported once, not for each field in it
	for _, f := range fields {
		value, ok, err := lookup(o, f.key)
		if err == nil && ok {
			var raw json.RawMessage
			if raw, err = json.Marshal(value); err == nil {
				err = f.decode(&p, raw)
			}
		}
		if err != nil && !seen[err.Error()] {
			seen[err.Error()] = true
			problems = append(problems, err)
		}
	}
	return p, problems
}

// apply changes p by a patch, in which every key must be known and every value right.
func apply(p *Preferences, patch object, prefix string) error {
	for name, value := range patch {
		key := prefix + name
		if i := slices.IndexFunc(fields, func(f field) bool { return f.key == key }); i >= 0 {
			raw, err := json.Marshal(value)
			if err != nil {
				return &InvalidError{Key: key, Why: "cannot be written as JSON"}
			}
			if err := fields[i].decode(p, raw); err != nil {
				return err
			}
			continue
		}
		if !slices.ContainsFunc(fields, func(f field) bool { return strings.HasPrefix(f.key, key+".") }) {
			return &InvalidError{Key: key, Why: "is not known"}
		}
		inner, isObject := value.(object)
		if !isObject {
			return &InvalidError{Key: key, Why: "must be an object"}
		}
		if err := apply(p, inner, key+"."); err != nil {
			return err
		}
	}
	return nil
}
