package preferences

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

// fixture is the file and the folder it is in; stores come and go.
type fixture struct {
	folder *sandbox.Folder
	path   string
}

func place(t *testing.T, text string) *fixture {
	t.Helper()
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{folder: s.Preferences(), path: filepath.Join(s.Preferences().Path(), fileName)}
	if text != "" {
		f.put(t, text)
	}
	return f
}

func (f *fixture) put(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) want(t *testing.T, text string) {
	t.Helper()
	if data, err := os.ReadFile(f.path); err != nil || string(data) != text {
		t.Errorf("the file is %q, %v; want %q", data, err, text)
	}
}

func TestNoFileMeansDefaults(t *testing.T) {
	f := place(t, "")
	s := Open(f.folder)
	if s.Get() != Default() || s.Problems() != nil {
		t.Errorf("%+v, %v", s.Get(), s.Problems())
	}
	if _, err := os.Stat(f.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made without a choice: %v", err)
	}
}

func TestUpdateWritesWhatWasChosen(t *testing.T) {
	f := place(t, "")
	s := Open(f.folder)
	p, err := s.Update(func(p *Preferences) { p.Theme = "dark"; p.Updates.CheckEvery = Duration(90 * time.Minute) })
	if err != nil || p.Theme != "dark" || s.Get() != p {
		t.Fatalf("%+v, %v; in use %+v", p, err, s.Get())
	}
	f.want(t, "{\n  \"theme\": \"dark\",\n  \"updates\": {\n    \"checkEvery\": \"1h30m\"\n  }\n}\n")
	if again := Open(f.folder); again.Get() != p || again.Problems() != nil {
		t.Errorf("after a restart: %+v, %v; want %+v", again.Get(), again.Problems(), p)
	}
}

func TestQuietHoursAreChosenOneByOne(t *testing.T) {
	f := place(t, `{"updates":{"quietHours":{"from":"9:30","zone":"Europe/Berlin"}}}`)
	s := Open(f.folder)
	for _, chosen := range []map[string]any{{"on": true}, {"to": "17:15"}, {"days": "sun sat"}} {
		if _, err := s.Patch(map[string]any{"updates": map[string]any{"quietHours": chosen}}); err != nil {
			t.Fatal(err)
		}
	}
	f.want(t, `{
  "updates": {
    "quietHours": {
      "days": "sat sun",
      "from": "9:30",
      "on": true,
      "to": "17:15",
      "zone": "Europe/Berlin"
    }
  }
}
`)
	want := QuietHours{On: true, From: 9*60 + 30, To: 17*60 + 15, Days: Weekdays{time.Saturday: true, time.Sunday: true}, Downloads: true}
	if got := Open(f.folder).Get().Updates.QuietHours; got != want || got != s.Get().Updates.QuietHours {
		t.Errorf("after a restart %+v, want %+v", got, want)
	}
}

func TestChoosingTheSameLeavesTheFileAlone(t *testing.T) {
	const odd = "{ \"theme\":\"dark\",\t\"zoom\": 1.50,\"updates\":{},\r\n \"later\":[1,2.0,{}] }"
	f := place(t, odd)
	before, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	s := Open(f.folder)
	for what, choose := range map[string]func() error{
		"nothing":  func() error { _, err := s.Update(func(*Preferences) {}); return err },
		"the same": func() error { _, err := s.Patch(map[string]any{"theme": "dark", "zoom": 1.5}); return err },
		"the default": func() error {
			_, err := s.Patch(map[string]any{"updates": map[string]any{"channel": "stable"}})
			return err
		},
		"empty":        func() error { _, err := s.Patch(nil); return err },
		"empty inside": func() error { _, err := s.Patch(map[string]any{"editor": map[string]any{}}); return err },
	} {
		if err := choose(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.want(t, odd)
	if after, err := os.Stat(f.path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the file was written again: %v", err)
	}
}

func TestUnknownKeysStay(t *testing.T) {
	f := place(t, `{"future":{"n":1.10,"list":[null,"<b>"]},"updates":{"window":"hidden","channel":"beta"},"theme":"nope"}`)
	s := Open(f.folder)
	if len(s.Problems()) != 1 {
		t.Errorf("problems %v, want that of the theme", s.Problems())
	}
	if _, err := s.Patch(map[string]any{"updates": map[string]any{"channel": "nightly"}}); err != nil {
		t.Fatal(err)
	}
	f.want(t, `{
  "future": {
    "list": [
      null,
      "<b>"
    ],
    "n": 1.10
  },
  "theme": "nope",
  "updates": {
    "channel": "nightly",
    "window": "hidden"
  }
}
`)
	if len(s.Problems()) != 1 {
		t.Errorf("problems %v after an unrelated choice", s.Problems())
	}
	if _, err := s.Patch(map[string]any{"theme": "light"}); err != nil || s.Problems() != nil {
		t.Errorf("%v; problems %v after the cure", err, s.Problems())
	}
}

func TestPatchIsAllOrNothing(t *testing.T) {
	f := place(t, `{"zoom": 1.5}`)
	s := Open(f.folder)
	before := s.Get()
	for _, patch := range []map[string]any{
		{"theme": "dark", "zom": 1.2}, {"theme": "dark", "language": "fr"}, {"theme": "dark", "updates": "beta"}, {"theme": "dark", "updates": nil},
		{"theme": "dark", "updates": map[string]any{"channel": "x"}}, {"theme": "dark", "updates": map[string]any{"theme": "dark"}},
		{"theme": map[string]any{"a": 1}}, {"updates.channel": "x"}, {"zoom": nil}, {"zoom": func() {}}, {"editor": map[string]any{"fontSize": 12.5}}, {"": 1},
		{"updates": map[string]any{"speedLimit": 0.5}}, {"updates": map[string]any{"quietHours": true}},
		{"updates": map[string]any{"quietHours": map[string]any{"on": true, "from": "25:00"}}},
	} {
		var invalid *InvalidError
		if p, err := s.Patch(patch); !errors.As(err, &invalid) || p != before {
			t.Errorf("Patch(%v) = %+v, %v", patch, p, err)
		}
	}
	var invalid *InvalidError
	if _, err := s.Update(func(p *Preferences) { p.Theme = "blue" }); !errors.As(err, &invalid) || invalid.Key != "theme" {
		t.Errorf("Update = %v", err)
	}
	f.want(t, `{"zoom": 1.5}`)
	p, err := s.Patch(map[string]any{"zoom": 5, "updates": map[string]any{"probation": "10ms"}})
	if err != nil || p.Zoom != 2 || p.Updates.Probation != Duration(time.Second) {
		t.Errorf("out of range: %+v, %v", p, err)
	}
}

func broken(t *testing.T, f *fixture) []string {
	t.Helper()
	kept, err := filepath.Glob(f.path + ".broken-*")
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestBrokenFileIsKeptAside(t *testing.T) {
	const text = `{"theme":"dark",`
	f := place(t, text)
	s := Open(f.folder)
	if s.Get() != Default() {
		t.Errorf("in use %+v", s.Get())
	}
	kept := broken(t, f)
	if len(kept) != 1 {
		t.Fatalf("kept %q", kept)
	}
	if data, err := os.ReadFile(kept[0]); err != nil || string(data) != text {
		t.Errorf("kept %q, %v", data, err)
	}
	var problem *BrokenError
	if p := s.Problems(); len(p) != 1 || !errors.As(p[0], &problem) || problem.Kept != kept[0] || !strings.Contains(problem.Error(), kept[0]) {
		t.Errorf("problems %v", p)
	}
	if _, err := s.Patch(map[string]any{"theme": "light"}); err != nil || s.Problems() != nil {
		t.Errorf("%v, problems %v", err, s.Problems())
	}
	f.want(t, "{\n  \"theme\": \"light\"\n}\n")
}

func TestUnusableFolderKeepsWhatIsInUse(t *testing.T) {
	base := t.TempDir()
	inTheWay := filepath.Join(base, "Preferences")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	sb, err := sandbox.Open(sandbox.Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	s := Open(sb.Preferences())
	var problem *sandbox.FolderError
	if p := s.Problems(); len(p) != 1 || !errors.As(p[0], &problem) {
		t.Errorf("problems %v", p)
	}
	if p, err := s.Patch(map[string]any{"theme": "dark"}); !errors.As(err, &problem) || p != Default() || s.Get() != Default() {
		t.Errorf("%+v, %v", p, err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Patch(map[string]any{"theme": "dark"}); err != nil || s.Get().Theme != "dark" || s.Problems() != nil {
		t.Errorf("after healing: %v, %+v, %v", err, s.Get(), s.Problems())
	}
}

func TestOnChange(t *testing.T) {
	s := Open(place(t, "").folder)
	var heard []string
	cancel := s.OnChange(func(p Preferences) { heard = append(heard, p.Theme+" "+s.Get().Theme) })
	for _, theme := range []string{"dark", "dark", "light"} {
		if _, err := s.Patch(map[string]any{"theme": theme}); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if _, err := s.Patch(map[string]any{"theme": "system"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(heard, ", "); got != "dark dark, light light" {
		t.Errorf("heard %s", got)
	}
}

func TestTwoStoresDoNotUndoEachOther(t *testing.T) {
	f := place(t, "")
	a, b := Open(f.folder), Open(f.folder)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range 20 {
			if _, err := a.Update(func(p *Preferences) { p.Editor.FontSize = 10 + i }); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		for i := range 20 {
			if _, err := b.Update(func(p *Preferences) { p.Zoom = 1 + float64(i)/100 }); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if p := Open(f.folder).Get(); p.Editor.FontSize != 29 || p.Zoom != 1.19 {
		t.Errorf("in the end %+v", p)
	}
}

func TestHotReload(t *testing.T) {
	f := place(t, `{"theme":"dark"}`)
	s := Open(f.folder)
	heard := make(chan Preferences, 100)
	s.OnChange(func(p Preferences) { heard <- p })
	ctx, cancel := context.WithCancel(context.Background())
	done := s.Watch(ctx)
	defer func() { cancel(); <-done }()
	await := func(what string, ok func(Preferences) bool) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			select {
			case p := <-heard:
				if ok(p) {
					return
				}
			case <-deadline:
				t.Fatalf("%s was not taken over; in use %+v, problems %v", what, s.Get(), s.Problems())
			}
		}
	}
	f.put(t, `{"theme":"light"}`)
	await("a write", func(p Preferences) bool { return p.Theme == "light" })

	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.put(t, `{"theme":"dark","zoom":1.2}`)
	await("remove and create", func(p Preferences) bool { return p.Theme == "dark" && p.Zoom == 1.2 })

	temp := f.path + "~"
	if err := os.WriteFile(temp, []byte(`{"zoom":1.3}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, f.path); err != nil {
		t.Fatal(err)
	}
	await("a rename", func(p Preferences) bool { return p.Theme == "system" && p.Zoom == 1.3 })
}

// What an editor leaves for a moment, or a person by mistake, while the app runs.
func TestReloadOfABrokenFileChangesNothing(t *testing.T) {
	f := place(t, `{"theme":"dark"}`)
	s := Open(f.folder)
	f.put(t, `{"theme":"li`)
	s.reload()
	var problem *BrokenError
	if p := s.Problems(); s.Get().Theme != "dark" || len(p) != 1 || !errors.As(p[0], &problem) || problem.Kept != "" {
		t.Errorf("in use %+v, problems %v", s.Get(), p)
	}
	f.want(t, `{"theme":"li`)
	// A choice must write: then it is kept aside, and what is in use is what the new file starts from.
	if _, err := s.Patch(map[string]any{"zoom": 1.5}); err != nil {
		t.Fatal(err)
	}
	f.want(t, "{\n  \"theme\": \"dark\",\n  \"zoom\": 1.5\n}\n")
	if kept := broken(t, f); len(kept) != 1 {
		t.Errorf("kept %q", kept)
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	s.reload()
	if s.Get().Theme != "dark" || s.Problems() != nil {
		t.Errorf("after the file vanished: %+v, %v", s.Get(), s.Problems())
	}
}
