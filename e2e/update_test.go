//go:build e2e && linux

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
