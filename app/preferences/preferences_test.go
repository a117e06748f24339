package preferences

import (
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

// The page reads exactly these names.
func TestJSONShape(t *testing.T) {
	data, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"language":"","theme":"system","zoom":1,"editor":{"fontSize":14,"lineNumbers":false,"wrap":true},` +
		`"updates":{"channel":"stable","automatic":"all","checkEvery":"5h","probation":"30m"}}`
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
			if field.Type.Kind() == reflect.Struct {
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
		`{"language":"fr"}`:                 "language",
		`{"language":null}`:                 "language",
		`{"theme":"blue"}`:                  "theme",
		`{"theme":1}`:                       "theme",
		`{"zoom":"big"}`:                    "zoom",
		`{"zoom":1e999}`:                    "zoom",
		`{"editor":7}`:                      "editor",
		`{"editor":{"fontSize":12.5}}`:      "editor.fontSize",
		`{"editor":{"wrap":"yes"}}`:         "editor.wrap",
		`{"updates":[]}`:                    "updates",
		`{"updates":{"channel":"Stable"}}`:  "updates.channel",
		`{"updates":{"automatic":true}}`:    "updates.automatic",
		`{"updates":{"checkEvery":5}}`:      "updates.checkEvery",
		`{"updates":{"checkEvery":"soon"}}`: "updates.checkEvery",
		`{"updates":{"probation":null}}`:    "updates.probation",
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
	o, err := parse([]byte(`{"zoom":9,"theme":"nope","editor":{"fontSize":-3},"updates":{"checkEvery":"0s","probation":"-5h","channel":"beta"}}`))
	if err != nil {
		t.Fatal(err)
	}
	p, problems := read(o)
	want := Default()
	want.Zoom = 2
	want.Editor.FontSize = 8
	want.Updates.CheckEvery, want.Updates.Probation, want.Updates.Channel = Duration(time.Second), Duration(time.Second), "beta"
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
