package updater_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// confirmed makes the stage's program the outcome of an earlier update, with the version before it kept to go back to.
func (s *stage) confirmed() {
	s.t.Helper()
	inst := s.swapped()
	defer inst.Close()
	entry := install.Entry{State: string(updater.Confirmed), From: "0.9.0", To: "1.0.0"}
	if err := errors.Join(inst.Confirm(), inst.Record(entry)); err != nil {
		s.t.Fatal(err)
	}
}

// swapped makes the stage's program one in probation, without a guardian.
func (s *stage) swapped() *install.Install {
	s.t.Helper()
	program, err := os.ReadFile(s.program)
	if err != nil {
		s.t.Fatal(err)
	}
	makeProgram(s.t, s.program, "0.9.0", good)
	var packed bytes.Buffer
	inst, err := install.Open(install.Options{Target: s.program, Dir: s.path("state")})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx := s.t.Context()
	if err := zstd.Compress(ctx, bytes.NewReader(program), &packed, nil); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(inst.Download("full"), packed.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	verified, err := inst.Accept("full", release.Blob{Length: int64(packed.Len()), SHA256: sha256.Sum256(packed.Bytes())})
	if err != nil {
		s.t.Fatal(err)
	}
	want := install.Artifact{Length: int64(len(program)), SHA256: sha256.Sum256(program)}
	if err := inst.Unpack(ctx, verified, want); err != nil {
		s.t.Fatal(err)
	}
	entry := install.Entry{State: string(updater.HandingOver), From: "0.9.0", To: "1.0.0"}
	if err := errors.Join(inst.Record(entry), inst.Swap(ctx)); err != nil {
		s.t.Fatal(err)
	}
	s.installed("1.0.0")
	return inst
}

func TestFailureBeforeTheSwapLeavesTheProgramAlone(t *testing.T) {
	s := newStage(t)
	s.confirmed()
	s.publish("1.1.0", good)
	s.captureErr = errors.New("the page does not answer")
	s.start()
	s.awaitState(updater.Waiting)
	s.engine.SetVisible(false)
	end := s.awaitState(updater.Refused)
	if end.Reason == nil || !strings.Contains(end.Reason.Detail, "does not answer") {
		t.Errorf("reason %+v", end.Reason)
	}
	s.installed("1.0.0")

	// It was not the release's fault, so the next try takes it.
	s.mu.Lock()
	s.captureErr = nil
	s.mu.Unlock()
	s.engine.Check()
	s.awaitEnd()
	s.installed("1.1.0")
}

func TestWaitingHearsTheUser(t *testing.T) {
	s := waiting(t, good)
	s.choose(func(chosen *updater.Settings) { chosen.Channel = release.Beta }) // stable releases are for users of beta, too
	s.engine.Check()
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.1.0")
}

func TestRestartWithNothingWaitingMeansNothingLater(t *testing.T) {
	s := newStage(t)
	s.start()
	s.awaitState(updater.Current)
	s.engine.Restart()
	s.publish("1.1.0", good)
	s.engine.Check()
	s.awaitState(updater.Waiting)
	s.engine.Check() // asks the feed again, which gives a wrong restart the time to happen
	s.await("another look at the feed", func(got updater.Status) bool { return got.State == updater.Waiting })
	s.installed("1.0.0")
}

func TestTryAgainLastsUntilItIsTried(t *testing.T) {
	s := waiting(t, exitsAtOnce)
	s.engine.SetVisible(false)
	s.awaitState(updater.RolledBack)
	s.engine.SetVisible(true)
	s.engine.TryAgain()
	s.awaitState(updater.Waiting)
	s.engine.Check()
	s.await("still waiting", func(got updater.Status) bool { return got.State == updater.Waiting })
	s.engine.SetVisible(false)
	s.awaitState(updater.RolledBack)
	s.installed("1.0.0")
}

func TestLeavingUndoesAHandoverUnderWay(t *testing.T) {
	s := waiting(t, good)
	s.engine.SetVisible(false)
	s.awaitState(updater.HandingOver)
	s.engine.Leaving()
	s.mu.Lock()
	events := strings.Join(s.events, ", ")
	s.mu.Unlock()
	// Either may have been faster; only something half done would be wrong.
	if strings.Contains(events, "retire") {
		s.installed("1.1.0")
	} else {
		s.installed("1.0.0")
	}
}

func TestCancelledDownloadWaitsToBeAskedFor(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	asked := make(chan struct{}, 8)
	proceed := make(chan struct{})
	s.faulty = func(path string) bool {
		if strings.Contains(path, "/artifacts/") {
			asked <- struct{}{}
			<-proceed
		}
		return false
	}
	s.start()
	<-asked
	s.engine.Cancel()
	end := s.awaitState(updater.Aborted)
	close(proceed)
	if end.Reason == nil || end.Reason.Code != updater.Cancelled {
		t.Errorf("reason %+v", end.Reason)
	}
	s.engine.Check()
	s.awaitState(updater.Waiting)
}
