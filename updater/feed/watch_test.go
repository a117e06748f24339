package feed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
)

// wires is a network of pipes, whose time a test can control.
type wires struct{ dialed chan net.Conn }

func (w wires) Accept() (net.Conn, error) {
	c, ok := <-w.dialed
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (w wires) Close() error   { close(w.dialed); return nil }
func (w wires) Addr() net.Addr { return &net.UnixAddr{} }

// watched is a client in a test's own time whose push stream answer serves; its
// options come from outside, where a real server can be. It is told how often changed was called, and at what times since the start.
func watched(t *testing.T, o feed.Options, answer http.HandlerFunc) (watch func(ctx context.Context) error, told *[]time.Duration) {
	t.Helper()
	network := wires{make(chan net.Conn)}
	server := &http.Server{Handler: answer}
	go func() { _ = server.Serve(network) }()
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		mine, theirs := net.Pipe()
		network.dialed <- theirs
		return mine, nil
	}}
	t.Cleanup(func() { _ = server.Close(); transport.CloseIdleConnections() })
	o.CheckURL, o.Client = "http://example.org/v1/check", &http.Client{Transport: transport}
	c, began, times := client(t, o), time.Now(), []time.Duration{}
	return func(ctx context.Context) error {
		return c.Watch(ctx, func() { times = append(times, time.Since(began)) })
	}, &times
}

func streaming(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
}

func say(w http.ResponseWriter, version int) {
	fmt.Fprintf(w, "event: changed\ndata: {\"timestamp\":%d}\n\n", version)
	_ = http.NewResponseController(w).Flush()
}

func TestWatch(t *testing.T) {
	r := published(t)
	told := make(chan struct{}, 8)
	events := make(chan int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.String() != "/v1/events?app=notes" {
			http.NotFound(w, req) // a feed may have a stream and no endpoint
			return
		}
		streaming(w)
		for v := range events {
			say(w, v)
		}
	}))
	defer server.Close()
	defer close(events)
	o := r.options()
	o.CheckURL = server.URL + "/v1/check"
	cl := client(t, o)
	check(t, cl) // holds timestamp 1 from now on
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- cl.Watch(ctx, func() { told <- struct{}{} }) }()
	events <- 1 // is no news
	events <- 2
	<-told
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(told) != 0 {
		t.Error("told twice")
	}
}

func TestWatchWithoutStream(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"404": http.NotFound,
		"405": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusMethodNotAllowed) },
		"a web page": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!doctype html>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := published(t).options()
			synctest.Test(t, func(t *testing.T) {
				watch, _ := watched(t, o, answer)
				if err := watch(context.Background()); !errors.Is(err, feed.ErrNoStream) {
					t.Fatalf("got %v", err)
				}
			})
		})
	}
	if err := client(t, published(t).options()).Watch(context.Background(), nil); !errors.Is(err, feed.ErrNoStream) {
		t.Errorf("without an endpoint: %v", err)
	}
}

// A server in trouble is asked less and less often, and one that names a time not
// before that.
func TestWatchBacksOff(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		least  time.Duration
		most   int // attempts in an hour
	}{
		"500":                  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, time.Second / 2, 35},
		"a stream that breaks": {func(w http.ResponseWriter, _ *http.Request) { streaming(w) }, time.Second / 2, 35},
		"an endless line": {func(w http.ResponseWriter, _ *http.Request) {
			streaming(w)
			for {
				if _, err := w.Write(make([]byte, 512)); err != nil {
					return
				}
			}
		}, time.Second / 2, 35},
		"503 with a time": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "600")
			w.WriteHeader(http.StatusServiceUnavailable)
		}, 10 * time.Minute, 6},
		"silence": {func(w http.ResponseWriter, req *http.Request) {
			streaming(w)
			<-req.Context().Done()
		}, 90 * time.Second, 40},
	} {
		t.Run(name, func(t *testing.T) {
			o := published(t).options()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				watch, _ := watched(t, o, func(w http.ResponseWriter, req *http.Request) {
					at = append(at, time.Now())
					c.answer(w, req)
				})
				ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
				defer cancel()
				if err := watch(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("got %v", err)
				}
				if len(at) < 3 || len(at) > c.most {
					t.Fatalf("%d attempts", len(at))
				}
				for i := range at[1:] {
					if pause := at[i+1].Sub(at[i]); pause < c.least {
						t.Errorf("came back after %v", pause)
					}
				}
			})
		})
	}
}

// A server that says "changed" without end gets a client that checks now and then.
func TestWatchIsCalm(t *testing.T) {
	o := published(t).options()
	synctest.Test(t, func(t *testing.T) {
		watch, told := watched(t, o, func(w http.ResponseWriter, req *http.Request) {
			streaming(w)
			for v := 1; ; v++ {
				say(w, v)
				select {
				case <-req.Context().Done():
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		})
		ctx, cancel := context.WithTimeout(context.Background(), 190*time.Second)
		defer cancel()
		_ = watch(ctx)
		synctest.Wait()
		if n := len(*told); n != 6 || (*told)[2] > time.Second || (*told)[3] < 59*time.Second {
			t.Fatalf("told %d times in 190 s: %v", n, *told)
		}
	})
}
