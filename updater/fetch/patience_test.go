package fetch_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

// In these tests time is fake: it passes only while everybody waits.

func TestBandwidthLimit(t *testing.T) {
	for name, tc := range map[string]struct {
		limit    fetch.Limit
		priority fetch.Priority
		held     bool
	}{
		"background":              {fetch.Limit{BytesPerSecond: 500_000}, fetch.Background, true},
		"slow":                    {fetch.Limit{BytesPerSecond: 20_000}, fetch.Background, true},
		"fast":                    {fetch.Limit{BytesPerSecond: 1_900_000}, fetch.Background, true},
		"asked for":               {fetch.Limit{BytesPerSecond: 500_000}, fetch.Asked, false},
		"asked for, and included": {fetch.Limit{BytesPerSecond: 500_000, Asked: true}, fetch.Asked, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &counted{content: large}
				s := newSite(t, newNetwork(t, server.ServeHTTP))
				s.options.Limit, s.request.Priority = tc.limit, tc.priority
				var done int64
				s.request.Progress = func(p fetch.Progress) { done = p.Done }
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				err := s.fetcher().Fetch(ctx, s.request)
				if !tc.held {
					s.must(err)
					return
				}
				want := 10 * tc.limit.BytesPerSecond
				if off := float64(done)/float64(want) - 1; !errors.Is(err, context.DeadlineExceeded) || off < -0.05 || off > 0.05 {
					t.Errorf("%v: %d bytes in 10 s, %d are right: off by %.1f %%", err, done, want, 100*off)
				}
			})
		})
	}
}

// After a quiet time, what the burst allows comes at once.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Limit = fetch.Limit{BytesPerSecond: 100_000, Burst: 2_000_000}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var done int64
		s.request.Progress = func(p fetch.Progress) { done = p.Done }
		_ = s.fetcher().Fetch(ctx, s.request) // it is cut short
		if done < 1_900_000 || done > 2_300_000 {
			t.Errorf("%d bytes in the first second", done)
		}
	})
}

func TestALimitCanBeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Limit = fetch.Limit{BytesPerSecond: 1000}
		f := s.fetcher()
		began := time.Now()
		time.AfterFunc(5*time.Second, func() {
			if err := f.SetLimit(fetch.Limit{}); err != nil {
				t.Error(err)
			}
		})
		s.must(f.Fetch(t.Context(), s.request))
		if took := time.Since(began); took < 5*time.Second || took > 8*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// Pausing takes effect within 100 ms, with no byte afterwards; resuming goes on from there.
func TestPause(t *testing.T) {
	for name, steer := range map[string]func(*fetch.Fetcher, *fetch.Request) *fetch.Switch{
		"one download":     func(_ *fetch.Fetcher, r *fetch.Request) *fetch.Switch { r.Switch = &fetch.Switch{}; return r.Switch },
		"all in the quiet": func(f *fetch.Fetcher, _ *fetch.Request) *fetch.Switch { return f.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &counted{content: large}
				s := newSite(t, newNetwork(t, server.ServeHTTP))
				s.options.Limit = fetch.Limit{BytesPerSecond: 2_000_000} // so that time passes
				f := s.fetcher()
				pause := steer(f, &s.request)
				var mu sync.Mutex
				var paused, told, resumed time.Time
				var atPause, last int64
				s.request.Progress = func(p fetch.Progress) {
					mu.Lock()
					defer mu.Unlock()
					if p.Waiting == fetch.Paused && told.IsZero() {
						told, atPause = time.Now(), p.Done
					}
					if p.Waiting == fetch.Paused && p.Done != atPause {
						t.Errorf("%d bytes came while it was paused", p.Done-atPause)
					}
					last = p.Done
				}
				time.AfterFunc(3*time.Second, func() {
					mu.Lock()
					defer mu.Unlock()
					paused = time.Now()
					pause.Pause()
				})
				time.AfterFunc(time.Hour, func() {
					mu.Lock()
					defer mu.Unlock()
					if last != atPause {
						t.Errorf("%d bytes came in the pause", last-atPause)
					}
					resumed = time.Now()
					pause.Resume()
				})
				s.must(f.Fetch(t.Context(), s.request))
				if took := told.Sub(paused); told.IsZero() || took > 100*time.Millisecond {
					t.Errorf("paused after %v", took)
				}
				if atPause == 0 || time.Since(resumed) > 10*time.Second {
					t.Errorf("%d bytes before the pause, %v after it", atPause, time.Since(resumed))
				}
			})
		})
	}
}

// A download that May holds back waits, says why, and goes on by itself.
func TestMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		began := time.Now()
		night := began.Add(2 * time.Second)
		morning := began.Add(8 * time.Hour)
		s.options.Limit = fetch.Limit{BytesPerSecond: 1_000_000}
		s.options.May = func(fetch.Request) fetch.Verdict {
			switch now := time.Now(); {
			case now.Before(night):
				return fetch.Verdict{Until: night}
			case now.Before(morning):
				return fetch.Verdict{Wait: fetch.QuietHours, Until: morning}
			}
			return fetch.Verdict{}
		}
		var waited time.Time
		s.request.Progress = func(p fetch.Progress) {
			if p.Waiting == fetch.QuietHours && waited.IsZero() {
				waited = time.Now()
			}
		}
		s.must(s.fetch())
		if late := waited.Sub(night); late < 0 || late > 200*time.Millisecond {
			t.Errorf("quiet %v after the hour", late)
		}
		if took := time.Since(morning); took < 0 || took > time.Minute {
			t.Errorf("ended %v after the morning", took)
		}
	})
}

func TestReconsider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		var metered atomic.Bool
		metered.Store(true)
		s.options.May = func(fetch.Request) fetch.Verdict {
			if metered.Load() {
				return fetch.Verdict{Wait: fetch.Metered}
			}
			return fetch.Verdict{}
		}
		f := s.fetcher()
		began := time.Now()
		time.AfterFunc(1234*time.Millisecond, func() { metered.Store(false); f.Reconsider() })
		s.must(f.Fetch(t.Context(), s.request))
		if took := time.Since(began); took < 1234*time.Millisecond || took > 1400*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// What somebody asked for does not wait for the background: a request of the background gives way.
func TestAskedBeforeBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Parallel = 2
		s.options.Limit = fetch.Limit{BytesPerSecond: 1_000_000} // holds the background only
		f := s.fetcher()
		var all sync.WaitGroup
		run := func(name string, p fetch.Priority) {
			all.Go(func() {
				r := s.request
				r.Path, r.Priority = filepath.Join(t.TempDir(), name+fetch.Suffix), p
				if err := f.Fetch(t.Context(), r); err != nil {
					t.Error(name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
		}
		run("background", fetch.Background)
		run("background too", fetch.Background)
		time.Sleep(2 * time.Second)
		began := time.Now()
		run("asked", fetch.Asked)
		synctest.Wait()
		time.Sleep(3 * time.Second)
		mu.Lock()
		if len(order) != 1 || order[0] != "asked" {
			t.Errorf("after %v: %v", time.Since(began), order)
		}
		mu.Unlock()
		all.Wait()
	})
}

// A server that sends next to nothing is left, one that is only slow is not.
func TestDrip(t *testing.T) {
	for _, tc := range []struct {
		name  string
		bytes int
		every time.Duration
		want  error
	}{{"too slow", 100, time.Second, fetch.ErrStalled}, {"slow", 300, time.Second, nil}} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				content := large[:90_000]
				s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Length", "90000")
					for rest := content; len(rest) > 0; rest = rest[min(tc.bytes, len(rest)):] {
						if _, err := w.Write(rest[:min(tc.bytes, len(rest))]); err != nil {
							return
						}
						_ = http.NewResponseController(w).Flush()
						select {
						case <-time.After(tc.every):
						case <-r.Context().Done():
							return
						}
					}
				}))
				s.options.Attempts = 2
				s.request.Length = int64(len(content))
				if err := s.fetch(); !errors.Is(err, tc.want) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// The limit makes a download slow by itself: that is no stall.
func TestALimitIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Limit, s.options.IdleTimeout = fetch.Limit{BytesPerSecond: 50_000}, 50*time.Millisecond
		s.must(s.fetch())
		if n := server.requests.Load(); n > 40 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestSpeedAndTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Limit = fetch.Limit{BytesPerSecond: 1_000_000}
		began := time.Now()
		s.request.Progress = func(p fetch.Progress) {
			if time.Since(began) < 8*time.Second || p.Done == p.Total {
				return
			}
			left := float64(p.Total-p.Done) / 1e6
			if p.BytesPerSecond < 950_000 || p.BytesPerSecond > 1_050_000 || float64(p.SecondsLeft) < left*0.9 || float64(p.SecondsLeft) > left*1.1+1 {
				t.Errorf("%d bytes/s, %d s left of %.1f s", p.BytesPerSecond, p.SecondsLeft, left)
			}
		}
		s.must(s.fetch())
	})
}

// A machine that takes its time to write and to prove is no server that sends nothing.
func TestASlowMachineIsNoStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Parallel, s.options.IdleTimeout = 1, time.Second
		s.request.Segments = proof(large)
		s.request.Segments.New = func() hash.Hash { return slowly{sha256.New()} }
		s.must(s.fetch())
		if n := server.requests.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

type slowly struct{ hash.Hash }

func (s slowly) Write(b []byte) (int, error) {
	time.Sleep(3 * time.Second)
	return s.Hash.Write(b)
}
