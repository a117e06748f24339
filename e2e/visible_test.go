//go:build e2e && linux

package e2e_test

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/desktop"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// newVisiblePlay is a play with a version that lets itself be replaced in front of the person.
func newVisiblePlay(t *testing.T) *play {
	t.Helper()
	old := build(t, scenario.Willing("1.0.0"))
	s, err := scenario.NewStage(t.Context(), scenario.StageOptions{Keys: theCompany(t).Keys, Blobs: theCompany(t).Builder.Blobs(), Failure: filepath.Join(failures(t), "failure.png")})
	if err != nil {
		t.Fatal(err)
	}
	p := &play{Stage: s, t: t}
	t.Cleanup(func() {
		if t.Failed() && p.app != nil {
			t.Log(p.app.Output())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p.must(s.Feed.Publish(t.Context(), old, "1.0.0"))
	p.must(s.Install(old))
	p.must(s.PrepareDocuments())
	p.must(s.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"1s"}}`))
	p.app, err = s.Launch(t.Context())
	p.must(err)
	p.work = scenario.NewWork(p.app)
	p.must(p.work.Open(t.Context(), "Journal"))
	return p
}

// A person looks at the window while another version takes its place.
func TestVisibleHandoverIsNotSeen(t *testing.T) {
	p := newVisiblePlay(t)
	ctx := t.Context()
	p.must(p.work.StartParagraph(ctx))
	_, err := p.app.Window.Settled(ctx)
	p.must(err)
	g, err := p.app.Window.Geometry(ctx)
	p.must(err)
	p.publish(scenario.Willing("1.1.0"))

	type filmed struct {
		film *desktop.Film
		err  error
	}
	filming, cut := context.WithCancel(ctx)
	defer cut()
	films := make(chan filmed, 1)
	go func() {
		film, err := p.Desktop.Film(filming)
		films <- filmed{film, err}
	}()
	next, err := p.app.ReplaceVisibly(ctx, "1.1.0")
	p.must(err)
	p.app = next
	time.Sleep(time.Second)
	cut()
	f := <-films
	p.must(f.err)
	frames, err := scenario.Judge(f.film, image.Rect(g.X, g.Y, g.X+g.Width, g.Y+g.Height))
	p.must(err)
	gated, err := p.app.Gated()
	p.must(err)
	t.Logf("%d frames, longest gap %s: %d with other content, %d with another title bar; gated %v", frames.Taken, frames.Gap, frames.Content, frames.Title, gated)
	if frames.Content > 0 {
		folder := failures(t)
		p.must(desktop.Save(filepath.Join(folder, "worst.png"), frames.Worst))
		t.Errorf("seen at %v: %s", frames.Where, folder)
	}
	if len(gated) != 1 {
		t.Errorf("gated %v", gated)
	}
}

// A person types through three handovers in a row.
func TestVisibleHandoverLosesNoKey(t *testing.T) {
	for _, rate := range []int{30, 100} {
		t.Run(fmt.Sprintf("%d keys per second", rate), func(t *testing.T) {
			p := newVisiblePlay(t)
			ctx := t.Context()
			p.must(p.work.StartParagraph(ctx))
			var typed strings.Builder
			var took time.Duration
			for _, version := range []string{"1.1.0", "1.2.0", "1.3.0"} {
				p.publish(scenario.Willing(version))
				next, err := p.app.ReplaceWhile(ctx, version, func() error {
					began := time.Now()
					defer func() { took += time.Since(began) }()
					text := scenario.Letters(200)
					typed.WriteString(text)
					return p.TypeSteadily(ctx, text, rate)
				})
				p.must(err)
				p.app = next
			}
			p.work = scenario.NewWork(p.app)
			got, err := p.work.Paragraph(ctx)
			p.must(err)
			gated, err := p.app.Gated()
			p.must(err)
			t.Logf("%d keys in %s; gated %v", typed.Len(), took.Round(time.Millisecond), gated)
			if got != typed.String() {
				t.Errorf("typed %q\nfound %q", typed.String(), got)
			}
			if len(gated) != 3 {
				t.Errorf("%d visible handovers: %s", len(gated), p.app.Output())
			}
		})
	}
}
