//go:build e2e && linux

package e2e_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/release"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// Releases that are no good and show it only when they are to take over, or later. The person ends on the old version with every character,
// and the next good release passes.
func TestBadReleases(t *testing.T) {
	for _, c := range []struct {
		name    string
		release release.Variant
		reasons []string
	}{
		{"exits at once", scenario.Dying, []string{"crash", "not-ready"}},
		{"hangs before it is ready", scenario.Silent, []string{"not-ready"}},
		{"restores nothing", scenario.Forgetful, []string{"restore"}},
		{"its page hangs after it was ready", scenario.Spinning, []string{"crash"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			p := newPlay(t).atWork()
			p.must(p.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"10m"}}`))
			p.publish(c.release)
			p.must(p.work.PutAway(t.Context()))
			p.awaitReason(c.reasons...)
			p.stays()

			p.publish(scenario.Later)
			p.becomes(scenario.Later.Version)
		})
	}
}

// The new version works for half a minute, and the person with it.
func TestReleaseThatFailsLater(t *testing.T) {
	for _, c := range []struct {
		name    string
		release release.Variant
	}{
		{"crashes", scenario.Doomed},
		{"stands still", scenario.Frozen},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			p := newPlay(t).atWork()
			ctx := t.Context()
			p.must(p.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"10m"}}`))
			p.publish(c.release)
			p.must(p.work.PutAway(ctx))
			status, err := p.AwaitVersion(ctx, c.release.Version)
			p.must(err)
			back, err := p.work.BringBack(ctx, status.PID)
			p.must(err)
			old := p.app.PID
			p.app = back.App
			const sentence = "Written in the version that does not last."
			p.must(p.work.GoOn(ctx, sentence))

			p.must(await.Until(ctx, time.Minute, "the new version to fail", func() error {
				if desktop.Works(status.PID) {
					return errors.New("it works")
				}
				return nil
			}))
			failed := time.Now()
			_, err = p.app.Successor(ctx, old)
			p.must(err)
			shown := time.Since(failed)
			p.must(p.work.TakenBack(ctx, old))
			t.Logf("the old version's window was there after %d ms, and at rest after %d ms", shown.Milliseconds(), time.Since(failed).Milliseconds())
			got, err := p.work.Paragraph(ctx)
			p.must(err)
			if got != sentence {
				t.Errorf("the last line is %q, want %q", got, sentence)
			}
		})
	}
}

// The new version dies at every second start. The person starts it again and again; the old one comes back by itself.
func TestReleaseThatCrashesAtEverySecondStart(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	p.must(p.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"10m"}}`))
	p.publish(scenario.Fickle)
	p.must(p.work.PutAway(ctx))
	status, err := p.AwaitVersion(ctx, scenario.Fickle.Version)
	p.must(err)
	back, err := p.work.BringBack(ctx, status.PID)
	p.must(err)
	p.app = back.App
	const sentence = "Written in the version that starts now and then."
	p.must(p.work.GoOn(ctx, sentence))
	p.must(p.quit())

	var starts []string
	for len(starts) < 8 {
		app, err := p.Launch(ctx)
		if err != nil {
			starts = append(starts, "it ended")
			continue
		}
		p.app = app
		if status, err = p.Status(); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, status.Installed)
		if status.Installed == scenario.Old.Version {
			break
		}
		p.must(p.quit())
	}
	t.Log(starts)
	if status.Installed != scenario.Old.Version {
		t.Fatalf("the old version is not back: %v", starts)
	}
	p.work = scenario.NewWork(p.app)
	got, err := p.work.Paragraph(ctx)
	p.must(err)
	if got != sentence {
		t.Errorf("the last line is %q, want %q", got, sentence)
	}
}

// quit ends the app as the system does at the end of a session, and waits until nothing of it runs.
func (p *play) quit() error {
	for _, pid := range p.Processes.Running() {
		if pid == p.app.PID {
			if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
				return err
			}
		}
	}
	return await.Until(p.t.Context(), 20*time.Second, "the app to end", func() error {
		if slices.Contains(p.Processes.Running(), p.app.PID) {
			return fmt.Errorf("process %d runs", p.app.PID)
		}
		return nil
	})
}
