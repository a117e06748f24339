package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

// Saying the same limit again and again does not let more through.
func TestTheSameLimitAgainIsNoNewBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := &counted{content: large}
		s := newSite(t, newNetwork(t, server.ServeHTTP))
		limit := fetch.Limit{BytesPerSecond: 100_000}
		s.options.Limit = limit
		var done int64
		s.request.Progress = func(p fetch.Progress) { done = p.Done }
		f := s.fetcher()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var over sync.WaitGroup
		defer over.Wait()
		over.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
				if err := f.SetLimit(limit); err != nil {
					t.Error(err)
				}
			}
		})
		_ = f.Fetch(ctx, s.request) // it is cut short
		if done < 950_000 || done > 1_050_000 {
			t.Errorf("%d bytes in 10 s", done)
		}
	})
}

// Behind one address are machines that tag the same file differently. Where segments prove it, that costs nothing; else it looks like a file
// that was replaced, once.
func TestTagsThatAlternate(t *testing.T) {
	for name, segments := range map[string]fetch.Segments{"proven": proof(large), "not proven": {}} {
		for _, conditions := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, If-Range %v", name, conditions), func(t *testing.T) {
				server := &counted{content: large}
				server.spoil = func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter {
					time.Sleep(20 * time.Millisecond)
					w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n%3))
					if !conditions {
						r.Header.Del("If-Range")
					}
					http.ServeContent(&counting{w, server}, r, "file", time.Time{}, bytes.NewReader(large))
					return nil
				}
				synctest.Test(t, func(t *testing.T) {
					s := newSite(t, newNetwork(t, server.ServeHTTP))
					s.request.Segments = segments
					s.must(s.fetch())
				})
				again, most := server.bytes.Load()-int64(len(large)), int64(len(large))/100+segment
				if segments.Size == 0 {
					most = int64(len(large))
				}
				if again > most {
					t.Errorf("%d bytes were sent again in %d requests", again, server.requests.Load())
				}
			})
		}
	}
}

// A server that cannot continue and always breaks off at the same place brings a lot each time, and gets nobody any further.
func TestWhatIsFetchedTwiceIsNoProgress(t *testing.T) {
	for name, segments := range map[string]fetch.Segments{"proven": proof(large), "not proven": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var requests atomic.Int64
				s := newSite(t, newNetwork(t, func(w http.ResponseWriter, r *http.Request) {
					requests.Add(1)
					w.Header().Set("Content-Length", strconv.Itoa(len(large)))
					_, _ = w.Write(large[:len(large)/2]) // and then it hangs up
				}))
				s.request.Segments = segments
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := s.fetcher().Fetch(ctx, s.request); !errors.Is(err, fetch.ErrTruncated) {
					t.Errorf("%v after %d requests", err, requests.Load())
				}
				if n := requests.Load(); n > 20 {
					t.Errorf("%d requests", n)
				}
			})
		})
	}
}
