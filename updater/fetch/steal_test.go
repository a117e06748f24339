package fetch_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// One connection is slow and the others are not: they bring what it would take long for, whether segments tell or not, and next to nothing twice.
func TestASlowConnectionDoesNotHoldUpTheRest(t *testing.T) {
	for _, proven := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := &counted{content: large}
			server.spoil = func(n int64, _ *http.Request, w http.ResponseWriter) http.ResponseWriter {
				time.Sleep(30 * time.Millisecond)
				if n == 3 {
					return &slow{w}
				}
				return w
			}
			s := newSite(t, newNetwork(t, server.ServeHTTP))
			if proven {
				s.request.Segments = proof(large)
			}
			began := time.Now()
			s.must(s.fetch())
			if took := time.Since(began); took > 10*time.Second { // alone it would take some 50 s
				t.Errorf("took %v", took)
			}
			if again := server.bytes.Load() - int64(len(large)); again > int64(len(large))/100 {
				t.Errorf("%d bytes were sent twice", again)
			}
		})
	}
}

// slow lets 25 kB pass a second.
type slow struct{ http.ResponseWriter }

func (s *slow) Write(b []byte) (n int, err error) {
	for in := bytes.NewBuffer(b); in.Len() > 0 && err == nil; {
		var m int
		m, err = s.ResponseWriter.Write(in.Next(2500))
		n += m
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		time.Sleep(100 * time.Millisecond)
	}
	return n, err
}

// A connection that falls silent is not waited for to the end of all patience.
func TestASilentConnectionDoesNotHoldUpTheRest(t *testing.T) {
	for name, silent := range map[string]func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter{
		"before the head": func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter {
			if n == 3 {
				<-r.Context().Done()
				return nil
			}
			return w
		},
		"in the body": func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter {
			if n == 3 {
				return &falling{w, r}
			}
			return w
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := &counted{content: large}
				server.spoil = func(n int64, r *http.Request, w http.ResponseWriter) http.ResponseWriter {
					time.Sleep(30 * time.Millisecond)
					return silent(n, r, w)
				}
				s := newSite(t, newNetwork(t, server.ServeHTTP))
				s.request.Segments = proof(large)
				began := time.Now()
				s.must(s.fetch())
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("took %v", took)
				}
				if again := server.bytes.Load() - int64(len(large)); again > int64(len(large))/100 {
					t.Errorf("%d bytes were sent twice", again)
				}
			})
		})
	}
}

// falling lets 100 kB pass and no more.
type falling struct {
	http.ResponseWriter
	r *http.Request
}

func (f *falling) Write(b []byte) (int, error) {
	n, err := f.ResponseWriter.Write(b[:min(len(b), 100_000)])
	_ = http.NewResponseController(f.ResponseWriter).Flush()
	if err == nil {
		<-f.r.Context().Done()
		err = f.r.Context().Err()
	}
	return n, err
}
