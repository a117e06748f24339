package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// The moments of a request at which a publisher is killed.
const (
	inTheMiddle = "in the middle"  // half of its body went on, or nothing of none
	unanswered  = "before its end" // the server did it, and nobody was told
)

// assassin stands between a publisher and a server and kills the publisher at
// one of the requests that change something.
type assassin struct {
	proxy *httputil.ReverseProxy
	left  atomic.Int64 // until it strikes
	when  atomic.Value // string
	kill  atomic.Value // func()
}

func newAssassin(t *testing.T, server string) (*assassin, *httptest.Server) {
	t.Helper()
	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	a := &assassin{proxy: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return a, s
}

func (a *assassin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	due := (r.Method == http.MethodPut || r.Method == http.MethodPost) && a.left.Add(-1) == 0
	if !due {
		a.proxy.ServeHTTP(w, r)
		return
	}
	strike := a.kill.Load().(func())
	switch when := a.when.Load(); {
	case when == inTheMiddle && r.ContentLength <= 0:
		strike()
	case when == inTheMiddle:
		half, _ := io.ReadAll(io.LimitReader(r.Body, r.ContentLength/2))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(half), &fatal{strike}))
		a.proxy.ServeHTTP(w, r)
	default:
		a.proxy.ServeHTTP(httptest.NewRecorder(), r)
		strike()
	}
}

// fatal is where a body breaks off.
type fatal struct{ strike func() }

func (f *fatal) Read([]byte) (int, error) {
	f.strike()
	return 0, io.ErrUnexpectedEOF
}

// strikeAt makes the assassin kill the process at its nth request.
func (a *assassin) strikeAt(n int, when string, cmd *exec.Cmd) {
	a.kill.Store(func() { _ = cmd.Process.Kill() })
	a.when.Store(when)
	a.left.Store(int64(n))
}

// publishing is the same command again and again.
func publishing(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := exec.LookPath("vcm")
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(self, append([]string{"publish"}, args...)...)
}

// killEverywhere publishes version after version, each time killed at a later
// request, until one ends by itself. what checks what clients find.
func killEverywhere(t *testing.T, a *assassin, env []string, args func(file, version string) []string, what func(t *testing.T)) {
	t.Helper()
	for _, when := range []string{inTheMiddle, unanswered} {
		struck := 0
		for n := 1; ; n++ {
			version := fmt.Sprintf("1.%d.%d", len(when), n)
			file := write(t, "program", programBytes(version, 30_000))
			cmd := publishing(t, args(file, version)...)
			cmd.Env = append(os.Environ(), env...)
			a.strikeAt(n, when, cmd)
			out, err := cmd.CombinedOutput()
			what(t)
			if err == nil {
				break // fewer requests than n
			}
			if a.left.Load() > 0 || !strings.Contains(err.Error(), "kill") {
				t.Fatalf("%s %d: %v: %s", when, n, err, out)
			}
			struck++
			again := publishing(t, args(file, version)...)
			again.Env = append(os.Environ(), env...)
			if out, err := again.CombinedOutput(); err != nil {
				t.Fatalf("%s %d, again: %v: %s", when, n, err, out)
			}
			what(t)
		}
		if struck < 4 {
			t.Errorf("%s: killed only %d times", when, struck)
		}
	}
}

// verified walks the feed as clients do. It may be empty.
func verified(t *testing.T, feed, root string) {
	t.Helper()
	var out, errs bytes.Buffer
	run := &tool{args: []string{"feed", "verify", feed, "--root", root}, out: &out, err: &errs, getenv: func(string) string { return "" }}
	if code := run.run(context.Background()); code != exitOK {
		t.Fatalf("what clients find is not whole: %s%s", out.String(), errs.String())
	}
}

// A publisher who is killed, at whatever request to the VCM, leaves clients a
// whole feed, and the same command again ends right.
func TestKilledPublisher(t *testing.T) {
	dir := t.TempDir()
	centre, mine := filepath.Join(dir, "centre"), filepath.Join(dir, "mine")
	runVCM(t, "init", centre, "--app", "notes")
	if err := os.CopyFS(filepath.Join(mine, "trust"), os.DirFS(filepath.Join(centre, "trust"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(mine, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(centre, "keys", "offline"), filepath.Join(mine, "keys", "offline")); err != nil {
		t.Fatal(err)
	}
	server := serveFeed(t, centre)
	a, between := newAssassin(t, strings.TrimSuffix(server.said.Feed, "/feed/"))
	killEverywhere(t, a, nil, func(file, version string) []string {
		return []string{file, "--dir", mine, "--version", version, "--to", between.URL, "--patches", "1"}
	}, func(t *testing.T) {
		verified(t, server.said.Feed, filepath.Join(centre, trustRoot))
	})
	left, err := os.ReadDir(filepath.Join(centre, "incoming"))
	if err != nil || len(left) != 0 {
		t.Errorf("proposals are left: %v, %v", left, err)
	}
}
