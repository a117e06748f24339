package updater_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
)

func (s *stage) awaitPause(why updater.Pause) {
	s.t.Helper()
	s.await("paused: "+string(why), func(got updater.Status) bool { return got.State == updater.Downloading && got.Paused == why })
}

func TestPauseAndResume(t *testing.T) {
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
	s.engine.Pause()
	s.awaitPause(updater.PausedByUser)
	close(proceed)
	s.engine.Resume()
	if waiting := s.awaitState(updater.Waiting); waiting.Paused != "" {
		t.Errorf("still paused: %q", waiting.Paused)
	}
}

func TestMeteredConnections(t *testing.T) {
	for name, c := range map[string]struct {
		chosen updater.Settings
		says   system.State
		goesOn func(s *stage)
	}{
		"another connection": {
			updater.Settings{Metered: updater.MeteredWait, Connection: updater.ConnectionDetect}, system.State{Metered: system.Yes},
			func(s *stage) { s.machine <- system.State{Metered: system.No} },
		},
		"the system is wrong": {
			updater.Settings{Metered: updater.MeteredWait, Connection: updater.ConnectionDetect}, system.State{Metered: system.Yes},
			func(s *stage) {
				s.choose(func(chosen *updater.Settings) { chosen.Connection = updater.ConnectionUnmetered })
			},
		},
		"a small download": {
			updater.Settings{Metered: updater.MeteredWait, Connection: updater.ConnectionMetered}, system.State{},
			func(s *stage) { s.choose(func(chosen *updater.Settings) { chosen.Metered = updater.MeteredSome }) },
		},
		"asked for": {
			updater.Settings{Metered: updater.MeteredWait, Connection: updater.ConnectionMetered}, system.State{},
			func(s *stage) { s.engine.Check() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.publish("1.1.0", good)
			s.first = c.says
			s.choose(func(chosen *updater.Settings) {
				chosen.Metered, chosen.Connection = c.chosen.Metered, c.chosen.Connection
			})
			s.start()
			s.awaitPause(updater.PausedByMeter)
			c.goesOn(s)
			s.awaitState(updater.Waiting)
		})
	}
}

func TestLowBattery(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	s.first = system.State{Battery: system.Yes, Charge: 7}
	s.start()
	s.awaitPause(updater.PausedByBattery)
	s.machine <- system.State{Battery: system.No, Charge: 7}
	s.awaitState(updater.Waiting)
}

func TestQuietHoursHoldDownloadAndRestart(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	always := updater.QuietHours{On: true, Days: [7]bool{true, true, true, true, true, true, true}, Downloads: true}
	s.choose(func(chosen *updater.Settings) { chosen.Quiet = always })
	s.start()
	s.engine.SetVisible(false)
	s.awaitPause(updater.PausedByQuiet)
	s.choose(func(chosen *updater.Settings) { chosen.Quiet.Downloads = false })
	s.awaitState(updater.Waiting)
	// Whatever makes the engine look again, it stays.
	s.engine.Hold("job", "a job")()
	s.await("free again", func(got updater.Status) bool { return len(got.Holds) == 0 })
	if now := s.engine.Status(); now.State != updater.Waiting {
		t.Errorf("in the quiet hours it is %s", now.State)
	}
	s.choose(func(chosen *updater.Settings) { chosen.Quiet = updater.QuietHours{} })
	s.awaitEnd()
	s.installed("1.1.0")
}

func TestPushIsHeardAtOnce(t *testing.T) {
	s := newStage(t)
	s.start()
	s.awaitState(updater.Current)
	s.publish("1.1.0", good)
	select {
	case s.pushes <- 1000:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody listens to the stream")
	}
	s.awaitState(updater.Waiting)
}
