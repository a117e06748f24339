//go:build e2e && linux

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

// awaitReason waits until the app names one of the reasons, in its present state or in its
// history, while 1.0.0 is what runs.
func (p *play) awaitReason(codes ...string) {
	p.t.Helper()
	status, err := p.AwaitStatus(p.t.Context(), 2*time.Minute, "the reason "+strings.Join(codes, " or "), func(s scenario.Status) error {
		if s.Installed != scenario.Old.Version {
			return errors.New("another version runs")
		}
		if s.Reason != nil && slices.Contains(codes, s.Reason.Code) {
			return nil
		}
		for _, r := range s.History {
			if r.Reason != nil && slices.Contains(codes, r.Reason.Code) {
				return nil
			}
		}
		return fmt.Errorf("it names none")
	})
	p.must(err)
	if status.PID != p.app.PID {
		p.t.Errorf("process %d speaks, but %d was running", status.PID, p.app.PID)
	}
}

// One flipped bit in the patch: the patch is thrown away and the whole artifact taken.
func TestFlippedPatchGivesWayToTheWhole(t *testing.T) {
	p := newPlay(t).atWork()
	p.Front.Set(scenario.FlippedPatch)
	p.publish(scenario.Update)
	status := p.becomes(scenario.Update.Version)
	if status.Figures.Codec != "zstd" {
		t.Errorf("codec %q, want the whole artifact, zstd", status.Figures.Codec)
	}
}

// Faults on the way from the feed: while they last, nothing changes, and the app says why. When
// they are over, the next release goes through.
func TestFaultsOnTheWay(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   scenario.Fault
		reasons []string
	}{
		{"one flipped bit in every download", scenario.Flipped, []string{"corrupt"}},
		{"truncated downloads", scenario.Truncated, []string{"corrupt", "unreachable"}},
		{"unreachable feed", scenario.Unreachable, []string{"unreachable"}},
		{"malformed feed", scenario.Malformed, []string{"malformed"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			p := newPlay(t).atWork()
			p.Front.Set(c.fault)
			p.publish(scenario.Update)
			p.must(p.work.PutAway(t.Context()))
			p.awaitReason(c.reasons...)
			p.stays()

			p.Front.Set(nil)
			p.publish(scenario.Later)
			p.becomes(scenario.Later.Version)
		})
	}
}

// A feed that somebody else signed.
func TestWrongSignature(t *testing.T) {
	p := newPlay(t).atWork()
	ctx := t.Context()
	keys, err := theCompany(t).Builder.Keys(ctx, theCompany(t).VCM, "stranger")
	p.must(err)
	stranger, err := keys.NewFeed(filepath.Join(t.TempDir(), "feed"))
	p.must(err)
	p.must(stranger.Publish(ctx, build(t, scenario.Update), scenario.Update.Version))
	p.must(stranger.Serve(ctx, p.Processes))

	p.Front.Point(stranger)
	p.must(p.work.PutAway(ctx))
	p.awaitReason("signature")
	p.stays()

	p.Front.Point(p.Feed)
	p.publish(scenario.Later)
	p.becomes(scenario.Later.Version)
}

// A release that passes its trial and then dies when it should take over.
func TestSuccessorThatExits(t *testing.T) {
	p := newPlay(t).atWork()
	p.publish(scenario.Dying)
	p.must(p.work.PutAway(t.Context()))
	p.awaitReason("crash", "not-ready")
	p.stays()

	p.publish(scenario.Later)
	p.becomes(scenario.Later.Version)
}

// Faults of the user's own disk, which only the app sees. Each one is mended, and then the release
// goes through.
func TestFaultsOfTheDisk(t *testing.T) {
	if err := scenario.CanNamespace(); err != nil {
		t.Skip(err)
	}
	installed := fileSize(t, build(t, scenario.Old))
	for _, c := range []struct {
		name           string
		preamble, cure func(p *play) string
		reason         string
		early          bool // it is noticed before anything is downloaded
	}{
		{
			name: "full disk",
			preamble: func(p *play) string {
				dir := filepath.Dir(p.Executable())
				return fmt.Sprintf("cp %[1]s/tesseract %[1]s.copy; mount -t tmpfs -o size=%[2]d,mode=0700 tmpfs %[1]s; mv %[1]s.copy %[1]s/tesseract", dir, installed+installed/4)
			},
			cure:   func(p *play) string { return "mount -o remount,size=1g " + filepath.Dir(p.Executable()) },
			reason: "disk",
		},
		{
			name: "read-only install folder",
			preamble: func(p *play) string {
				return fmt.Sprintf("mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s", filepath.Dir(p.Executable()))
			},
			cure:   func(p *play) string { return "mount -o remount,bind,rw " + filepath.Dir(p.Executable()) },
			reason: "read-only",
			early:  true,
		},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			p := newPlay(t)
			p.Namespaced(c.preamble(p))
			p.atWork()
			p.publish(scenario.Update)
			p.must(p.work.PutAway(t.Context()))
			p.awaitReason(c.reason)
			p.stays()
			for _, folder := range []string{"/feed/artifacts/", "/feed/patches/"} {
				if n := p.Front.Served(folder); c.early && n > 0 {
					t.Errorf("%d bytes were downloaded from %s", n, folder)
				}
			}

			p.must(p.Inside(t.Context(), p.app, c.cure(p)))
			p.publish(scenario.Later)
			p.becomes(scenario.Later.Version)
		})
	}
}

// A state folder that can not be written: the app runs, documents are saved, and the Updates page
// says which folder to mend. Nobody else can hear of it, for status.json would be in that folder.
func TestUnwritableStateFolder(t *testing.T) {
	if err := scenario.CanNamespace(); err != nil {
		t.Skip(err)
	}
	ctx := t.Context()
	p := newPlay(t)
	folder := filepath.Dir(p.State("Updates"))
	p.must(os.MkdirAll(folder, 0o700))
	p.Namespaced(fmt.Sprintf("mount --bind %[1]s %[1]s; mount -o remount,bind,ro %[1]s", folder))
	p.publish(scenario.Later)
	p.must(p.PrepareDocuments())
	app, err := p.LaunchUnseen(ctx)
	p.must(err)
	p.app, p.work = app, scenario.NewWork(app)

	p.must(p.work.Open(ctx, "Recipes"))
	p.must(p.work.StartParagraph(ctx))
	const sentence = "Written while the app could not keep its state."
	p.must(p.Desktop.Type(ctx, sentence, 12*time.Millisecond))
	p.must(await.Until(ctx, 20*time.Second, "the document to be saved", func() error {
		text, err := os.ReadFile(filepath.Join(p.Documents(), "Recipes.md"))
		if err == nil && !strings.HasSuffix(strings.TrimSpace(string(text)), sentence) {
			err = errors.New("the file is as it was")
		}
		return err
	}))
	page, err := p.work.UpdatesPage(ctx)
	p.must(err)
	if !strings.Contains(page, filepath.Join(folder, "Updates")) {
		t.Errorf("the Updates page does not name %s:\n%s", folder, page)
	}

	p.must(p.Inside(ctx, p.app, "mount -o remount,bind,rw "+folder))
	p.must(p.app.Window.Minimise(ctx))
	status, err := p.AwaitVersion(ctx, scenario.Later.Version)
	p.must(err)
	p.app, err = p.app.Successor(ctx, status.PID)
	p.must(err)
	p.must(p.app.Window.Activate(ctx))
}
