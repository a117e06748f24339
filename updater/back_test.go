package updater_test

import (
	"testing"

	"github.com/tesseract-desktop/tesseract/updater"
)

func TestGoBackOffline(t *testing.T) {
	s := newStage(t)
	s.publish("1.0.0", good)
	s.confirmed()
	s.faulty = func(string) bool { return true }
	s.start()
	offered := s.await("able to go back", func(got updater.Status) bool { return got.Back != nil })
	if offered.Back.Version != "0.9.0" || offered.Back.Bytes == 0 || offered.Back.Floor != "" {
		t.Errorf("back: %+v", offered.Back)
	}
	done := s.engine.Hold("export", "Exporting 3 documents")
	s.engine.GoBack()
	s.await("waiting to go back", func(got updater.Status) bool { return got.State == updater.Waiting && got.Target == "0.9.0" })
	s.installed("1.0.0")
	done()
	s.awaitEnd()
	s.installed("0.9.0")
	s.howWas("back")

	// What was gone back from is left alone, until it is asked for or something newer comes.
	s.stop()
	s.mu.Lock()
	s.faulty = nil
	s.mu.Unlock()
	s.version, s.ended = "0.9.0", make(chan struct{})
	s.start()
	skipped := s.await("left alone", func(got updater.Status) bool { return got.State == updater.Aborted })
	if r := skipped.Reason; r == nil || r.Code != updater.Skipped || r.Params["back"] != "0.9.0" || skipped.Target != "1.0.0" {
		t.Errorf("skipped: %+v %+v", skipped, skipped.Reason)
	}
	if skipped.Back == nil || skipped.Back.Version != "1.0.0" {
		t.Errorf("the other way: %+v", skipped.Back)
	}
	s.publish("1.1.0", good)
	s.engine.Check()
	if waits := s.awaitState(updater.Waiting); waits.Target != "1.1.0" {
		t.Errorf("waiting for %s", waits.Target)
	}
}

func TestGoBackThatFails(t *testing.T) {
	s := newStage(t)
	s.confirmed()
	makeProgram(t, s.path("bin/.notes.exe.previous"), "0.9.0", exitsAtOnce) // not what was kept
	s.start()
	s.awaitState(updater.Current)
	s.engine.GoBack()
	s.engine.Check()
	s.awaitState(updater.Current)
	s.installed("1.0.0")
}

func TestGoBackFromProbation(t *testing.T) {
	s := newStage(t)
	s.publish("1.0.0", good)
	s.swapped().Close()
	s.start()
	s.awaitState(updater.Probation)
	s.engine.GoBack()
	s.awaitEnd()
	s.installed("0.9.0")
	s.howWas("back")
	history, err := s.engine.History()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range history {
		if r.To == "1.0.0" && r.Outcome == updater.Confirmed {
			t.Errorf("history: %+v", history)
		}
	}
}
