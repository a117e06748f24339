package app

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/snapshot"
	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// idleEngine is one that never runs: it keeps what it is told, and restarts nothing.
func idleEngine(t *testing.T) *updater.Engine {
	t.Helper()
	version, err := release.ParseVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	unexpected := func(what string) func() { return func() { t.Errorf("%s was called", what) } }
	engine, err := updater.New(updater.Options{
		App: "app", Version: version, Settings: func() updater.Settings { return updater.Settings{} }, OnStatus: func(updater.Status) {},
		Host: updater.Host{
			Capture:   func(context.Context) error { return nil },
			Command:   func() *exec.Cmd { return nil },
			Window:    func() json.RawMessage { return nil },
			YieldLock: func(func(string, *os.File) error) { t.Error("YieldLock was called") },
			TakeLock:  func() error { return nil },
			TakeOver:  func(context.Context, json.RawMessage) error { return nil },
			Retire:    unexpected("Retire"), TakeBack: unexpected("TakeBack"), Quit: unexpected("Quit"),
			Meet: func(context.Context, *handover.Incumbent) error { return nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestHoldsOfThePage(t *testing.T) {
	box := openSandbox(t)
	store, err := snapshot.Open(box.Snapshots(), snapshotSchema)
	if err != nil {
		t.Fatal(err)
	}
	s := newSession("fresh", box, newSnapshots(store))
	s.engine = idleEngine(t)
	s.Begin()
	expect := func(when string, want ...string) {
		t.Helper()
		var got []string
		for _, h := range s.engine.Status().Holds {
			got = append(got, h.ID+" "+h.Label)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: holds are %q, want %q", when, got, want)
		}
	}

	s.Hold("page-1", "Exporting")
	s.Hold("page-1", "Exporting")
	s.Hold("page-2", "Exporting")
	expect("after three calls with two ids", "page-1 Exporting", "page-2 Exporting")
	s.Release("page-1")
	s.Release("page-1")
	s.Release("unknown")
	expect("after one was released", "page-2 Exporting")

	held := s.engine.Hold("app", "Not the page's")
	s.Begin()
	expect("after the page was loaded anew", "app Not the page's")
	s.Hold("page-2", "Importing")
	expect("after the new page held with an old id", "app Not the page's", "page-2 Importing")
	held()
}
