package outcome

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// server keeps what it is sent, and answers as it is told.
type server struct {
	*httptest.Server
	got    chan string
	answer atomic.Int32
	after  atomic.Int32 // Retry-After, in seconds
}

func newServer(t *testing.T) *server {
	s := &server{got: make(chan string, 100)}
	s.answer.Store(http.StatusNoContent)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if n := s.after.Load(); n > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(n))
		}
		w.WriteHeader(int(s.answer.Load()))
		s.got <- r.Method + " " + r.Header.Get("Content-Type") + "\n" + string(body)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) next(t *testing.T) string {
	t.Helper()
	select {
	case got := <-s.got:
		return got
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was sent")
		return ""
	}
}

func sample(to, result string) Report {
	return Report{App: "notes", Platform: "linux-amd64", Channel: "stable", From: "1.0.0", To: to, Result: result, Stage: "probation", Bytes: 1234}
}

func open(t *testing.T, dir, url string, enabled func() bool) *Queue {
	t.Helper()
	q, err := Open(Options{Dir: dir, URL: url, Enabled: enabled})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func run(t *testing.T, q *Queue) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { q.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
}

func look(t *testing.T, q *Queue) (string, []string) {
	t.Helper()
	last, next, err := q.Look()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, body := range next {
		texts = append(texts, string(body))
	}
	if last == nil {
		return "", texts
	}
	return string(last.Body), texts
}

func TestNothingIsSentBeforeTheUserAgrees(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	var agreed atomic.Bool
	q := open(t, dir, s.URL+"/v1/outcomes", agreed.Load)
	if err := q.Add("1.1.0", sample("1.1.0", "confirmed"), 0); err != nil {
		t.Fatal(err)
	}
	_, next := look(t, q)
	if len(next) != 1 {
		t.Fatalf("next: %q", next)
	}
	run(t, q)
	q.Changed()
	// Another process, which the user has asked, sends what waited, byte for byte.
	agreed.Store(true)
	q.Changed()
	got := s.next(t)
	if got != "POST application/json\n"+next[0] {
		t.Errorf("sent\n%s\nshown\n%s", got, next[0])
	}
	if len(s.got) > 0 {
		t.Error("it was sent twice, or before")
	}
}

func TestReportsNameNobody(t *testing.T) {
	q := open(t, t.TempDir(), "", func() bool { return false })
	if err := q.Add("x", sample("1.1.0", "confirmed"), 0); err != nil {
		t.Fatal(err)
	}
	_, next := look(t, q)
	var fields map[string]any
	if err := json.Unmarshal([]byte(next[0]), &fields); err != nil {
		t.Fatal(err)
	}
	if len(fields) != 18 || fields["id"] == "" {
		t.Errorf("%d fields: %v", len(fields), fields)
	}
	if day, _ := fields["day"].(string); len(day) != len("2026-03-01") {
		t.Errorf("day %q", day)
	}
}

func TestOneReportForEachRelease(t *testing.T) {
	s := newServer(t)
	q := open(t, t.TempDir(), s.URL, func() bool { return true })
	for _, result := range []string{"refused", "confirmed"} {
		if err := q.Add("1.1.0", sample("1.1.0", result), 0); err != nil {
			t.Fatal(err)
		}
	}
	run(t, q)
	if got := s.next(t); !strings.Contains(got, `"confirmed"`) {
		t.Errorf("sent %s", got)
	}
	// What follows is of a release that was reported already, until another.
	for _, to := range []string{"1.1.0", "1.2.0"} {
		if err := q.Add(to, sample(to, "rolled-back"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.next(t); !strings.Contains(got, `"1.2.0"`) {
		t.Errorf("sent %s", got)
	}
}

func TestServerThatFailsIsAskedLater(t *testing.T) {
	s, dir := newServer(t), t.TempDir()
	s.answer.Store(http.StatusServiceUnavailable)
	s.after.Store(7)
	q := open(t, dir, s.URL, func() bool { return true })
	if err := q.Add("1.1.0", sample("1.1.0", "confirmed"), 0); err != nil {
		t.Fatal(err)
	}
	if wait, err := q.sendDue(t.Context()); err == nil || wait != 7*time.Second {
		t.Errorf("%v, %v", wait, err)
	}
	s.answer.Store(http.StatusOK)
	again := open(t, dir, s.URL, func() bool { return true }) // the next process
	if wait, err := again.sendDue(t.Context()); err != nil || wait != maxPause {
		t.Errorf("%v, %v", wait, err)
	}
	if first, second := s.next(t), s.next(t); first != second {
		t.Errorf("first\n%s\nthen\n%s", first, second)
	}
	last, next := look(t, again)
	if !strings.Contains(last, `"1.1.0"`) || len(next) != 0 {
		t.Errorf("last %q, next %q", last, next)
	}
}

func TestWhatTheServerNeverTakesIsDropped(t *testing.T) {
	s := newServer(t)
	s.answer.Store(http.StatusUnprocessableEntity)
	q := open(t, t.TempDir(), s.URL, func() bool { return true })
	if err := q.Add("1.1.0", sample("1.1.0", "confirmed"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := q.sendDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last, next := look(t, q); last != "" || len(next) != 0 {
		t.Errorf("last %q, next %q", last, next)
	}
}

func TestRefusalsSettleFirst(t *testing.T) {
	s := newServer(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	q, err := Open(Options{Dir: t.TempDir(), URL: s.URL, Enabled: func() bool { return true }, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Add("1.1.0", sample("1.1.0", "refused"), time.Hour); err != nil {
		t.Fatal(err)
	}
	if wait, err := q.sendDue(t.Context()); err != nil || wait != time.Hour || len(s.got) != 0 {
		t.Errorf("%v, %v, %d sent", wait, err, len(s.got))
	}
	now = now.Add(time.Hour)
	if _, err := q.sendDue(t.Context()); err != nil || len(s.got) != 1 {
		t.Errorf("%v, %d sent", err, len(s.got))
	}
}

// refused is a network that is down.
type refused struct {
	mu sync.Mutex
	at []time.Time
}

func (r *refused) RoundTrip(*http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at = append(r.at, time.Now())
	return nil, fmt.Errorf("the network is down")
}

func TestPausesGrow(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := &refused{}
		q, err := Open(Options{Dir: dir, URL: "http://example.org", Enabled: func() bool { return true }, Client: &http.Client{Transport: down}})
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Add("1.1.0", sample("1.1.0", "confirmed"), 0); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*24*time.Hour)
		defer cancel()
		q.Run(ctx)
		if n := len(down.at); n < 20 || n > 35 {
			t.Errorf("%d tries in ten days", n)
		}
		if first := down.at[1].Sub(down.at[0]); first != firstPause {
			t.Errorf("the second try came after %v", first)
		}
	})
}

func TestDamagedFilesAndManyReports(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, "", func() bool { return true })
	for _, text := range []string{"", "null", "{", `{"waiting":[{"body":7}]}`, strings.Repeat(" ", maxFile+1)} {
		if err := os.WriteFile(filepath.Join(dir, fileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if last, next := look(t, q); last != "" || len(next) != 0 {
			t.Errorf("%.20q: last %q, next %q", text, last, next)
		}
	}
	for n := range Kept + 5 {
		if err := q.Add(fmt.Sprint(n), sample(fmt.Sprintf("1.%d.0", n), "confirmed"), 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, next := look(t, q); len(next) != Kept || !strings.Contains(next[0], "1.5.0") {
		t.Errorf("%d wait", len(next))
	}
}

func TestOptions(t *testing.T) {
	agree := func() bool { return true }
	for name, o := range map[string]Options{
		"no folder":  {Enabled: agree},
		"no consent": {Dir: t.TempDir()},
		"no web":     {Dir: t.TempDir(), Enabled: agree, URL: "file:///x"},
		"no host":    {Dir: t.TempDir(), Enabled: agree, URL: "https://"},
	} {
		if _, err := Open(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
