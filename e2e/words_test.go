//go:build e2e && linux

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// Whatever keeps an update away, the Updates page says in words what is wrong and what to do.
func TestUpdatesPageSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		name     string
		fault    scenario.Fault
		preamble func(p *play) string
		words    []string
	}{
		{"unreachable feed", scenario.Unreachable, nil, []string{"The update server did not answer", "Check your connection"}},
		{"malformed feed", scenario.Malformed, nil, []string{"not an update feed", "try another network"}},
		{"read-only install folder", nil, func(p *play) string {
			return fmt.Sprintf("mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s", filepath.Dir(p.Executable()))
		}, []string{"Tesseract can't write to", "Move Tesseract to a folder you own"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			ctx := t.Context()
			p := newPlay(t)
			if c.preamble != nil {
				if err := scenario.CanNamespace(); err != nil {
					t.Skip(err)
				}
				p.Namespaced(c.preamble(p))
			}
			p.must(p.PrepareDocuments())
			p.publish(scenario.Update)
			p.Front.Set(c.fault)
			app, err := p.Launch(ctx)
			p.must(err)
			p.app, p.work = app, scenario.NewWork(app)
			p.must(await.Until(ctx, time.Minute, "the words", func() error { return p.pageSays(ctx, c.words) }))
		})
	}
}

// Updates that are put on hold stay away until they are wanted again, and the Updates page says both.
func TestHoldUntilResumed(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	says := func(words ...string) {
		t.Helper()
		p.must(await.Until(ctx, time.Minute, "the words", func() error { return p.pageSays(ctx, words) }))
	}
	p.must(p.work.Command(ctx, "Hold updates until"))
	says("On hold until you resume")
	p.publish(scenario.Update)
	says("On hold until you resume", "1.1.0 is available")
	p.must(p.work.Command(ctx, "Resume updates"))
	says("1.1.0 is ready and starts the next time this window is hidden")
}

func (p *play) pageSays(ctx context.Context, words []string) error {
	page, err := p.work.UpdatesPage(ctx)
	if err != nil {
		return err
	}
	for _, w := range words {
		if !strings.Contains(page, w) {
			return errors.New(w + " is not in:\n" + page)
		}
	}
	return nil
}
