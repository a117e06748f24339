package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

var file = bytes.Repeat([]byte("0123456789abcdef"), 40_000) // 640 kB

const tag = `"v1"`

// served answers like any static server: ranges, If-Range, a strong ETag.
func served(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", tag)
	http.ServeContent(w, r, "file", time.Time{}, bytes.NewReader(file))
}

type call struct {
	*testing.T
	options fetch.Options
	path    string
	// seen are the requests that reached the server.
	mu   sync.Mutex
	seen []http.Header
}

func newCall(t *testing.T) *call {
	return &call{T: t, path: filepath.Join(t.TempDir(), "artifact.unverified"),
		options: fetch.Options{Backoff: time.Millisecond, MaxWait: 2 * time.Second, IdleTimeout: 5 * time.Second, Attempts: 4}}
}

// server hands each request with its number, from 0, to answer.
func (c *call) server(answer func(n int, w http.ResponseWriter, r *http.Request)) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		n := len(c.seen)
		c.seen = append(c.seen, r.Header.Clone())
		c.mu.Unlock()
		answer(n, w, r)
	}))
	c.Cleanup(s.Close)
	return s.URL + "/file"
}

func (c *call) requests() []http.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}

func (c *call) fetch(ctx context.Context, url string, progress func(fetch.Progress)) error {
	c.Helper()
	f, err := fetch.New(c.options)
	if err != nil {
		c.Fatal(err)
	}
	err = f.Fetch(ctx, fetch.Request{URLs: []string{url}, Path: c.path, Length: int64(len(file)), Progress: progress})
	if info, statErr := os.Stat(c.path); statErr == nil && info.Size() > int64(len(file)) {
		c.Errorf("%d bytes on disk, more than the length", info.Size())
	}
	return err
}

func (c *call) whole() {
	c.Helper()
	got, err := os.ReadFile(c.path)
	if err != nil {
		c.Fatal(err)
	}
	if !bytes.Equal(got, file) {
		c.Errorf("%d bytes on disk are not the file", len(got))
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(c.path), "*")); len(left) != 1 {
		c.Errorf("left beside the file: %v", left)
	}
}

// cut sends the head of a full answer and n bytes, then drops the connection.
func cut(w http.ResponseWriter, n int) {
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Length", fmt.Sprint(len(file)))
	_, _ = w.Write(file[:n])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestAnswersThatEndWell(t *testing.T) {
	cases := []struct {
		name     string
		answer   func(n int, w http.ResponseWriter, r *http.Request)
		requests int
		ranged   bool // the last request continued
	}{
		{"at once", func(_ int, w http.ResponseWriter, r *http.Request) { served(w, r) }, 1, false},
		{"connection lost twice, then continued", func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				cut(w, 300_000)
			case 1:
				panic(http.ErrAbortHandler)
			default:
				served(w, r)
			}
		}, 3, true},
		{"server ignores ranges", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				cut(w, 300_000)
			}
			_, _ = w.Write(file)
		}, 2, true},
		{"file changed in between", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				w.Header().Set("ETag", `"v0"`)
				w.Header().Set("Content-Length", fmt.Sprint(len(file)))
				_, _ = w.Write(make([]byte, 100_000))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
			served(w, r)
		}, 2, true},
		{"refuses to continue", func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				cut(w, 300_000)
			case 1:
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			default:
				served(w, r)
			}
		}, 3, false},
		{"continues at the wrong place", func(n int, w http.ResponseWriter, r *http.Request) {
			switch n {
			case 0:
				cut(w, 300_000)
			case 1:
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(file)-1, len(file)))
				w.WriteHeader(http.StatusPartialContent)
				_, _ = w.Write(file[5:])
			default:
				served(w, r)
			}
		}, 3, false},
		{"busy, then not", func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 3 {
				w.WriteHeader([]int{503, 500, 429}[n])
				return
			}
			served(w, r)
		}, 4, false},
		{"a portal's page first", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 0 {
				_ = http.NewResponseController(w).Flush() // no length announced
				_, _ = io.WriteString(w, "<html>Please log in</html>")
				return
			}
			served(w, r)
		}, 2, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newCall(t)
			url := c.server(tc.answer)
			if err := c.fetch(t.Context(), url, nil); err != nil {
				t.Fatal(err)
			}
			c.whole()
			seen := c.requests()
			if len(seen) != tc.requests {
				t.Errorf("%d requests, want %d", len(seen), tc.requests)
			}
			if got := seen[len(seen)-1].Get("Range") != ""; got != tc.ranged {
				t.Errorf("the last request continued: %v", got)
			}
		})
	}
}

func TestAnswersThatEndBadly(t *testing.T) {
	status := func(code int) func(int, http.ResponseWriter, *http.Request) {
		return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	cases := []struct {
		name     string
		answer   func(n int, w http.ResponseWriter, r *http.Request)
		want     error
		requests int
	}{
		{"not found", status(404), fetch.ErrNotFound, 1},
		{"gone", status(410), fetch.ErrNotFound, 1},
		{"forbidden", status(403), fetch.ErrUnreachable, 1},
		{"proxy refuses", status(407), fetch.ErrUnreachable, 1},
		{"416 to a whole request", status(416), fetch.ErrUnreachable, 1},
		{"500 for ever", status(500), fetch.ErrUnreachable, 4},
		{"429 for ever", status(429), fetch.ErrUnreachable, 4},
		{"announces too much", func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(file)+1))
			_, _ = w.Write(append(bytes.Clone(file), 'x'))
		}, fetch.ErrTooLong, 1},
		{"sends too much unannounced", func(_ int, w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			for w := io.Writer(w); ; { // without end: only the client's limit stops it
				if _, err := w.Write(file); err != nil {
					return
				}
			}
		}, fetch.ErrTooLong, 1},
		{"announces too little", func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(file)-1))
			_, _ = w.Write(file[1:])
		}, fetch.ErrTruncated, 1},
		{"always a portal's page", func(_ int, w http.ResponseWriter, _ *http.Request) {
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, "<html>Please log in</html>")
		}, fetch.ErrTruncated, 4},
		{"cuts off at the same byte", func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				cut(w, 1000)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 1000-%d/%d", len(file)-1, len(file)))
			w.Header().Set("Content-Length", fmt.Sprint(len(file)-1000))
			w.WriteHeader(http.StatusPartialContent)
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, fetch.ErrTruncated, 4},
		{"ranges of a longer file", func(_ int, w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				cut(w, 1000)
			}
			w.Header().Set("Content-Range", "bytes 1000-99999999/100000000")
			w.WriteHeader(http.StatusPartialContent)
		}, fetch.ErrTooLong, 2},
		{"sent in a circle", func(_ int, w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/file", http.StatusFound) }, fetch.ErrUnreachable, 10},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := newCall(t)
			if err := c.fetch(t.Context(), c.server(tc.answer), nil); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
			if n := len(c.requests()); n != tc.requests {
				t.Errorf("%d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	url := s.URL
	s.Close()
	c := newCall(t)
	if err := c.fetch(t.Context(), url, nil); !errors.Is(err, fetch.ErrUnreachable) {
		t.Error(err)
	}
}

func TestALaterCallContinues(t *testing.T) {
	c := newCall(t)
	c.options.Attempts = 1
	url := c.server(func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			cut(w, 500_000)
		}
		served(w, r)
	})
	if err := c.fetch(t.Context(), url, nil); !errors.Is(err, fetch.ErrTruncated) {
		t.Fatal(err)
	}
	info, err := os.Stat(c.path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.fetch(t.Context(), url, nil); err != nil {
		t.Fatal(err)
	}
	c.whole()
	last := c.requests()[1]
	if got, want := last.Get("Range"), fmt.Sprintf("bytes=%d-", info.Size()); got != want || info.Size() == 0 {
		t.Errorf("range %q, want %q", got, want)
	}
	if got := last.Get("If-Range"); got != tag {
		t.Errorf("If-Range %q", got)
	}
	if err := c.fetch(t.Context(), url, nil); err != nil || len(c.requests()) != 2 {
		t.Errorf("a whole file was asked for again: %v, %d requests", err, len(c.requests()))
	}
}

func TestTooMuchOnDiskStartsAnew(t *testing.T) {
	c := newCall(t)
	if err := os.WriteFile(c.path, make([]byte, len(file)+9), 0o600); err != nil {
		t.Fatal(err)
	}
	url := c.server(func(_ int, w http.ResponseWriter, r *http.Request) { served(w, r) })
	if err := c.fetch(t.Context(), url, nil); err != nil {
		t.Fatal(err)
	}
	c.whole()
}

func TestRetryAfterIsHonoured(t *testing.T) {
	c := newCall(t)
	start := time.Now()
	url := c.server(func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		served(w, r)
	})
	if err := c.fetch(t.Context(), url, nil); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(start); waited < time.Second {
		t.Errorf("came back after %v, asked for 1 s", waited)
	}
	c.whole()
}

func TestRetryAfterIsBounded(t *testing.T) {
	for name, after := range map[string]string{"seconds": "3600", "date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		t.Run(name, func(t *testing.T) {
			c := newCall(t)
			url := c.server(func(_ int, w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", after)
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			err := c.fetch(t.Context(), url, nil)
			var busy *fetch.BusyError
			if !errors.As(err, &busy) || !errors.Is(err, fetch.ErrUnreachable) {
				t.Fatalf("got %v", err)
			}
			if busy.After < 59*time.Minute || busy.After > time.Hour || len(c.requests()) != 1 {
				t.Errorf("%v after %d requests", busy.After, len(c.requests()))
			}
		})
	}
}

func TestStall(t *testing.T) {
	c := newCall(t)
	c.options.IdleTimeout = 50 * time.Millisecond
	url := c.server(func(n int, w http.ResponseWriter, r *http.Request) {
		switch n {
		case 0: // before the head
			<-r.Context().Done()
		case 1: // in the body
			w.Header().Set("ETag", tag)
			w.Header().Set("Content-Length", fmt.Sprint(len(file)))
			_, _ = w.Write(file[:400_000])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			served(w, r)
		}
	})
	if err := c.fetch(t.Context(), url, nil); err != nil {
		t.Fatal(err)
	}
	c.whole()
	if got := c.requests()[2].Get("Range"); got == "" {
		t.Error("did not continue after the stall")
	}
}

func TestCancel(t *testing.T) {
	t.Run("in the body", func(t *testing.T) {
		c := newCall(t)
		reason := errors.New("the user stopped it")
		ctx, cancel := context.WithCancelCause(t.Context())
		url := c.server(func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(file)))
			_, _ = w.Write(file[:100_000])
			_ = http.NewResponseController(w).Flush()
			cancel(reason)
			<-r.Context().Done()
		})
		if err := c.fetch(ctx, url, nil); !errors.Is(err, reason) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("in a pause", func(t *testing.T) {
		c := newCall(t)
		c.options.Backoff, c.options.MaxWait = time.Hour, time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		url := c.server(func(_ int, w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			cancel()
		})
		if err := c.fetch(ctx, url, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
