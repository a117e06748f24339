package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

// large is a file that several requests bring.
var large = func() []byte {
	b := make([]byte, 20<<20+12345)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}()

const segment = 1 << 20

// proof hashes the segments of content.
func proof(content []byte) fetch.Segments {
	s := fetch.Segments{Size: segment, New: sha256.New}
	for len(content) > 0 {
		n := min(len(content), segment)
		sum := sha256.Sum256(content[:n])
		s.Sums = append(s.Sums, sum[:]...)
		content = content[n:]
	}
	return s
}

// counted is what a server has handed out.
type counted struct {
	content  []byte
	requests atomic.Int64
	bytes    atomic.Int64
	now, top atomic.Int64 // requests at once
	spoil    func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := c.requests.Add(1)
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for top := c.top.Load(); now > top && !c.top.CompareAndSwap(top, now); top = c.top.Load() {
	}
	if c.spoil != nil {
		if w = c.spoil(n, r, w); w == nil {
			return
		}
	}
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(&counting{w, c}, r, "file", time.Time{}, bytes.NewReader(c.content))
}

type counting struct {
	http.ResponseWriter
	c *counted
}

func (w *counting) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.c.bytes.Add(int64(n))
	return n, err
}

type site struct {
	*testing.T
	options fetch.Options
	request fetch.Request
}

func newSite(t *testing.T, client *http.Client) *site {
	return &site{T: t,
		options: fetch.Options{Client: client, Backoff: time.Millisecond, MaxWait: 5 * time.Second},
		request: fetch.Request{URLs: []string{"http://first/file"}, Path: filepath.Join(t.TempDir(), "artifact.unverified"), Length: int64(len(large))}}
}

func (s *site) fetcher() *fetch.Fetcher {
	s.Helper()
	f, err := fetch.New(s.options)
	if err != nil {
		s.Fatal(err)
	}
	return f
}

func (s *site) fetch() error { return s.fetcher().Fetch(s.Context(), s.request) }

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	got, err := os.ReadFile(s.request.Path)
	if err != nil {
		s.Fatal(err)
	}
	if !bytes.Equal(got, large) {
		s.Fatal("what came is not the file")
	}
	if left, _ := filepath.Glob(s.request.Path + "*"); len(left) != 1 {
		s.Errorf("left beside the file: %v", left)
	}
}

func TestPartsAtOnce(t *testing.T) {
	for name, segments := range map[string]fetch.Segments{"proven": proof(large), "not proven": {}} {
		t.Run(name, func(t *testing.T) {
			server := &counted{content: large}
			server.spoil = func(_ int64, _ *http.Request, w http.ResponseWriter) http.ResponseWriter {
				time.Sleep(50 * time.Millisecond) // fake time: as far away as another continent
				return w
			}
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, newNetwork(t, server.ServeHTTP))
				s.options.Parallel = 6
				s.request.Segments = segments
				s.must(s.fetch())
			})
			if top := server.top.Load(); top < 3 || top > 6 {
				t.Errorf("%d requests at once, may be 6", top)
			}
			if n := server.bytes.Load(); n != int64(len(large)) {
				t.Errorf("%d bytes were sent for %d", n, len(large))
			}
		})
	}
}

// A server that hands out everything or nothing. What was there and is proven stays; what is behind the last gap need not come.
func TestNoRanges(t *testing.T) {
	for name, announce := range map[string]bool{"length announced": true, "not announced": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(100 * time.Millisecond)
					if announce {
						w.Header().Set("Content-Length", fmt.Sprint(len(large)))
					}
					_, _ = w.Write(large) // the client may hang up
				}))
				s.request.Segments = proof(large)
				s.must(s.fetch())

				there := bytes.Clone(large)
				clear(there[3<<20 : 5<<20])
				s.request.Path = filepath.Join(t.TempDir(), "again.unverified")
				if err := os.WriteFile(s.request.Path+".part", there, 0o600); err != nil {
					t.Fatal(err)
				}
				s.must(s.fetch())
			})
		})
	}
}

func TestADamagedSegmentIsFetchedAgainAlone(t *testing.T) {
	for _, tc := range []struct {
		name    string
		mirrors []string
		broken  func(host string, n int64) bool
		want    error
	}{
		{"once", nil, func(_ string, n int64) bool { return n == 1 }, nil},
		{"for ever, but not on the mirror", []string{"http://second/file"}, func(host string, _ int64) bool { return host == "first" }, nil},
		{"for ever, everywhere", []string{"http://second/file"}, func(string, int64) bool { return true }, fetch.ErrCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			const at = 5*segment + 77
			server := &counted{content: large}
			var seen atomic.Int64
			server.spoil = func(_ int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter {
				var from, to int64 = 0, int64(len(large)) - 1
				_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
				if from <= at && at <= to && tc.broken(r.Host, seen.Add(1)) {
					return &flipping{w, at - from}
				}
				return w
			}
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, newNetwork(t, server.ServeHTTP))
				s.request.URLs = append(s.request.URLs, tc.mirrors...)
				s.request.Segments = proof(large)
				err := s.fetch()
				if tc.want == nil {
					s.must(err)
					return
				}
				var corrupt *fetch.CorruptError
				if !errors.Is(err, tc.want) || !errors.As(err, &corrupt) || corrupt.Segment != 5 || corrupt.Times != 4 {
					t.Errorf("got %v", err)
				}
			})
			if again := server.bytes.Load() - int64(len(large)); tc.want == nil && again != segment {
				t.Errorf("%d bytes were sent again, a segment has %d", again, segment)
			}
		})
	}
}

// flipping damages one byte.
type flipping struct {
	http.ResponseWriter
	in int64
}

func (f *flipping) Write(b []byte) (int, error) {
	if f.in >= 0 && f.in < int64(len(b)) {
		b = bytes.Clone(b)
		b[f.in] ^= 1
	}
	f.in -= int64(len(b))
	return f.ResponseWriter.Write(b)
}

func TestMirrors(t *testing.T) {
	for name, first := range map[string]http.HandlerFunc{
		"not found": http.NotFound,
		"fails":     func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"busy for long": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		"another file": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "hello")
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := &counted{content: large}
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Host == "first" {
						first(w, r)
						return
					}
					server.ServeHTTP(w, r)
				}))
				s.options.Backoff = time.Minute
				s.request.URLs = append(s.request.URLs, "http://second/file")
				began := time.Now()
				s.must(s.fetch())
				if waited := time.Since(began); waited > time.Second {
					t.Errorf("waited %v although there is a mirror", waited)
				}
			})
		})
	}
}

// A call that was broken off, and a process that was killed, continue from what is there.
func TestPartsAreTakenUpAgain(t *testing.T) {
	for name, segments := range map[string]fetch.Segments{"proven": proof(large), "not proven": {}} {
		for _, after := range []int64{1 << 20, 7<<20 + 5, 19 << 20} {
			t.Run(fmt.Sprintf("%s, %d bytes", name, after), func(t *testing.T) {
				server := &counted{content: large}
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, newNetwork(t, server.ServeHTTP))
					s.request.Segments = segments
					ctx, cancel := context.WithCancel(t.Context())
					reason := errors.New("the process ends")
					s.options.Limit = fetch.Limit{BytesPerSecond: 4 << 20} // so that progress is seen in time
					s.request.Progress = func(p fetch.Progress) {
						if p.Done >= after {
							cancel()
						}
					}
					if err := s.fetcher().Fetch(ctx, s.request); !errors.Is(err, context.Canceled) {
						t.Fatal(err, reason)
					}
					var first int64 = -1
					s.options.Limit = fetch.Limit{}
					s.request.Progress = func(p fetch.Progress) {
						if first < 0 {
							first = p.Done
						}
					}
					s.must(s.fetch())
					if first < after {
						t.Errorf("continued from %d bytes, %d were there", first, after)
					}
				})
				// What was on its way when the call ended is lost, and no more.
				if again := server.bytes.Load() - int64(len(large)); again > 2<<20 {
					t.Errorf("%d bytes were sent again", again)
				}
			})
		}
	}
}

// What lies on disk is proven again, whatever the map says.
func TestADamagedPartOnDisk(t *testing.T) {
	server := &counted{content: large}
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.request.Segments = proof(large)
		there := bytes.Clone(large[:10<<20])
		there[3<<20] ^= 1
		if err := os.WriteFile(s.request.Path+".part", there, 0o600); err != nil {
			t.Fatal(err)
		}
		hint := fmt.Sprintf(`{"length":%d,"have":[[0,%d]]}`, len(large), 10<<20)
		if err := os.WriteFile(s.request.Path+".map", []byte(hint), 0o600); err != nil {
			t.Fatal(err)
		}
		s.must(s.fetch())
	})
	if got, want := server.bytes.Load(), int64(len(large)-9<<20); got != want {
		t.Errorf("%d bytes came, %d were missing", got, want)
	}
}

// Another file takes the place of the first between two requests.
func TestTheFileChangesMeanwhile(t *testing.T) {
	other := bytes.Repeat([]byte("other"), len(large)/5+1)[:len(large)]
	for name, segments := range map[string]fetch.Segments{"proven": proof(large), "not proven": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
					content, tag := large, `"new"`
					if n.Add(1) <= 2 {
						content, tag = other, `"old"`
					}
					time.Sleep(20 * time.Millisecond)
					w.Header().Set("ETag", tag)
					http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(content))
				}))
				s.request.Segments = segments
				s.must(s.fetch())
			})
		})
	}
}

func TestSpace(t *testing.T) {
	s := newSite(t, newNetwork(t, func(http.ResponseWriter, *http.Request) { t.Error("asked before the space was checked") }))
	s.request.Space = 1 << 60
	var space *fetch.SpaceError
	if err := s.fetch(); !errors.Is(err, fetch.ErrDiskFull) || !errors.As(err, &space) || space.Need < 1<<60 || space.Free <= 0 {
		t.Errorf("got %v", err)
	}
}

// The breaker: a host that fails for ever is asked a dozen times, then left alone for a minute, whoever asks.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var healthy atomic.Bool
		s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			if !healthy.Load() {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(large))
		}))
		f := s.fetcher()
		var last error
		for range 5 {
			last = f.Fetch(t.Context(), s.request)
		}
		if !errors.Is(last, fetch.ErrBreaker) || !errors.Is(last, fetch.ErrUnreachable) || asked.Load() != 12 {
			t.Errorf("%v after %d requests", last, asked.Load())
		}
		healthy.Store(true)
		time.Sleep(time.Minute + time.Second)
		s.must(f.Fetch(t.Context(), s.request))
	})
}

// Sixteen connections that break together are one failure, not sixteen.
func TestManyConnectionsBreakTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		var broken atomic.Int64
		server.spoil = func(n int64, _ *http.Request, w http.ResponseWriter) http.ResponseWriter {
			time.Sleep(200 * time.Millisecond)
			if n > 3 && broken.Add(1) <= 12 {
				panic(http.ErrAbortHandler)
			}
			return w
		}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		s.options.Attempts, s.options.BreakAfter = 3, 3
		s.must(s.fetch())
	})
}

// Every kind has a label of the closed set and a sentence that says what it is about.
func TestLabels(t *testing.T) {
	known := map[string]bool{}
	for _, l := range fetch.Labels {
		known[l] = true
	}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{nil, ""}, {context.Canceled, "cancelled"}, {errors.New("x"), "other"}, {&os.PathError{Op: "open", Path: "x", Err: os.ErrPermission}, "disk"},
		{fetch.ErrUnreachable, "unreachable"}, {fetch.ErrTruncated, "truncated"}, {fetch.ErrTooLong, "too_long"}, {&fetch.CorruptError{}, "corrupt"},
		{fetch.ErrNotFound, "not_found"}, {&fetch.SpaceError{}, "disk_full"}, {fetch.ErrStalled, "stalled"}, {fetch.ErrCertificate, "certificate"},
		{&fetch.ProxyError{}, "proxy"}, {fetch.ErrRefused, "refused"}, {fetch.ErrBreaker, "breaker"}, {&fetch.BusyError{}, "busy"}, {fetch.ErrPage, "page"},
	} {
		for _, err := range []error{tc.err, fmt.Errorf("fetch x: %w", tc.err)} {
			if tc.err == nil {
				err = nil
			}
			if got := fetch.Label(err); got != tc.want || !known[got] {
				t.Errorf("%v: label %q, want %q", err, got, tc.want)
			}
		}
		if tc.err != nil && tc.want != "other" && strings.TrimSpace(tc.err.Error()) == "" {
			t.Errorf("%s has no sentence", tc.want)
		}
	}
}
