package install

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// job is one whole change, done in a child process that kills itself between two steps.
type job struct {
	name    string
	prepare func(*site, *Install) // in the parent, before every crash
	run     func(*site, *Install) error
	ends    func(*site) []byte // what the target is when it is done
	least   int                // points that must exist at least
}

func jobs() []job {
	fresh := func(s *site) []byte { return s.new }
	old := func(s *site) []byte { return s.old }
	update := func(stage func(*site, *Install) error) func(*site, *Install) error {
		return func(s *site, i *Install) error {
			if err := stage(s, i); err != nil {
				return err
			}
			if err := i.Swap(s.Context()); err != nil {
				return err
			}
			return i.Confirm()
		}
	}
	patched := func(s *site, i *Install) error {
		return i.Patch(s.Context(), s.codec(), s.state+"/downloads/p", artifact(s.new))
	}
	chained := func(s *site, i *Install) error { return i.Chain(s.Context(), s.chain()) }
	unpacked := func(s *site, i *Install) error {
		return i.Unpack(s.Context(), s.state+"/downloads/f", artifact(s.new))
	}
	rollBack := func(_ *site, i *Install) error { return i.RollBack() }
	back := func(s *site, i *Install) error { return s.goBack(i) }
	return []job{
		{"update by patch", func(s *site, i *Install) { s.patch(i, s.old, s.new) }, update(patched), fresh, 8},
		{"update by a chain", func(s *site, i *Install) { s.deliverChain(i) }, update(chained), fresh, 10},
		{"update by full artifact", func(s *site, i *Install) { s.full(i, s.new) }, update(unpacked), fresh, 7},
		{"roll back in probation", func(s *site, i *Install) { s.stage(i); s.ok(i.Swap(s.Context())) }, rollBack, old, 3},
		{"go back later", func(s *site, i *Install) { s.stage(i); s.ok(i.Swap(s.Context())); s.ok(i.Confirm()) }, back, old, 6},
	}
}

// After a crash between any two steps the target is exactly the old or the new version, Recover knows what to do,
// and doing it again succeeds and leaves nothing behind. Recover itself may be killed at every step as well.
func TestKilledAtEveryStep(t *testing.T) {
	points := 0
	for n, j := range jobs() {
		t.Run(j.name, func(t *testing.T) {
			killed := 0
			for at := 1; ; at++ {
				s := newSite(t)
				i := s.open()
				j.prepare(s, i)
				if !s.dies(n, at, "run") {
					s.runs(j.ends(s))
					break
				}
				killed++
				s.whole()
				again := 1
				for ; s.dies(n, again, "recover"); again++ {
					s.whole()
				}
				points += again
				s.finish(j)
			}
			if killed < j.least {
				t.Errorf("killed at %d points only, expected %d", killed, j.least)
			}
		})
	}
	t.Logf("killed at %d points", points)
}

// finish does the interrupted job again, from wherever it stands, as the next start would. Then both ways are open.
func (s *site) finish(j job) {
	s.Helper()
	i := s.open()
	recovered, err := i.Recover()
	s.ok(err)
	now, err := os.ReadFile(s.target)
	s.ok(err)
	if !bytes.Equal(now, j.ends(s)) {
		switch {
		case recovered.Staged != nil:
			s.ok(i.Swap(s.Context()))
		case recovered.Probation:
			s.ok(i.RollBack())
		case recovered.CanGoBack:
			s.ok(s.goBack(i))
		default:
			j.prepare(s, i)
			s.ok(j.run(s, i))
		}
	}
	s.runs(j.ends(s))
	if err := i.Confirm(); err != nil {
		s.is(err, ErrNotStaged) // it was the way back from a version in probation
	}
	s.ok(i.Discard())
	beside := []string{}
	if _, err := i.Previous(); err == nil {
		beside = append(beside, ".app.previous")
	}
	s.clean(i, beside...)
}

// dies runs a job in a child and tells whether it got as far as the point where it was to be killed.
func (s *site) dies(n, at int, what string) bool {
	s.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestChildThatIsKilled$")
	cmd.Env = append(os.Environ(), "INSTALL_CHILD="+s.state, "INSTALL_TARGET="+s.target,
		"INSTALL_WHAT="+what, fmt.Sprintf("INSTALL_JOB=%d", n), fmt.Sprintf("INSTALL_AT=%d", at))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if killed(cmd.ProcessState) {
		return true
	}
	s.Fatalf("the child failed: %v\n%s", err, out)
	return false
}

func TestChildThatIsKilled(t *testing.T) {
	if os.Getenv("INSTALL_CHILD") == "" {
		t.Skip("runs only as a child of TestKilledAtEveryStep")
	}
	n, _ := strconv.Atoi(os.Getenv("INSTALL_JOB"))
	at, _ := strconv.Atoi(os.Getenv("INSTALL_AT"))
	s := &site{TB: t, state: os.Getenv("INSTALL_CHILD"), target: os.Getenv("INSTALL_TARGET"), old: version("1.0.0"), new: version("1.1.0")}
	i := s.open()
	i.point = func(string) {
		if at--; at == 0 {
			kill()
		}
	}
	if os.Getenv("INSTALL_WHAT") == "recover" {
		_, err := i.Recover()
		s.ok(err)
		return
	}
	s.ok(jobs()[n].run(s, i))
}
