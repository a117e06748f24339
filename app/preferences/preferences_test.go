package preferences

import (
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"
)

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		5 * time.Hour: "5h", 30 * time.Minute: "30m", 90 * time.Second: "1m30s", 90 * time.Minute: "1h30m", time.Second: "1s",
		10 * time.Second: "10s", 100 * time.Hour: "100h", time.Hour + time.Second: "1h0m1s", 0: "0s", 20 * time.Hour: "20h", 1500 * time.Millisecond: "1.5s",
	} {
		text := Duration(d).String()
		if text != want {
			t.Errorf("%d is %q, want %q", d, text, want)
		}
		var back Duration
		if err := back.UnmarshalText([]byte(text)); err != nil || time.Duration(back) != d {
			t.Errorf("%q is %d, %v; want %d", text, back, err, d)
		}
	}
}

func TestTimeOfDayText(t *testing.T) {
	for text, want := range map[string]TimeOfDay{"00:00": 0, "9:05": 9*60 + 5, "09:00": 9 * 60, "23:59": 24*60 - 1} {
		var got TimeOfDay
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
		if back := got.String(); back != text && back != "0"+text {
			t.Errorf("%q is written as %q", text, back)
		}
	}
	for _, text := range []string{"", "9", "9:5", "24:00", "12:60", "-1:00", "09:00:00", "09:00 pm", "０９:００"} {
		var got TimeOfDay
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestWeekdaysText(t *testing.T) {
	for text, want := range map[string]string{
		"": "", " \n": "", "sun": "sun", "fri  mon": "mon fri", "sun sat fri thu wed tue mon mon": "mon tue wed thu fri sat sun",
	} {
		var days Weekdays
		if err := days.UnmarshalText([]byte(text)); err != nil || days.String() != want {
			t.Errorf("%q is %q, %v; want %q", text, days, err, want)
		}
	}
	for _, text := range []string{"Mon", "monday", "mon,tue", "1"} {
		days := Weekdays{time.Monday: true}
		if err := days.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken for %q", text, days)
		}
	}
}

func TestHoldForText(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]HoldFor{
		"": {}, "open": HoldOpen(), "2026-03-01T09:00:00Z": HoldUntil(at), "2026-03-01T10:00:00+01:00": HoldUntil(at), "2026-03-01T09:00:00.7Z": HoldUntil(at),
	} {
		var got HoldFor
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %+v, %v; want %+v", text, got, err, want)
		}
		written, err := got.MarshalText()
		var back HoldFor
		if err := errors.Join(err, back.UnmarshalText(written)); err != nil || back != want {
			t.Errorf("%q is written as %q: %+v, %v", text, written, back, err)
		}
	}
	if until := HoldUntil(at).Until(); !until.Equal(at) {
		t.Errorf("until %v", until)
	}
	if !HoldOpen().Open() || !HoldOpen().Until().IsZero() || (HoldFor{}).Open() || !(HoldFor{}).Until().IsZero() {
		t.Error("one without an end has one, or none is one")
	}
	for _, text := range []string{"Open", "tomorrow", "2026-03-01", "09:00"} {
		var got HoldFor
		if err := got.UnmarshalText([]byte(text)); err == nil || got != (HoldFor{}) {
			t.Errorf("%q is taken for %+v", text, got)
		}
	}
}

// The update engine counts in minutes after midnight and in time.Weekday.
func TestQuietHoursAsNumbers(t *testing.T) {
	q := Default().Updates.QuietHours
	var days [7]bool = q.Days
	if int(q.From) != 540 || int(q.To) != 1080 || days[time.Sunday] || !days[time.Monday] || !days[time.Friday] || days[time.Saturday] {
		t.Errorf("from %d to %d on %v", q.From, q.To, days)
	}
}

// The page reads exactly these names.
func TestJSONShape(t *testing.T) {
	data, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"language":"","theme":"system","zoom":1,"editor":{"fontSize":14,"lineNumbers":false,"wrap":true},` +
		`"updates":{"channel":"stable","automatic":"all","checkEvery":"5h","probation":"30m",` +
		`"speedLimit":1000000,"metered":"wait","connection":"detect",` +
		`"quietHours":{"on":false,"from":"09:00","to":"18:00","days":"mon tue wed thu fri","downloads":true},` +
		`"start":"hidden","idleMinutes":10,"holdFor":"","skip":"","share":false}}`
	if string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
}

// A value that is added to Preferences but not to fields could be neither read nor written.
func TestEveryValueHasItsField(t *testing.T) {
	keys := map[string]bool{}
	for _, f := range fields {
		keys[f.key] = true
		p := Default()
		if err := f.check(&p); err != nil || p != Default() {
			t.Errorf("the default of %s is not right: %v", f.key, err)
		}
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			field := typ.Field(i)
			key := prefix + field.Tag.Get("json")
			if field.Type.Kind() == reflect.Struct && !field.Type.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
				walk(key+".", field.Type)
			} else if !keys[key] {
				t.Errorf("%s has no field", key)
			} else {
				delete(keys, key)
			}
		}
	}
	walk("", reflect.TypeFor[Preferences]())
	if len(keys) > 0 {
		t.Errorf("fields without a value: %v", keys)
	}
}

func TestReadEachBadValueAlone(t *testing.T) {
	for text, key := range map[string]string{
		`{"language":"fr"}`:                                     "language",
		`{"language":null}`:                                     "language",
		`{"theme":"blue"}`:                                      "theme",
		`{"theme":1}`:                                           "theme",
		`{"zoom":"big"}`:                                        "zoom",
		`{"zoom":1e999}`:                                        "zoom",
		`{"editor":7}`:                                          "editor",
		`{"editor":{"fontSize":12.5}}`:                          "editor.fontSize",
		`{"editor":{"wrap":"yes"}}`:                             "editor.wrap",
		`{"updates":[]}`:                                        "updates",
		`{"updates":{"channel":"Stable"}}`:                      "updates.channel",
		`{"updates":{"automatic":true}}`:                        "updates.automatic",
		`{"updates":{"checkEvery":5}}`:                          "updates.checkEvery",
		`{"updates":{"checkEvery":"soon"}}`:                     "updates.checkEvery",
		`{"updates":{"probation":null}}`:                        "updates.probation",
		`{"updates":{"speedLimit":"1 MB"}}`:                     "updates.speedLimit",
		`{"updates":{"speedLimit":0.5}}`:                        "updates.speedLimit",
		`{"updates":{"speedLimit":1e30}}`:                       "updates.speedLimit",
		`{"updates":{"metered":"never"}}`:                       "updates.metered",
		`{"updates":{"connection":true}}`:                       "updates.connection",
		`{"updates":{"start":"now"}}`:                           "updates.start",
		`{"updates":{"idleMinutes":"ten"}}`:                     "updates.idleMinutes",
		`{"updates":{"holdFor":"tomorrow"}}`:                    "updates.holdFor",
		`{"updates":{"holdFor":true}}`:                          "updates.holdFor",
		`{"updates":{"skip":"one two"}}`:                        "updates.skip",
		`{"updates":{"skip":190}}`:                              "updates.skip",
		`{"updates":{"share":"yes"}}`:                           "updates.share",
		`{"updates":{"quietHours":true}}`:                       "updates.quietHours",
		`{"updates":{"quietHours":{"on":1}}}`:                   "updates.quietHours.on",
		`{"updates":{"quietHours":{"from":"24:00"}}}`:           "updates.quietHours.from",
		`{"updates":{"quietHours":{"from":9}}}`:                 "updates.quietHours.from",
		`{"updates":{"quietHours":{"to":"6 pm"}}}`:              "updates.quietHours.to",
		`{"updates":{"quietHours":{"to":null}}}`:                "updates.quietHours.to",
		`{"updates":{"quietHours":{"days":"mon funday"}}}`:      "updates.quietHours.days",
		`{"updates":{"quietHours":{"days":[true,false,true]}}}`: "updates.quietHours.days",
		`{"updates":{"quietHours":{"downloads":"yes"}}}`:        "updates.quietHours.downloads",
	} {
		o, err := parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		p, problems := read(o)
		var invalid *InvalidError
		if len(problems) != 1 || !errors.As(problems[0], &invalid) || invalid.Key != key || p != Default() {
			t.Errorf("%s: %v, %+v", text, problems, p)
		}
	}
}

func TestReadCorrectsRanges(t *testing.T) {
	o, err := parse([]byte(`{"zoom":9,"theme":"nope","editor":{"fontSize":-3},"updates":{"checkEvery":"0s","probation":"-5h","channel":"beta","speedLimit":2000000000}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, problems := read(o)
	want := Default()
	want.Zoom = 2
	want.Editor.FontSize = 8
	want.Updates.CheckEvery, want.Updates.Probation, want.Updates.Channel = Duration(time.Second), Duration(time.Second), "beta"
	want.Updates.SpeedLimit = 1_000_000_000
	if p != want || len(problems) != 1 {
		t.Errorf("%+v, %v; want %+v", p, problems, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", " \n", "null", "[]", "7", `"x"`, "{", `{"a":1`, `{"a":1}}`, `{"a":1} {"b":2}`, "{'a':1}", `{"a":1,}`, "\x00\x00", "// x\n{}"} {
		if o, err := parse([]byte(text)); err == nil {
			t.Errorf("parsed %q as %v", text, o)
		}
	}
	if o, err := parse([]byte("\ufeff{\"a\":1}\r\n")); err != nil || len(o) != 1 {
		t.Errorf("with a byte order mark: %v, %v", o, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"zoom":9,"updates":{"checkEvery":"0s"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parse([]byte(text))
		if err != nil {
			return
		}
		p, _ := read(o)
		for _, field := range fields {
			before := p
			if err := field.check(&p); err != nil || p != before {
				t.Fatalf("%q gives %+v, in which %s is not right: %v", text, before, field.key, err)
			}
		}
	})
}
