//go:build linux && amd64

package killmatrix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/disk"
)

// passing is what a model leaves out: sockets, which nobody looks for after a power cut.
func passing(path string) bool { return path == "data/run" || strings.HasPrefix(path, "data/run/") }

// power cuts the power after each call of a scenario, in every way that the model knows. The program's state names its own path, so images are
// tried where they were recorded; each worker records for itself, and tries its part of them. A slice has too few of them for that.
func (m *matrix) power(s scenario) error {
	var images, failed atomic.Int64
	number := m.Parallel
	if m.Every > 1 {
		number = 1
	}
	errs := make([]error, number)
	var workers sync.WaitGroup
	for w := range number {
		workers.Go(func() {
			errs[w] = m.cuts(s, w, number, func(site *site, at step, err error) {
				images.Add(1)
				if err != nil {
					failed.Add(1)
					m.complain(site, s, fmt.Sprintf("power cut after %s (%s)", at.Key(), at.phase), err)
				}
				m.tally(at.phase, columnPower, err)
			})
		})
	}
	workers.Wait()
	m.say("  %-10s %4d disks, %d failures", columnPower, images.Load(), failed.Load())
	m.count(Result{Runs: int(images.Load()), Failures: int(failed.Load())})
	return errors.Join(errs...)
}

// step is a call that has happened.
type step struct {
	calls.Call
	phase phase
}

// steps runs a scenario undisturbed.
func (m *matrix) steps(site *site, s scenario) ([]step, error) {
	var all []step
	for start, args := range s.starts {
		now := launch
		err := site.trace(s.feed, start+1, args, calls.Options{Keep: true, After: func(c *calls.Call) {
			if c.Result >= 0 && (!passing(c.Path) || c.To != "" && !passing(c.To)) {
				all = append(all, step{*c, now})
			}
			now = now.after(c)
		}})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (m *matrix) cuts(s scenario, worker, workers int, tell func(*site, step, error)) error {
	site := m.world.site(fmt.Sprintf("power-%d", worker), s)
	if err := m.prepare(site, s); err != nil {
		return err
	}
	model, err := disk.Read(site.dir, passing)
	if err != nil {
		return err
	}
	all, err := m.steps(site, s)
	if err != nil {
		return err
	}
	for _, c := range all {
		if err := model.Apply(&c.Call); err != nil {
			return fmt.Errorf("%s: %w", c.Key(), err)
		}
	}
	if err := model.Differs(site.dir, passing); err != nil {
		return err
	}
	// Once more from the start, now that the model is known to be right.
	if err := m.prepare(site, s); err != nil {
		return err
	}
	if model, err = disk.Read(site.dir, passing); err != nil {
		return err
	}
	number, every := 0, m.Every*workers
	for _, c := range all {
		if err := model.Apply(&c.Call); err != nil {
			return err
		}
		err := model.Images(func(i *disk.Image) error {
			if number++; number%every != worker*m.Every {
				return nil
			}
			err := m.afterCut(site, s, i)
			if err != nil && m.Keep {
				err = errors.Join(err, i.Write(filepath.Join(m.Dir, fmt.Sprintf("failed-%s-%d", s.feed, number))))
			}
			tell(site, c, err)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// afterCut is the next time the machine is switched on.
func (m *matrix) afterCut(site *site, s scenario, i *disk.Image) error {
	if err := site.clear(); err != nil {
		return err
	}
	for _, dir := range []string{"bin", "data"} {
		if err := os.RemoveAll(filepath.Join(site.dir, dir)); err != nil {
			return err
		}
	}
	if err := i.Write(site.dir); err != nil {
		return err
	}
	return m.judge(site, s)
}
