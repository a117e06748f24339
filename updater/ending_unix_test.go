//go:build unix

package updater_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	feedVariable    = "UPDATER_TEST_FEED"    // makes the program an app that keeps itself current: the folder of the stage
	serverVariable  = "UPDATER_TEST_SERVER"  // where its feed is
	endingVariable  = "UPDATER_TEST_ENDING"  // the state in which the session ends
	runtimeVariable = "UPDATER_TEST_RUNTIME" // for its socket
)

// ending ends a program the way the end of a session does, in the state that the test wants.
type ending struct {
	once sync.Once
	quit context.CancelFunc
}

func (e *ending) onStatus(s updater.Status) {
	if string(s.State) == os.Getenv(endingVariable) {
		e.once.Do(func() {
			fmt.Println("the session ends while", s.State)
			_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
		})
	}
}

// watch does what an app does when it is told to end.
func (e *ending) watch(engine *updater.Engine) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		engine.Leaving()
		e.quit()
	}()
}

// app is the program when its user starts it.
func app(self string, parsed release.Version) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	dir := os.Getenv(feedVariable)
	root, err := os.ReadFile(filepath.Join(dir, "pub", "trust", "root.json"))
	if err != nil {
		return err
	}
	end := &ending{quit: cancel}
	engine, err := updater.New(updater.Options{
		App: appName, Version: parsed,
		Feed:       feed.Options{URL: os.Getenv(serverVariable) + "/feed/", Root: root, Dir: filepath.Join(dir, "state", "feed"), App: appName},
		Install:    install.Options{Target: self, Dir: filepath.Join(dir, "state")},
		RuntimeDir: os.Getenv(runtimeVariable),
		Settings:   func() updater.Settings { return settings(10 * time.Millisecond) },
		System:     func(_ context.Context, changed func(system.State)) { changed(system.State{}) },
		OnStatus: func(s updater.Status) {
			end.onStatus(s)
			if s.State == updater.Current { // this is the newest
				cancel()
			}
		},
		Host: updater.Host{
			Capture:   func(context.Context) error { return nil },
			Command:   func() *exec.Cmd { return loud(exec.Command(self)) },
			Window:    func() json.RawMessage { return json.RawMessage(windowState) },
			YieldLock: func(func(string, *os.File) error) {},
			TakeLock:  func() error { return nil },
			TakeOver:  func(context.Context, json.RawMessage) error { return nil },
			Retire:    func() {}, TakeBack: func() {}, Quit: cancel,
		},
	})
	if err != nil {
		return err
	}
	end.watch(engine)
	engine.SetVisible(false)
	if launched := engine.Launch(ctx, json.RawMessage(windowState)); launched.Over {
		return nil
	}
	engine.Run(ctx)
	return nil
}

func loud(cmd *exec.Cmd) *exec.Cmd {
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

// Whenever the session ends, what is installed is whole, the version in use or the next one, and the next launch brings the update to its end.
func TestSessionEndsInAnyState(t *testing.T) {
	for _, c := range []struct {
		state updater.State
		then  string // is installed; "": either
	}{
		{updater.Checking, "1.0.0"}, {updater.Downloading, "1.0.0"}, {updater.Staged, "1.0.0"}, {updater.Proven, "1.0.0"},
		{updater.Waiting, ""}, {updater.Swapping, ""}, {updater.HandingOver, ""}, {updater.Probation, "1.1.0"},
	} {
		t.Run(string(c.state), func(t *testing.T) {
			s := newStage(t)
			s.publish("1.1.0", good)
			if said := s.launch(c.state); !strings.Contains(said, "the session ends while "+string(c.state)) {
				t.Errorf("it was never %s: %s", c.state, said)
			}
			got, _, _ := identity(s.program)
			if c.then != "" && got != c.then || got != "1.0.0" && got != "1.1.0" {
				t.Errorf("%q is installed", got)
			}
			for range 2 { // a version in probation is confirmed at its next launch
				s.launch("")
			}
			s.installed("1.1.0")
			last, err := install.Open(install.Options{Target: s.program, Dir: s.path("state")})
			if err != nil {
				t.Fatal(err)
			}
			defer last.Close()
			entries, err := last.History()
			if err != nil || len(entries) == 0 || entries[len(entries)-1].State != string(updater.Confirmed) {
				t.Errorf("the journal ends with %+v, %v", entries, err)
			}
		})
	}
}

// launch starts what is installed, and returns what it and those that it started said until all of them had ended.
func (s *stage) launch(until updater.State) string {
	s.t.Helper()
	runtimeDir, err := os.MkdirTemp("", "up") // short, for a socket
	if err != nil {
		s.t.Fatal(err)
	}
	defer os.RemoveAll(runtimeDir)
	cmd := exec.CommandContext(s.t.Context(), s.program)
	cmd.Env = append(os.Environ(), stateVariable+"="+s.path("state"), feedVariable+"="+s.dir, serverVariable+"="+s.server.URL,
		endingVariable+"="+string(until), runtimeVariable+"="+runtimeDir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		s.t.Errorf("the program failed: %v\n%s", err, &said)
	}
	return said.String()
}
