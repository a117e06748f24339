//go:build e2e && linux

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// The main job: what make demo shows.
func TestUpdateGoesUnseen(t *testing.T) {
	report, err := scenario.Perform(t.Context(), scenario.PerformOptions{Company: theCompany(t), Blobs: theCompany(t).Builder.Blobs(), Log: t.Logf, Failure: filepath.Join(failures(t), "failure.png")})
	if err != nil {
		t.Fatal(err)
	}
	if report.Result != "ok" {
		t.Errorf("%s: %+v", report.Result, report)
	}
}

// The new version dies after the person has worked in it. The old one, which stood by, takes back with what was written since.
func TestVersionThatDiesInProbation(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	p.must(p.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"10m"}}`))
	p.publish(scenario.Update)
	p.must(p.work.PutAway(ctx))
	status, err := p.AwaitVersion(ctx, scenario.Update.Version)
	p.must(err)
	back, err := p.work.BringBack(ctx, status.PID)
	p.must(err)
	p.app = back.App
	const sentence = "Written in the version that dies."
	p.must(p.work.GoOn(ctx, sentence))

	p.must(syscall.Kill(status.PID, syscall.SIGKILL))
	status, err = p.AwaitStatus(ctx, time.Minute, "the old version to take back", func(s scenario.Status) error {
		if s.Installed != scenario.Old.Version || s.State != "rolled-back" {
			return errors.New("it has not")
		}
		return nil
	})
	p.must(err)
	if status.Reason == nil || status.Reason.Code != "crash" {
		t.Errorf("the reason is %+v", status.Reason)
	}
	p.must(p.work.TakenBack(ctx, status.PID))
	got, err := p.work.Paragraph(ctx)
	p.must(err)
	if got != sentence {
		t.Errorf("the last line is %q, want %q", got, sentence)
	}
}

// "Restart now": the person asks for it, with the window in front of them.
func TestRestartNow(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	p.publish(scenario.Update)
	_, err := p.AwaitStatus(ctx, time.Minute, "1.1.0 to be ready", func(s scenario.Status) error {
		if s.State != "waiting" {
			return errors.New("it is not")
		}
		return nil
	})
	p.must(err)
	const sentence = "Written right before."
	p.must(p.work.GoOn(ctx, sentence))
	p.must(p.work.RestartNow(ctx))
	status, err := p.AwaitVersion(ctx, scenario.Update.Version)
	p.must(err)
	p.must(p.work.TakenBack(ctx, status.PID))
	got, err := p.work.Paragraph(ctx)
	p.must(err)
	if got != sentence {
		t.Errorf("the last line is %q, want %q", got, sentence)
	}
	if len(status.History) == 0 || status.History[0].How != "asked" {
		t.Errorf("the history says %+v", status.History)
	}
}

// A person types while the new version is downloaded, patched together and tried. No key is lost,
// and the app's memory stays within bounds.
func TestTypingWhileThePatchApplies(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	binary := build(t, scenario.Update)
	idle, err := p.app.ResetPeakMemory()
	p.must(err)

	var text strings.Builder
	staged := make(chan error, 1)
	go func() {
		err := p.Feed.Publish(ctx, binary, scenario.Update.Version)
		if err == nil {
			_, err = p.AwaitStatus(ctx, time.Minute, "1.1.0 to be ready", func(s scenario.Status) error {
				if s.State != "waiting" {
					return errors.New("it is not")
				}
				return nil
			})
		}
		staged <- err
	}()
	p.must(p.work.StartParagraph(ctx))
	for line, done := 1, false; !done; line++ {
		sentence := fmt.Sprintf("Line %d of what was typed meanwhile. ", line)
		p.must(p.Desktop.Type(ctx, sentence, 25*time.Millisecond))
		text.WriteString(sentence)
		select {
		case err := <-staged:
			p.must(err)
			done = true
		default:
		}
	}
	got, err := p.work.Paragraph(ctx)
	p.must(err)
	if got != text.String() {
		t.Errorf("typed %q\nfound %q", text.String(), got)
	}

	peak, err := p.app.PeakMemory()
	p.must(err)
	limit := (fileSize(t, binary) + fileSize(t, p.Executable())) * 3 / 2
	t.Logf("memory: %d bytes idle, at most %d more during the update, limit %d", idle, peak-idle, limit)
	if peak-idle > limit {
		t.Errorf("the app took %d bytes more than when idle, which is more than 1.5 times both versions, %d", peak-idle, limit)
	}
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
