//go:build linux && amd64

package killmatrix

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
)

// fault is what happens at a point.
type fault struct {
	name    string
	verdict calls.Verdict
	stays   bool // it happens at every later call that takes space, too
}

var faults = []fault{
	{"killed", calls.Kill, false},
	{"ENOSPC", calls.Fail(syscall.ENOSPC), false},
	{"EACCES", calls.Fail(syscall.EACCES), false},
	{"EIO", calls.Fail(syscall.EIO), false},
	{"full disk", calls.Fail(syscall.ENOSPC), true},
}

// at leaves the points out at which a fault is another point's: a disk can only turn out to be full where something takes space.
func (f fault) at(points []point) []point {
	if !f.stays {
		return points
	}
	return slices.DeleteFunc(slices.Clone(points), func(p point) bool { return !p.takesSpace })
}

// Options of a matrix.
type Options struct {
	Dir      string // for everything; a disk in memory is fastest
	Every    int    // only every so manieth point; 0: all
	Only     string // only scenarios whose name has this in it
	Fault    string // only faults whose name has this in it, "power" for the power cuts
	Parallel int    // 0: twice the processors, because much of a run is waiting
	Out      io.Writer
	Verbose  bool // say what the programs said of each failure
	Keep     bool // keep the disks that a power cut left where that was a failure
}

// Result counts.
type Result struct {
	Points   int // different ones
	Runs     int
	Missed   int // points that did not come up again: which calls are made depends a little on timing
	Failures int
}

// missable is the share of runs whose point may not come up again, as one in so many. With more the matrix says too little.
const missable = 20

// Err says why the matrix does not hold, or nil.
func (r Result) Err() error {
	switch {
	case r.Failures > 0:
		return fmt.Errorf("%d failures in %d runs", r.Failures, r.Runs)
	case r.Runs == 0:
		return errors.New("nothing was tried")
	case r.Missed > r.Runs/missable:
		return fmt.Errorf("in %d of %d runs the point did not come up again", r.Missed, r.Runs)
	}
	return nil
}

// Run goes through the matrix.
func Run(o Options) (Result, error) {
	o.Every, o.Parallel = max(o.Every, 1), cmp.Or(o.Parallel, 2*runtime.NumCPU())
	m := &matrix{Options: o, done: map[point]bool{}, table: table{}}
	chosen := slices.DeleteFunc(slices.Clone(scenarios), func(s scenario) bool { return !strings.Contains(s.name, o.Only) })
	var err error
	if m.world, err = build(o.Dir, chosen); err != nil {
		return Result{}, err
	}
	defer m.world.close()
	for _, s := range chosen {
		if err := m.scenario(s); err != nil {
			return m.total, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	m.say("\n%s\n%d points, %d runs, %d of them without their point coming up again, %d failures",
		m.table, m.total.Points, m.total.Runs, m.total.Missed, m.total.Failures)
	return m.total, nil
}

type matrix struct {
	Options
	world *world

	done map[point]bool // tormented in an earlier scenario, which was the same up to there

	mu    sync.Mutex
	total Result
	table table
}

func (m *matrix) say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(m.Out, format+"\n", args...)
}

// point is a call in one of the starts of a scenario.
type point struct {
	start int
	key   string
	phase phase
	of    string // the scenario, or what it has in common with others

	takesSpace bool
}

func (m *matrix) scenario(s scenario) error {
	began := time.Now()
	points, err := m.record(s)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	fresh := slices.DeleteFunc(slices.Clone(points), func(p point) bool { return m.done[p] })
	var chosen []point
	for _, p := range fresh {
		m.done[p] = true
		if len(m.done)%m.Every == 0 {
			chosen = append(chosen, p)
		}
	}
	m.say("%s: %s; %d of them new", s.name, byPhase(points), len(fresh))
	if err := s.complete(points); err != nil {
		return err
	}
	m.count(Result{Points: len(fresh)})
	for _, p := range fresh {
		m.table.cell(p.phase, columnPoints).runs++
	}
	for _, f := range faults {
		if strings.Contains(f.name, m.Fault) {
			m.inject(s, f.at(chosen), f)
		}
	}
	if strings.Contains(columnPower, m.Fault) {
		if err := m.power(s); err != nil {
			return fmt.Errorf("power: %w", err)
		}
	}
	m.say("  %.0f s", time.Since(began).Seconds())
	return nil
}

// complete says which phase has too few points.
func (s scenario) complete(points []point) error {
	have := map[phase]int{}
	for _, p := range points {
		have[p.phase]++
	}
	for _, p := range phases {
		if have[p] < s.least[p] {
			return fmt.Errorf("only %d points in phase %q, there must be %d", have[p], p, s.least[p])
		}
	}
	return nil
}

// prepare makes the site as it is before the torment. That is kept, for each site: what the program remembers names its path.
func (m *matrix) prepare(site *site, s scenario) error {
	saved := filepath.Join(m.Dir, "saved", s.name, filepath.Base(site.dir))
	if _, err := os.Stat(saved); err == nil {
		return site.restore(saved)
	}
	if err := site.fresh(); err != nil {
		return err
	}
	for _, args := range s.before {
		if err := site.start(s.feed, args...); err != nil {
			return err
		}
	}
	return site.save(saved)
}

// record runs the scenario undisturbed, and checks that it ends well. It is done twice, because not every run makes the same calls; once for a
// slice, which leaves most of them out anyway.
func (m *matrix) record(s scenario) ([]point, error) {
	var points []point
	seen := map[point]bool{}
	times := 2
	if m.Every > 1 {
		times = 1
	}
	for range times {
		site := m.world.site("recorded", s)
		if err := m.prepare(site, s); err != nil {
			return nil, err
		}
		for start, args := range s.starts {
			now := launch
			err := site.trace(s.feed, start+1, args, calls.Options{Keep: true, Before: func(c *calls.Call) calls.Verdict {
				id := point{start: start, key: c.Key()}
				if !seen[id] {
					seen[id] = true
					points = append(points, point{start, c.Key(), now, s.matters(now), takesSpace(c)})
				}
				now = now.after(c)
				return calls.Go
			}})
			if err != nil {
				return nil, err
			}
		}
		if err := m.judge(site, s); err != nil {
			return nil, fmt.Errorf("undisturbed: %w", err)
		}
	}
	return points, nil
}

// matters returns the scenario's name for the phases in which a fault may end differently than in other scenarios: until the swap it does
// not matter yet what the new version will do.
func (s scenario) matters(now phase) string {
	switch {
	case len(s.before) > 0 || !slices.Contains([]phase{launch, stage, trial, wait}, now):
		return s.name
	case s.folder:
		return "folders"
	}
	return "files"
}

func (m *matrix) judge(s *site, of scenario) error {
	if err := s.sound(); err != nil {
		return err
	}
	return s.recovers(of.feed)
}

func byPhase(points []point) string {
	count := map[phase]int{}
	for _, p := range points {
		count[p.phase]++
	}
	var parts []string
	for _, p := range phases {
		if count[p] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p, count[p]))
		}
	}
	return fmt.Sprintf("%d points (%s)", len(points), strings.Join(parts, ", "))
}

// inject lets a fault happen at each of the points.
func (m *matrix) inject(s scenario, points []point, f fault) {
	var next, missed, failed atomic.Int64
	var workers sync.WaitGroup
	for w := range m.Parallel {
		site := m.world.site(fmt.Sprintf("worker-%d", w), s)
		workers.Go(func() {
			for at := next.Add(1); at <= int64(len(points)); at = next.Add(1) {
				p := points[at-1]
				hit, err := m.torment(site, s, p, f)
				if !hit && err == nil {
					hit, err = m.torment(site, s, p, f)
				}
				if !hit {
					missed.Add(1)
				}
				if err != nil {
					failed.Add(1)
					m.complain(site, s, fmt.Sprintf("%s at %s (%s)", f.name, p.key, p.phase), err)
				}
				m.tally(p.phase, f.name, err)
			}
		})
	}
	workers.Wait()
	m.say("  %-10s %4d runs, %d failures, %d points did not come up again", f.name, len(points), failed.Load(), missed.Load())
	m.count(Result{Runs: len(points), Missed: int(missed.Load()), Failures: int(failed.Load())})
}

func (m *matrix) count(r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total.Points, m.total.Runs = m.total.Points+r.Points, m.total.Runs+r.Runs
	m.total.Missed, m.total.Failures = m.total.Missed+r.Missed, m.total.Failures+r.Failures
}

func (m *matrix) tally(p phase, fault string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.table.cell(p, fault)
	c.runs++
	if err != nil {
		c.failures++
	}
}

// torment is one run.
func (m *matrix) torment(site *site, s scenario, p point, f fault) (hit bool, err error) {
	if err := m.prepare(site, s); err != nil {
		return false, err
	}
	for start, args := range s.starts {
		err := site.trace(s.feed, start+1, args, calls.Options{Before: func(c *calls.Call) calls.Verdict {
			if start == p.start && !hit && c.Key() == p.key {
				hit = true
				return f.verdict
			}
			if hit && f.stays && start == p.start && takesSpace(c) {
				return f.verdict
			}
			return calls.Go
		}})
		if err != nil {
			return hit, err
		}
		if err := site.sound(); err != nil {
			return hit, err
		}
	}
	return hit, m.judge(site, s)
}

func takesSpace(c *calls.Call) bool {
	return slices.Contains([]calls.Kind{calls.Open, calls.Write, calls.Link, calls.Symlink, calls.Mkdir}, c.Kind)
}

// complain tells of a failure, with what the programs said of it.
func (m *matrix) complain(site *site, s scenario, what string, err error) {
	m.say("FAILED %s: %s: %v", s.name, what, err)
	if !m.Verbose {
		return
	}
	if b, readErr := os.ReadFile(site.log); readErr == nil {
		m.say("%s", b)
	} else {
		m.say("%v", errors.Join(readErr))
	}
}

// Folder makes a folder for a matrix, on a disk in memory where there is one.
func Folder() (string, error) {
	dir, err := os.MkdirTemp("/dev/shm", "killmatrix-")
	if err != nil {
		dir, err = os.MkdirTemp("", "killmatrix-")
	}
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}
