package install

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// probation is an install with a version that nobody has confirmed.
func (s *site) probation() *Install {
	s.Helper()
	i := s.open()
	s.stage(i)
	s.ok(i.Record(Entry{State: "handing-over", From: "1.0.0", To: "1.1.0", SHA256: artifact(s.new).SHA256.String(), Bytes: 7}))
	s.ok(i.Swap(s.Context()))
	return i
}

// boots is a start of the version in place.
func (s *site) boots(want Boot) {
	s.Helper()
	got, err := s.open().Boot("1.1.0")
	s.ok(err)
	if got != want {
		s.Fatalf("booted %+v, want %+v", got, want)
	}
}

func TestCrashLoopEndsInTheOldVersion(t *testing.T) {
	s := newSite(t)
	i := s.probation()
	s.boots(Boot{Starts: 1})
	s.boots(Boot{Starts: 2})
	s.runs(s.new)
	s.boots(Boot{RolledBack: true, Program: s.target})
	s.runs(s.old)
	s.boots(Boot{}) // the old version's own start
	entries, err := i.History()
	s.ok(err)
	last := entries[len(entries)-1]
	if last.State != "rolled-back" || last.Reason != ReasonCrashLoop || last.From != "1.0.0" || last.To != "1.1.0" ||
		last.SHA256 != artifact(s.new).SHA256.String() || last.Bytes != 7 || last.Detail == "" {
		t.Errorf("the journal ends with %+v", last)
	}
	s.is(i.Confirm(), ErrNotStaged)
	_, err = i.Recover()
	s.ok(err)
	s.ok(i.Discard())
	s.clean(i)

	// The next release starts from nothing.
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	s.boots(Boot{Starts: 1})
}

func TestStartsThatEndedWellDoNotCount(t *testing.T) {
	s := newSite(t)
	i := s.probation()
	s.ok(i.Left()) // the successor itself, which was not counted
	for range 5 {
		s.boots(Boot{Starts: 1})
		s.ok(s.open().Left())
	}
	s.boots(Boot{Starts: 1})
	for range 5 {
		s.boots(Boot{Starts: 2})
		s.ok(s.open().Left())
	}
	s.boots(Boot{Starts: 2})
	s.ok(i.Confirm())
	s.boots(Boot{})
	s.ok(i.Left())
	s.runs(s.new)
}

func TestBootWithoutProbationTouchesNothing(t *testing.T) {
	s := newSite(t)
	i := s.open()
	before, err := os.ReadDir(s.state)
	s.ok(err)
	s.boots(Boot{})
	after, err := os.ReadDir(s.state)
	s.ok(err)
	if len(after) != len(before) {
		t.Errorf("it holds %v", after)
	}
	// Not even the lock is asked for.
	lock := s.lock()
	defer lock.Release()
	s.boots(Boot{})
	s.ok(os.RemoveAll(filepath.Join(s.state, i.recordName())))
	s.boots(Boot{})
}

func (s *site) lock() *durable.Lock {
	s.Helper()
	root, err := os.OpenRoot(s.state)
	s.ok(err)
	s.Cleanup(func() { root.Close() })
	lock, ok, err := durable.TryAcquire(root, lockName)
	if !ok || err != nil {
		s.Fatal(ok, err)
	}
	return lock
}

// The last guardian takes back while the version is being started once more.
func TestBootWaitsForTheGuardian(t *testing.T) {
	s := newSite(t)
	guardian, late := s.probation(), s.open()
	taking, waits, taken := make(chan struct{}), make(chan struct{}), make(chan error)
	waiting := sync.OnceFunc(func() { close(waits) })
	guardian.point = func(step string) {
		if step == "rollback intent" {
			close(taking)
			<-waits
		}
	}
	late.point = func(step string) {
		if step == "locked out" {
			waiting()
		}
	}
	go func() { taken <- guardian.RollBack() }()
	<-taking
	got, err := late.Boot("1.1.0")
	s.ok(err)
	s.ok(<-taken)
	if !got.RolledBack || got.Program != s.target {
		t.Errorf("booted %+v", got)
	}
	s.runs(s.old)
}

func TestBootEndsWhatWasInterrupted(t *testing.T) {
	t.Run("a swap", func(t *testing.T) {
		s := newSite(t)
		i := s.open()
		s.stage(i)
		s.breaks(i, "replaced", func() error { return i.Swap(t.Context()) })
		s.boots(Boot{Starts: 1})
		s.runs(s.new)
	})
	t.Run("going back", func(t *testing.T) {
		s := newSite(t)
		i := s.probation()
		s.breaks(i, "rollback intent", i.RollBack)
		s.boots(Boot{RolledBack: true, Program: s.target})
		s.runs(s.old)
		entries, err := i.History()
		s.ok(err)
		if last := entries[len(entries)-1]; last.State != "rolled-back" || last.Reason != ReasonCrash || last.To != "1.1.0" {
			t.Errorf("the journal ends with %+v", last)
		}
	})
}

// breaks stops do at a step, as the end of the process would.
func (s *site) breaks(i *Install, step string, do func() error) {
	s.Helper()
	type end struct{}
	defer func() {
		if _, ended := recover().(end); !ended {
			s.Fatalf("it did not get to %q", step)
		}
	}()
	i.point = func(at string) {
		if at == step {
			panic(end{})
		}
	}
	s.ok(do())
}

func TestBootWithoutAWayBack(t *testing.T) {
	s := newSite(t)
	s.probation()
	s.boots(Boot{Starts: 1})
	s.boots(Boot{Starts: 2})
	s.ok(os.Remove(filepath.Join(s.folder, ".app.previous")))
	b, err := s.open().Boot("1.1.0")
	s.is(err, ErrNoPrevious)
	if b.RolledBack {
		t.Errorf("booted %+v", b)
	}
	s.runs(s.new)
}
