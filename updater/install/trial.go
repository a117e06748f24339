package install

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// TrialReport is what the staged executable says about itself when it is started with --trial: one JSON object on
// standard output, and exit status 0.
type TrialReport struct {
	Version string `json:"version"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"` // why not, in a sentence
}

const (
	trialFlag   = "--trial"
	trialOutput = 64 << 10
	trialErrors = 4 << 10
	trialGrace  = 2 * time.Second // for pipes to close once the process is gone
)

// Trial starts the staged executable with --trial, without a display, and returns its report. Whatever the
// executable started ends with it. [ErrTrial] covers everything that it can do wrong, such as not starting, not being
// done within timeout, saying too much, or not being OK.
func (i *Install) Trial(ctx context.Context, timeout time.Duration) (TrialReport, error) {
	var report TrialReport
	err := i.exclusive("trial run", func() error {
		if _, err := i.staged(); err != nil {
			return err
		}
		var err error
		report, err = i.trial(ctx, timeout)
		return err
	})
	return report, err
}

func (i *Install) trial(ctx context.Context, timeout time.Duration) (TrialReport, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	stdout, stderr := &tail{limit: trialOutput}, &tail{limit: trialErrors}
	err := retryBusy(func() error {
		cmd := exec.CommandContext(limited, i.Staged(), trialFlag)
		cmd.Dir = i.state.Name()
		cmd.Env = headless(os.Environ())
		cmd.Stdout, cmd.Stderr = stdout, stderr
		cmd.WaitDelay = trialGrace
		return runGroup(cmd)
	})
	switch {
	case ctx.Err() != nil:
		return TrialReport{}, context.Cause(ctx)
	case limited.Err() != nil:
		return TrialReport{}, fmt.Errorf("%w: it was not done after %v%s", ErrTrial, timeout, stderr.quoted())
	case err != nil:
		return TrialReport{}, fmt.Errorf("%w: %w%s", ErrTrial, err, stderr.quoted())
	case stdout.lost:
		return TrialReport{}, fmt.Errorf("%w: it wrote more than %d bytes", ErrTrial, trialOutput)
	}
	var report TrialReport
	if err := json.Unmarshal(stdout.kept, &report); err != nil {
		return TrialReport{}, fmt.Errorf("%w: its report cannot be read: %w%s", ErrTrial, err, stderr.quoted())
	}
	if !report.OK {
		return report, fmt.Errorf("%w: it says %q", ErrTrial, report.Detail)
	}
	return report, nil
}

// headless takes the displays away, so that a trial can neither show a window nor depend on one.
func headless(env []string) []string {
	return slices.DeleteFunc(env, func(v string) bool {
		return strings.HasPrefix(v, "DISPLAY=") || strings.HasPrefix(v, "WAYLAND_DISPLAY=")
	})
}

// tail keeps the last bytes written to it.
type tail struct {
	limit int
	kept  []byte
	lost  bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - t.limit; over > 0 {
		t.kept, t.lost = append(t.kept[:0], t.kept[over:]...), true
	}
	return len(p), nil
}

func (t *tail) quoted() string {
	text := bytes.TrimSpace(t.kept)
	if len(text) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", text)
}

// retryBusy tries again while something has the fresh file open in a way that forbids running it: on Unix another
// goroutine's child between its fork and exec, on Windows a virus scanner.
func retryBusy(run func() error) error {
	err := run()
	for pause := 5 * time.Millisecond; isBusy(err) && pause < time.Second; pause *= 2 {
		time.Sleep(pause)
		err = run()
	}
	return err
}
