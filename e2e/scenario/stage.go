//go:build linux

// Package scenario is the play that the demo and the tests perform: a person works in version
// 1.0.0, puts the window away, 1.1.0 is published, and the window that comes back is 1.1.0 with
// everything as it was.
//
// A stage has a home of its own below the system's temporary directory, with the XDG folders
// redirected into it, an install folder, a desktop and a feed. Closing it ends every process that
// was started on it and removes the folder. What the app thinks is read from its status.json, what
// it shows from its window, what it keeps from its folders.
package scenario

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/release"
)

// Screen is the size of the private screen.
const Screen = "1440x960"

// A Stage is where one scenario happens.
type Stage struct {
	Processes *desktop.Processes
	Desktop   *desktop.Desktop
	Feed      *release.Feed
	Front     *Front // what the app reaches the feed through
	folder    string
	failure   string
	preamble  string        // shell commands that the app starts behind, see Namespaced
	pace      time.Duration // a pause after each of the person's actions, for people who watch
}

// StageOptions say how a stage is set up.
type StageOptions struct {
	Keys    *release.Keys
	Blobs   string        // see release.Feed; the demo makes its own
	Display string        // the display to use; "" is a private one
	Pace    time.Duration // for people who watch; 0 otherwise
	Failure string        // a file for a picture of the screen when something fails; "" for none
}

// NewStage brings everything up but the app.
func NewStage(ctx context.Context, o StageOptions) (s *Stage, err error) {
	folder, err := os.MkdirTemp("", "tess") // short: there are sockets below it
	if err != nil {
		return nil, err
	}
	s = &Stage{Processes: desktop.NewProcesses(), folder: folder, failure: o.Failure, pace: o.Pace}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, dir := range []string{"home", "config", "data", "state", "cache", "run", "app"} {
		if err := os.Mkdir(filepath.Join(folder, dir), 0o700); err != nil {
			return s, err
		}
	}
	if s.Desktop, err = desktop.Start(ctx, desktop.Options{
		Processes: s.Processes, Runtime: filepath.Join(folder, "run"), Screen: Screen, Display: o.Display,
	}); err != nil {
		return s, err
	}
	if s.Feed, err = o.Keys.NewFeed(filepath.Join(folder, "feed")); err != nil {
		return s, err
	}
	s.Feed.Blobs = o.Blobs
	if err := s.Feed.Serve(ctx, s.Processes); err != nil {
		return s, err
	}
	s.Front = NewFront(s.Feed)
	return s, nil
}

// Close ends all processes and removes the folder.
func (s *Stage) Close() error {
	err := s.Processes.Close()
	if s.Front != nil {
		s.Front.Close()
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// Executable is where the app is installed.
func (s *Stage) Executable() string { return filepath.Join(s.folder, "app", "tesseract") }

// Install puts a binary where the user runs it from.
func (s *Stage) Install(binary string) error { return release.CopyFile(s.Executable(), binary) }

// Documents is the app's folder of documents.
func (s *Stage) Documents() string {
	return filepath.Join(s.folder, "data", "Tesseract", "Documents")
}

// State is the app's folder of that name: "Updates" or "Snapshots".
func (s *Stage) State(name string) string {
	return filepath.Join(s.folder, "state", "Tesseract", name)
}

// WriteFile writes a file below the stage's folder, as something that was there before.
func (s *Stage) WriteFile(path string, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

// WritePreferences makes the preferences file.
func (s *Stage) WritePreferences(text string) error {
	return s.WriteFile(filepath.Join(s.folder, "config", "Tesseract", "preferences.json"), text)
}

// env is the app's environment.
func (s *Stage) env() []string {
	in := func(name string) string { return filepath.Join(s.folder, name) }
	return append(s.Desktop.Env(),
		"HOME="+in("home"), "XDG_CONFIG_HOME="+in("config"), "XDG_DATA_HOME="+in("data"), "XDG_STATE_HOME="+in("state"),
		"XDG_CACHE_HOME="+in("cache"), "TESSERACT_FEED="+s.Front.URL())
}

// rest lets people see what happened.
func (s *Stage) rest(ctx context.Context) {
	if s.pace == 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(s.pace):
	}
}
