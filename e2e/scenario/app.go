//go:build linux

package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// Status is what the app says of its updates in status.json.
type Status struct {
	PID       int     `json:"pid"`
	State     string  `json:"state"`
	Installed string  `json:"installed"`
	Target    string  `json:"target"`
	Previous  string  `json:"previous"`
	LastCheck string  `json:"lastCheck"`
	Reason    *Reason `json:"reason"`
	Restored  *struct {
		Restored int      `json:"restored"`
		Total    int      `json:"total"`
		Missing  []string `json:"missing"`
	} `json:"restored"`
	PatchBytes int64 `json:"patchBytes"`
	Figures    struct {
		CheckBytes int64  `json:"checkBytes"`
		DownloadMS int64  `json:"downloadMs"`
		ApplyMS    int64  `json:"applyMs"`
		HandoverMS int64  `json:"handoverMs"`
		Codec      string `json:"codec"`
	} `json:"figures"`
	History []Record `json:"history"` // newest first
}

// Reason is why an update ended.
type Reason struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Record is one line of the history.
type Record struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Outcome string  `json:"outcome"`
	How     string  `json:"how"`
	Reason  *Reason `json:"reason"`
}

func (s Status) String() string {
	reason := ""
	if s.Reason != nil {
		reason = fmt.Sprintf(", reason %s (%s)", s.Reason.Code, s.Reason.Detail)
	}
	return fmt.Sprintf("%s %s, target %q%s", s.Installed, s.State, s.Target, reason)
}

// Status reads status.json.
func (s *Stage) Status() (status Status, err error) {
	text, err := os.ReadFile(filepath.Join(s.State("Updates"), "status.json"))
	if err != nil {
		return status, err
	}
	return status, json.Unmarshal(text, &status)
}

// AwaitStatus waits until the app's status is as wanted; the condition's error says what it lacks.
func (s *Stage) AwaitStatus(ctx context.Context, limit time.Duration, what string, condition func(Status) error) (status Status, err error) {
	err = await.Until(ctx, limit, what, func() error {
		if status, err = s.Status(); err != nil {
			return err
		}
		if err := condition(status); err != nil {
			return fmt.Errorf("%w (status: %s)", err, status)
		}
		return nil
	})
	return status, err
}

// An App is the running app as a person sees it: one window.
type App struct {
	stage   *Stage
	process *desktop.Process
	Window  *desktop.Window
	PID     int
}

// Launch starts the app and waits until its window is painted and has the keyboard.
func (s *Stage) Launch(ctx context.Context) (*App, error) {
	return s.launch(ctx, true)
}

// LaunchUnseen does the same for an app that can not write its status: only the window tells.
func (s *Stage) LaunchUnseen(ctx context.Context) (*App, error) {
	return s.launch(ctx, false)
}

func (s *Stage) launch(ctx context.Context, status bool) (*App, error) {
	name, args := s.command()
	process, err := s.Processes.Start(s.env(), nil, name, args...)
	if err != nil {
		return nil, err
	}
	a := &App{stage: s, process: process}
	err = await.Until(ctx, 60*time.Second, "the app's first window", func() error {
		select {
		case <-process.Done():
			err := fmt.Errorf("it ended: %s", process.Output())
			if process.Failed() {
				err = fmt.Errorf("%w: %w", await.ErrNever, err)
			}
			return err
		default:
		}
		if status {
			if _, err := s.Status(); err != nil {
				return err
			}
		}
		windows, err := s.Desktop.Windows(ctx, s.Processes.Running()...)
		if err != nil {
			return err
		}
		if len(windows) != 1 {
			return fmt.Errorf("it has %d windows", len(windows))
		}
		a.Window, a.PID = windows[0], windows[0].PID
		return nil
	})
	if err != nil {
		return nil, s.explain(a, err)
	}
	if err := a.Window.Activate(ctx); err != nil {
		return nil, s.explain(a, err)
	}
	_, err = a.Window.Settled(ctx)
	return a, s.explain(a, err)
}

// explain adds the app's own last words to an error, and leaves a picture of what the person saw.
func (s *Stage) explain(a *App, err error) error {
	if err == nil {
		return nil
	}
	saw := ""
	if picture, e := s.Desktop.Screenshot(context.Background()); s.failure != "" && e == nil && desktop.Save(s.failure, picture) == nil {
		saw = "\nwhat the screen showed: " + s.failure
	}
	return fmt.Errorf("%w%s\nthe app wrote:\n%s", err, saw, a.process.Output())
}

// Explain adds what there is to know to an error.
func (a *App) Explain(err error) error { return a.stage.explain(a, err) }

// Successor waits until the app's one window belongs to the process of another version, and
// returns it.
func (a *App) Successor(ctx context.Context, pid int) (*App, error) {
	next := &App{stage: a.stage, process: a.process, PID: pid}
	err := await.Until(ctx, 20*time.Second, "the new version's window alone", func() error {
		windows, err := a.stage.Desktop.Windows(ctx, a.stage.Processes.Running()...)
		if err != nil {
			return err
		}
		if len(windows) != 1 || windows[0].PID != pid {
			return fmt.Errorf("there are %d windows, wanted one of process %d", len(windows), pid)
		}
		next.Window = windows[0]
		return nil
	})
	return next, err
}

// Alive tells an error when the process is gone.
func (a *App) Alive() error {
	for _, pid := range a.stage.Processes.Running() {
		if pid == a.PID {
			return nil
		}
	}
	return errors.New("the process is gone: " + a.process.Output())
}
