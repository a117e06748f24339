//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/e2e/release"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// One company builds for all tests.
var (
	once      sync.Once
	company   *scenario.Company
	noCompany error
)

func theCompany(t *testing.T) *scenario.Company {
	t.Helper()
	once.Do(func() {
		company, noCompany = scenario.NewCompany(t.Context(), func(format string, args ...any) { fmt.Printf(format+"\n", args...) })
	})
	if noCompany != nil {
		t.Fatal(noCompany)
	}
	return company
}

func build(t *testing.T, v release.Variant) string {
	t.Helper()
	binary, err := theCompany(t).Build(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// A play is a test's stage with a person at work on it.
type play struct {
	*scenario.Stage
	t    *testing.T
	app  *scenario.App
	work *scenario.Work
}

// newPlay sets up a stage with 1.0.0 installed and published.
func newPlay(t *testing.T) *play {
	t.Helper()
	old := build(t, scenario.Old)
	s, err := scenario.NewStage(t.Context(), scenario.StageOptions{Keys: theCompany(t).Keys, Blobs: theCompany(t).Builder.Blobs(), Failure: filepath.Join(failures(t), "failure.png")})
	if err != nil {
		t.Fatal(err)
	}
	p := &play{Stage: s, t: t}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p.must(s.Feed.Publish(t.Context(), old, scenario.Old.Version))
	p.must(s.Install(old))
	return p
}

// atWork lets a person work in 1.0.0.
func (p *play) atWork() *play {
	p.t.Helper()
	var err error
	p.app, p.work, err = p.WorkingIn(p.t.Context())
	p.must(err)
	return p
}

// failures is where pictures of what went wrong lie.
func failures(t *testing.T) string {
	return filepath.Join(theCompany(t).Builder.Root(), "build", "cache", "failures", strings.ReplaceAll(t.Name(), "/", "-"))
}

// must ends the test on an error, with a picture of what the person saw last.
func (p *play) must(err error) {
	p.t.Helper()
	if err == nil {
		return
	}
	if p.app != nil {
		err = p.app.Explain(err)
	}
	p.t.Fatal(err)
}

func (p *play) publish(v release.Variant) {
	p.t.Helper()
	p.must(p.Feed.Publish(p.t.Context(), build(p.t, v), v.Version))
}

// stays checks that the version the person worked in still runs, in the same process, and has
// everything.
func (p *play) stays() {
	p.t.Helper()
	p.must(p.app.Alive())
	back, err := p.work.BringBack(p.t.Context(), p.app.PID)
	p.must(err)
	p.check(back)
}

// becomes puts the window away, waits for the version, brings the window back and checks that
// everything is there. It ends the play: drafts are tried out.
func (p *play) becomes(version string) scenario.Status {
	p.t.Helper()
	p.must(p.work.PutAway(p.t.Context()))
	status, err := p.AwaitVersion(p.t.Context(), version)
	p.must(err)
	back, err := p.work.BringBack(p.t.Context(), status.PID)
	p.must(err)
	p.app = back.App
	p.check(back)
	lost, err := p.work.DraftsLost(p.t.Context())
	p.must(err)
	if lost > 0 {
		p.t.Errorf("%d drafts were lost", lost)
	}
	if status.Restored == nil || status.Restored.Restored != status.Restored.Total {
		p.t.Errorf("%s restored %+v", version, status.Restored)
	}
	return status
}

func (p *play) check(back *scenario.Back) {
	p.t.Helper()
	if back.DocumentsLost > 0 {
		p.t.Errorf("%d documents were lost", back.DocumentsLost)
	}
	if back.Difference.Changed > 0 {
		folder := failures(p.t)
		p.must(back.Save(folder))
		p.t.Errorf("%d pixels changed in %v: see %s", back.Difference.Changed, back.Difference.Where, folder)
	}
}
