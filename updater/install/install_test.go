package install

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

func TestUpdateAndGoBack(t *testing.T) {
	ways := map[string]func(*site, *Install) error{
		"by a patch": func(s *site, i *Install) error {
			return i.Patch(s.Context(), s.codec(), s.patch(i, s.old, s.new), artifact(s.new))
		},
		"by the full artifact": func(s *site, i *Install) error {
			return i.Unpack(s.Context(), s.full(i, s.new), artifact(s.new))
		},
	}
	for name, stage := range ways {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			i := s.open()
			sum, n, err := i.Current()
			s.ok(err)
			if (Artifact{Length: n, SHA256: sum}) != artifact(s.old) {
				t.Error("Current is not the old version")
			}
			s.ok(stage(s, i))
			s.runs(s.old)
			s.ok(i.Swap(t.Context()))
			s.runs(s.new)
			s.is(i.Swap(t.Context()), ErrNotStaged)
			s.is(stage(s, i), ErrUnproven)
			s.ok(i.Confirm())
			s.ok(i.Confirm())
			s.clean(i, ".app.previous")
			s.is(i.RollBack(), ErrNoPrevious)
			s.back(i)
			s.runs(s.old)
			s.back(i) // and forth
			s.runs(s.new)
			s.clean(i, ".app.previous")
		})
	}
}

func TestRollBackInProbation(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.is(i.RollBack(), ErrNoPrevious)
	s.stage(i)
	s.is(i.RollBack(), ErrNoPrevious)
	s.ok(i.Swap(t.Context()))
	// The guardian and the successor are two processes.
	guardian := s.open()
	s.ok(guardian.RollBack())
	s.runs(s.old)
	s.is(i.Confirm(), ErrNotStaged)
	// The next release goes through.
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	s.ok(i.Confirm())
	s.runs(s.new)
	s.clean(i, ".app.previous")
}

func TestRollBackRefuses(t *testing.T) {
	t.Run("a damaged copy", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.ok(i.Swap(t.Context()))
		s.write(filepath.Join(s.folder, ".app.previous"), []byte("rotten"))
		s.is(i.RollBack(), ErrNoPrevious)
		s.runs(s.new)
	})
	t.Run("over a third version", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.ok(i.Swap(t.Context()))
		s.ok(os.Remove(s.target))
		s.write(s.target, []byte("from a package manager"))
		s.is(i.RollBack(), ErrChanged)
		got, err := i.Recover()
		s.ok(err)
		if got.Outcome != Replaced || got.CanGoBack {
			t.Errorf("recovered %+v", got)
		}
		s.runs([]byte("from a package manager"))
		s.holds(s.folder, "app")
	})
}

func TestAccept(t *testing.T) {
	content := []byte("a patch")
	for name, part := range map[string][]byte{"shorter": content[1:], "empty": {}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			i := s.open()
			s.write(i.Download("p"), part)
			_, err := i.Accept("p", blob(content))
			s.is(err, ErrIncomplete)
			if left, err := os.ReadFile(i.Download("p")); err != nil || !bytes.Equal(left, part) {
				t.Errorf("what had come is %q, %v", left, err)
			}
		})
	}
	cases := map[string][]byte{"longer": append(bytes.Clone(content), 1), "one bit": append([]byte("b"), content[1:]...)}
	for name, wrong := range cases {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			i := s.open()
			s.write(i.Download("p"), wrong)
			_, err := i.Accept("p", blob(content))
			s.is(err, ErrCorrupt)
			s.missing(i.Download("p"))
			s.missing(strings.TrimSuffix(i.Download("p"), ".unverified"))
		})
	}
	s := newSite(t)
	i := s.open()
	_, err := i.Accept("p", blob(content))
	s.is(err, os.ErrNotExist)
	path := s.deliver(i, "p", content)
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) || strings.HasSuffix(path, ".unverified") {
		t.Errorf("%s: %q, %v", path, got, err)
	}
	again, err := i.Accept("p", blob(content))
	if err != nil || again != path {
		t.Errorf("accepted before: %s, %v", again, err)
	}
	s.write(path, []byte("tampered"))
	_, err = i.Accept("p", blob(content))
	s.is(err, ErrCorrupt)
	if got, want := i.Download("../../etc/passwd"), i.Download("passwd"); got != want {
		t.Errorf("a name leads to %s", got)
	}
}

func TestCorruptFilesAreDeleted(t *testing.T) {
	s := newSite(t)
	i := s.open()
	flipped := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[50] ^= 1 // within what is read in both formats
		return b
	}
	read := func(path string) []byte {
		b, err := os.ReadFile(path)
		s.ok(err)
		return b
	}
	patch := read(s.patch(i, s.old, s.new))
	full := read(s.full(i, s.new))
	other := artifact([]byte("something else of the same length" + string(s.new))[:len(s.new)])
	cases := []struct {
		name  string
		bytes []byte
		want  Artifact
		full  bool
	}{
		{"patch with a flipped bit", flipped(patch), artifact(s.new), false},
		{"patch for another old file", read(s.patch(i, s.new, s.new)), artifact(s.new), false},
		{"patch to something else", patch, other, false},
		{"patch of another length", patch, Artifact{Length: int64(len(s.new)) - 1, SHA256: artifact(s.new).SHA256}, false},
		{"no patch", []byte("<html>"), artifact(s.new), false},
		{"full with a flipped bit", flipped(full), artifact(s.new), true},
		{"full of something else", full, other, true},
		{"full, too long", full, Artifact{Length: int64(len(s.new)) - 1, SHA256: artifact(s.new).SHA256}, true},
		{"full, too short", full, Artifact{Length: int64(len(s.new)) + 1, SHA256: artifact(s.new).SHA256}, true},
		{"full cut off", full[:len(full)-6], artifact(s.new), true},
		{"full, no zstd", []byte("<html>"), artifact(s.new), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := *s
			s.TB = t
			path := s.deliver(i, "x", c.bytes)
			var err error
			if c.full {
				err = i.Unpack(t.Context(), path, c.want)
			} else {
				err = i.Patch(t.Context(), s.codec(), path, c.want)
			}
			s.is(err, ErrCorrupt)
			s.missing(path)
			s.is(i.Swap(t.Context()), ErrNotStaged)
			s.runs(s.old)
			s.holds(s.folder, "app")
		})
	}
	s.stage(i) // and a good one still goes through
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
}

func TestTamperedBeforeSwap(t *testing.T) {
	t.Run("the staged file", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.write(i.Staged(), []byte("#!/bin/sh\nrm -rf ~\n"))
		_, err := i.Trial(t.Context(), 1)
		s.is(err, ErrCorrupt)
		s.is(i.Swap(t.Context()), ErrNotStaged)
		s.runs(s.old)
		s.holds(s.folder, "app")
	})
	t.Run("the staged file is gone", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.ok(os.Remove(i.Staged()))
		s.is(i.Swap(t.Context()), ErrNotStaged)
		s.runs(s.old)
	})
	t.Run("the target", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.ok(os.Remove(s.target))
		s.write(s.target, []byte("a third version"))
		s.is(i.Swap(t.Context()), ErrChanged)
		s.runs([]byte("a third version"))
		s.holds(s.folder, "app")
	})
}

func TestCancelledBeforeSwap(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.is(i.Swap(ctx), context.Canceled)
	s.runs(s.old)
	s.ok(i.Swap(t.Context()))
	s.runs(s.new)
}

func TestLocked(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	root, err := os.OpenRoot(s.state)
	s.ok(err)
	defer root.Close()
	other, ok, err := durable.TryAcquire(root, lockName)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	_, trialErr := i.Trial(t.Context(), 1)
	_, acceptErr := i.Accept("p", blob(nil))
	_, recoverErr := i.Recover()
	for name, err := range map[string]error{
		"Swap": i.Swap(t.Context()), "RollBack": i.RollBack(), "Confirm": i.Confirm(), "Discard": i.Discard(),
		"Unpack": i.Unpack(t.Context(), "x", Artifact{}), "Trial": trialErr, "Accept": acceptErr, "Recover": recoverErr,
	} {
		if !errors.Is(err, ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.ok(i.Record(Entry{State: "waiting"})) // the journal is everybody's
	other.Release()
	s.ok(i.Swap(t.Context()))
}

func TestDiscard(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.stage(i)
	s.ok(i.Discard())
	s.ok(i.Discard())
	s.is(i.Swap(t.Context()), ErrNotStaged)
	s.clean(i)
}

func TestRecoverSweepsStrays(t *testing.T) {
	s := newSite(t)
	i := s.open()
	strays := []string{".app.staged", ".app.new", ".app.previous", ".app.check-perm", ".app.failed", ".durable-0011223344556677.tmp"}
	for _, name := range strays {
		s.write(filepath.Join(s.folder, name), []byte("stray"))
	}
	s.write(filepath.Join(s.folder, ".app.conf"), []byte("the user's own"))
	got, err := i.Recover()
	s.ok(err)
	if got.Outcome != NothingToDo || got.Staged != nil || got.CanGoBack || len(got.Removed) != 5 {
		t.Errorf("recovered %+v", got)
	}
	s.holds(s.folder, "app", ".app.conf")
}

func TestRecoverKeepsWhatIsStaged(t *testing.T) {
	s := newSite(t)
	s.stage(s.open())
	i := s.open()
	got, err := i.Recover()
	s.ok(err)
	if got.Staged == nil || *got.Staged != artifact(s.new) {
		t.Errorf("recovered %+v", got)
	}
	s.ok(i.Swap(t.Context()))
	got, err = s.open().Recover()
	s.ok(err)
	if !got.Probation || !got.CanGoBack || got.Outcome != NothingToDo {
		t.Errorf("recovered %+v", got)
	}
	s.ok(i.Confirm())
	got, err = s.open().Recover()
	s.ok(err)
	if got.Probation || !got.CanGoBack {
		t.Errorf("recovered %+v", got)
	}
	s.back(i)
	s.runs(s.old)
}

func TestGoBack(t *testing.T) {
	s := newSite(t)
	i := s.open()
	_, err := i.GoBack()
	s.is(err, ErrNoPrevious)
	_, err = i.Previous()
	s.is(err, ErrNoPrevious)
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	_, err = i.GoBack()
	s.is(err, ErrUnproven)
	s.ok(i.Confirm())
	if kept, err := i.Previous(); err != nil || kept != artifact(s.old) {
		t.Errorf("%v is kept, %v", kept, err)
	}

	// Staged and thought better of it.
	staged, err := i.GoBack()
	s.ok(err)
	if staged != artifact(s.old) {
		t.Errorf("staged %v", staged)
	}
	if runtime.GOOS != "windows" { // which runs no scripts
		report, err := i.Trial(t.Context(), time.Minute)
		s.ok(err)
		if report.Version != "1.0.0" {
			t.Errorf("the trial was of %s", report.Version)
		}
	}
	s.ok(i.Discard())
	s.clean(i, ".app.previous")

	// The old version fails, too.
	_, err = i.GoBack()
	s.ok(err)
	s.ok(i.Swap(t.Context()))
	s.runs(s.old)
	s.ok(i.RollBack())
	s.runs(s.new)
	_, err = i.GoBack()
	s.is(err, ErrNoPrevious)

	s.stage2(i)
	s.ok(i.Swap(t.Context()))
	s.ok(i.Confirm())
	s.write(filepath.Join(s.folder, ".app.previous"), []byte("rotten"))
	_, err = i.GoBack()
	s.is(err, ErrNoPrevious)
	_, err = i.Recover()
	s.ok(err)
	s.clean(i)
}

// stage2 brings a third version as far as Swap needs it.
func (s *site) stage2(i *Install) {
	s.Helper()
	third := version("1.2.0")
	s.ok(i.Unpack(s.Context(), s.full(i, third), artifact(third)))
}

func TestARecordThatMakesNoSenseIsIgnored(t *testing.T) {
	for _, content := range []string{"", "{", `{"phase":"swapped"}`, `{"phase":"flying"}`, `{"target":"/other","phase":"idle"}`} {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.write(filepath.Join(s.state, i.recordName()), []byte(content))
		got, err := i.Recover()
		s.ok(err)
		if got.Staged != nil {
			t.Errorf("%q: recovered %+v", content, got)
		}
		s.runs(s.old)
		s.stage(i)
		s.ok(i.Swap(t.Context()))
		s.runs(s.new)
	}
}

func TestJournal(t *testing.T) {
	s := newSite(t)
	i := s.open()
	want := []string{"checking", "downloading", "staged"}
	for _, state := range want {
		s.ok(i.Record(Entry{State: state, Detail: strings.Repeat("x", 10_000), Missing: make([]string, 1000)}))
	}
	s.ok(i.journal.Append([]byte("not JSON")))
	got, err := s.open().History()
	s.ok(err)
	if len(got) != len(want) {
		t.Fatalf("%d entries", len(got))
	}
	for n, e := range got {
		if e.State != want[n] || e.At.IsZero() || len(e.Detail) != maxDetail || len(e.Missing) != maxMissing {
			t.Errorf("entry %d: %s at %v", n, e.State, e.At)
		}
	}
}

func TestLongJournalIsShortened(t *testing.T) {
	s := newSite(t)
	i := s.open()
	for range journalSize/maxDetail + journalKept {
		s.ok(i.Record(Entry{State: "old", Detail: strings.Repeat("x", maxDetail)}))
	}
	s.ok(i.Record(Entry{State: "newest"}))
	_, err := i.Recover()
	s.ok(err)
	got, err := i.History()
	s.ok(err)
	if len(got) != journalKept || got[len(got)-1].State != "newest" {
		t.Errorf("%d entries, the last %q", len(got), got[len(got)-1].State)
	}
}

func TestSpace(t *testing.T) {
	s := newSite(t)
	i := s.open()
	s.ok(i.Space(1))
	err := i.Space(1 << 60)
	s.is(err, ErrNoSpace)
	var missing *NoSpaceError
	if !errors.As(err, &missing) || missing.Need != 1<<60 || missing.Free <= 0 || missing.Path != s.folder {
		t.Errorf("%+v", missing)
	}
}

func TestOptions(t *testing.T) {
	for _, o := range []Options{{}, {Target: "x"}, {Dir: t.TempDir()}, {Target: t.TempDir() + "/no/app", Dir: t.TempDir()}} {
		if _, err := Open(o); err == nil {
			t.Errorf("opened %+v", o)
		}
	}
}
