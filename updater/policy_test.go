package updater_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

func version(t *testing.T, s string) release.Version {
	t.Helper()
	v, err := release.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// stays fails the test when the engine does not wait any more after it has looked again.
func (s *stage) stays(why string) {
	s.t.Helper()
	done := s.engine.Hold("look", "look again")
	s.await("looked at again", func(got updater.Status) bool { return len(got.Holds) == 1 })
	done()
	s.await("free again", func(got updater.Status) bool { return len(got.Holds) == 0 })
	if now := s.engine.Status(); now.State != updater.Waiting {
		s.t.Fatalf("%s: it is %s", why, now.State)
	}
}

func TestIdleWindowIsTakenOver(t *testing.T) {
	s := waiting(t, good)
	s.choose(func(chosen *updater.Settings) { chosen.Start, chosen.IdleAfter = updater.StartIdle, 10*time.Minute })
	s.pass(9 * time.Minute)
	s.engine.Used()
	s.pass(9 * time.Minute)
	s.stays("used nine minutes ago")
	s.pass(time.Minute)
	s.awaitEnd()
	s.installed("1.1.0")
	s.howWas("idle")
}

func (s *stage) howWas(want string) {
	s.t.Helper()
	history, err := s.engine.History()
	if err != nil || len(history) == 0 || history[0].How != want {
		s.t.Errorf("history %+v, %v; want it to be %s", history, err, want)
	}
}

func TestOnlyWhenAskedOrQuit(t *testing.T) {
	for _, start := range []updater.Start{updater.StartAsk, updater.StartQuit} {
		t.Run(string(start), func(t *testing.T) {
			s := waiting(t, good)
			s.choose(func(chosen *updater.Settings) { chosen.Start = start })
			s.engine.SetVisible(false)
			s.stays("hidden")
			s.engine.Restart()
			s.awaitEnd()
			s.howWas("asked")
		})
	}
}

func TestHoldForStopsDownloadAndRestart(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	s.choose(func(chosen *updater.Settings) { chosen.HoldFor = updater.HoldFor{Open: true} })
	s.start()
	s.await("told of, and left alone", func(got updater.Status) bool { return got.State == updater.Idle && got.Target == "1.1.0" })
	s.choose(func(chosen *updater.Settings) { chosen.HoldFor = updater.HoldFor{} })
	s.awaitState(updater.Waiting)
	until := s.now().Add(time.Hour)
	s.choose(func(chosen *updater.Settings) { chosen.HoldFor = updater.HoldFor{Until: until} })
	s.engine.SetVisible(false)
	s.stays("on hold")
	s.pass(2 * time.Hour)
	s.awaitEnd()
	s.installed("1.1.0")
}

func TestHoldForReachesADownloadUnderWay(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	asked, proceed := make(chan struct{}, 64), make(chan struct{})
	s.faulty = func(path string) bool {
		if strings.Contains(path, "/artifacts/") {
			asked <- struct{}{}
			<-proceed
		}
		return false
	}
	s.start()
	<-asked
	s.choose(func(chosen *updater.Settings) { chosen.HoldFor = updater.HoldFor{Open: true} })
	s.awaitPause(updater.PausedByHold)
	close(proceed)
	s.choose(func(chosen *updater.Settings) { chosen.HoldFor = updater.HoldFor{} })
	s.awaitState(updater.Waiting)
}

func TestSkipAndUndo(t *testing.T) {
	s := waiting(t, good)
	s.choose(func(chosen *updater.Settings) { chosen.Skip = version(t, "1.1.0") })
	end := s.awaitState(updater.Aborted)
	if end.Reason == nil || end.Reason.Code != updater.Skipped {
		t.Errorf("reason %+v", end.Reason)
	}
	s.engine.SetVisible(false)
	s.engine.Check()
	s.awaitState(updater.Checking)
	s.await("still skipped", func(got updater.Status) bool {
		return got.State == updater.Aborted && got.Reason != nil && got.Reason.Code == updater.Skipped
	})
	s.installed("1.0.0")
	s.engine.SetVisible(true)
	s.choose(func(chosen *updater.Settings) { chosen.Skip = release.Version{} }) // undo
	s.awaitState(updater.Waiting)
	s.choose(func(chosen *updater.Settings) { chosen.Skip = version(t, "1.1.0") })
	s.awaitState(updater.Aborted)
	s.publish("1.2.0", good)
	s.engine.Check()
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.2.0")
}

func TestCriticalRelease(t *testing.T) {
	s := newStage(t)
	s.publishWith("1.1.0", good, 0, "--critical", "--deadline", "2")
	s.choose(func(chosen *updater.Settings) {
		chosen.Skip, chosen.HoldFor, chosen.Start = version(t, "1.1.0"), updater.HoldFor{Open: true}, updater.StartAsk
	})
	s.start()
	s.engine.SetVisible(false)
	waits := s.awaitState(updater.Waiting) // neither skipped nor put off
	if !waits.Critical || !waits.Countdown.IsZero() {
		t.Errorf("waiting: %+v", waits)
	}
	free := s.engine.Hold("export", "Exporting 3 documents")
	s.pass(3 * time.Hour)
	s.await("held", func(got updater.Status) bool { return len(got.Holds) == 1 })
	if now := s.engine.Status(); !now.Countdown.IsZero() {
		t.Error("the countdown began where nobody could see it")
	}
	s.engine.SetVisible(true)
	warned := s.await("counting down", func(got updater.Status) bool { return !got.Countdown.IsZero() })
	if left := warned.Countdown.Sub(s.now()); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("%s left", left)
	}
	s.engine.Stretch()
	s.pass(30 * time.Minute)
	if now := s.engine.Status(); now.State != updater.Waiting || now.Countdown.Sub(warned.Countdown) != time.Hour {
		t.Errorf("stretched: %+v", now)
	}
	s.pass(46 * time.Minute)
	s.awaitEnd()
	s.installed("1.1.0")
	s.howWas("security")
	free()
}

func TestCriticalReleaseRespectsHoldsUntilItsNotice(t *testing.T) {
	s := newStage(t)
	s.publishWith("1.1.0", good, 0, "--critical")
	s.start()
	s.awaitState(updater.Waiting)
	free := s.engine.Hold("export", "Exporting 3 documents")
	s.engine.SetVisible(false)
	s.pass(23 * time.Hour)
	if now := s.engine.Status(); now.State != updater.Waiting {
		t.Errorf("it is %s", now.State)
	}
	free()
	s.awaitEnd()
	s.howWas("hidden")
}

func TestWaitingVersionStartsAtTheNextLaunch(t *testing.T) {
	s := waiting(t, good)
	s.stop()
	s.prepare()
	s.states = make(chan updater.Status, 4096)
	if launched := s.engine.Launch(t.Context(), []byte(windowState)); !launched.Over || launched.Execute != "" {
		t.Errorf("launched: %+v", launched)
	}
	s.installed("1.1.0")
	s.howWas("quit")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) != 1 || s.events[0] != "yield" {
		t.Errorf("the app was asked to %v", s.events)
	}
}

func TestLaunchGoesOnWhenTheNewVersionFails(t *testing.T) {
	for _, behaviour := range []string{exitsAtOnce, forgetful, dies} {
		t.Run(behaviour, func(t *testing.T) {
			s := waiting(t, behaviour)
			s.stop()
			s.prepare()
			if launched := s.engine.Launch(t.Context(), []byte(windowState)); launched != (updater.Launched{}) {
				t.Errorf("launched: %+v", launched)
			}
			s.installed("1.0.0")
			if now := s.engine.Status(); now.State != updater.RolledBack {
				t.Errorf("it is %s", now.State)
			}
			if again := s.engine.Launch(t.Context(), []byte(windowState)); again != (updater.Launched{}) {
				t.Errorf("launched again: %+v", again)
			}
		})
	}
}

func TestLaunchLeavesAloneWhatIsNotWanted(t *testing.T) {
	for name, change := range map[string]func(*updater.Settings){
		"ask":     func(chosen *updater.Settings) { chosen.Start = updater.StartAsk },
		"on hold": func(chosen *updater.Settings) { chosen.HoldFor.Open = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := waiting(t, good)
			s.stop()
			s.choose(change)
			s.prepare()
			if launched := s.engine.Launch(t.Context(), nil); launched != (updater.Launched{}) {
				t.Errorf("launched: %+v", launched)
			}
			s.installed("1.0.0")
		})
	}
}

func TestLaunchStartsOffline(t *testing.T) {
	s := waiting(t, good)
	s.stop()
	s.server.CloseClientConnections()
	s.faulty = func(string) bool { return true }
	s.prepare()
	if launched := s.engine.Launch(t.Context(), []byte(windowState)); !launched.Over {
		t.Errorf("launched: %+v", launched)
	}
	s.installed("1.1.0")
}
