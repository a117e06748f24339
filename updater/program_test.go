package updater_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// The program that these tests keep current is this test binary with a line behind its last byte: "program VERSION BEHAVIOUR". An executable
// does not mind what follows it, and so two releases are two files of the same program.
const mark = "\nprogram "

// Behaviours of a release.
const (
	good        = "good"
	failsTrial  = "fails-trial"
	exitsAtOnce = "exits-at-once"
	forgetful   = "forgetful" // restores only a part
	dies        = "dies"      // in probation
)

func TestMain(m *testing.M) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if version, behaviour, ok := identity(self); ok {
		if err := program(self, version, behaviour); err != nil {
			fmt.Fprintln(os.Stderr, "program", version, behaviour+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if scratch, err = os.MkdirTemp("", "updater"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(scratch)
	os.Exit(code)
}

// scratch is a folder for all tests of this run.
var scratch string

// identity reads the line behind an executable.
func identity(path string) (version, behaviour string, ok bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", "", false
	}
	_, line, ok := bytes.Cut(content[max(0, len(content)-64):], []byte(mark))
	if !ok {
		return "", "", false
	}
	version, behaviour, ok = strings.Cut(string(line), " ")
	return version, behaviour, ok
}

// makeProgram writes a release of the program to path.
func makeProgram(t *testing.T, path, version, behaviour string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, fmt.Appendf(content, "%s%s %s", mark, version, behaviour), 0o700); err != nil {
		t.Fatal(err)
	}
}

// program is what the staged file does when it is started: a trial, or a successor's life.
func program(self, version, behaviour string) error {
	if len(os.Args) == 2 && os.Args[1] == "--trial" {
		return json.NewEncoder(os.Stdout).Encode(map[string]any{"version": version, "ok": behaviour != failsTrial})
	}
	if behaviour == exitsAtOnce {
		return errors.New("that is what this release does")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	parsed, err := release.ParseVersion(version)
	if err != nil {
		return err
	}
	if os.Getenv(feedVariable) != "" && !handover.Invited() {
		return app(self, parsed)
	}
	successor, err := handover.Join(ctx, version, os.Stdin)
	if err != nil {
		return err
	}
	queue, err := outcome.Open(outcome.Options{Dir: filepath.Join(os.Getenv(stateVariable), "outcomes"), URL: os.Getenv(makersVariable), Enabled: func() bool { return true }})
	if err != nil {
		return err
	}
	end := &ending{quit: cancel}
	engine, err := updater.New(updater.Options{
		App: appName, Version: parsed,
		Install:  install.Options{Target: self, Dir: os.Getenv(stateVariable)},
		Feed:     feed.Options{},
		Settings: func() updater.Settings { return settings(10 * time.Millisecond) },
		OnStatus: func(s updater.Status) {
			end.onStatus(s)
			if s.State == updater.Checking { // probation is over, the guardian knows
				cancel()
			}
		},
		Successor: successor,
		Outcomes:  queue,
		Host: updater.Host{
			Capture:   func(context.Context) error { return nil },
			Command:   func() *exec.Cmd { return exec.Command(self) },
			Window:    func() json.RawMessage { return nil },
			YieldLock: func(func(string, *os.File) error) {},
			TakeLock:  func() error { return nil },
			TakeOver: func(_ context.Context, window json.RawMessage) error {
				if string(window) != windowState {
					return fmt.Errorf("window %s", window)
				}
				return nil
			},
			Retire: func() {}, TakeBack: func() {}, Quit: cancel,
		},
	})
	if err != nil {
		return err
	}
	end.watch(engine)
	restored := updater.Restored{Restored: 3, Total: 3}
	if behaviour == forgetful {
		restored = updater.Restored{Restored: 1, Total: 3, Missing: []string{"text", "scroll"}}
	}
	engine.Ready(restored)
	if behaviour == dies {
		if _, err := successor.Await(ctx); err != nil {
			return err
		}
		return successor.Alive()
	}
	engine.Run(ctx)
	return nil
}
