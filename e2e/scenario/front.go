//go:build linux

package scenario

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/tesseract-desktop/tesseract/e2e/release"
)

// A Front stands between the app and the feed's server, as a bad network does. It passes
// everything on until it is told a fault.
type Front struct {
	server *httptest.Server
	mu     sync.Mutex
	addr   string
	fault  Fault
	served map[string]int64
}

// A Fault answers a request instead of the feed, or returns false to let the feed answer.
type Fault func(w http.ResponseWriter, r *http.Request, upstream string) bool

// NewFront starts one.
func NewFront(feed *release.Feed) *Front {
	f := &Front{addr: feed.Addr, served: map[string]int64{}}
	f.server = httptest.NewServer(f)
	return f
}

// URL is the feed's address for the app.
func (f *Front) URL() string { return f.server.URL + "/feed/" }

// Close ends the server, with the answers that are under way.
func (f *Front) Close() {
	f.server.CloseClientConnections()
	f.server.Close()
}

// Set makes every answer from now on go through the fault; nil heals.
func (f *Front) Set(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Point sends what is asked from now on to another feed.
func (f *Front) Point(feed *release.Feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addr = feed.Addr
}

// Served is the number of bytes sent in bodies of answers whose path has the prefix.
func (f *Front) Served(prefix string) (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for path, bytes := range f.served {
		if strings.HasPrefix(path, prefix) {
			n += bytes
		}
	}
	return n
}

func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	addr, fault := f.addr, f.fault
	f.mu.Unlock()
	if fault != nil && fault(w, r, "http://"+addr) {
		return
	}
	target := &url.URL{Scheme: "http", Host: addr}
	counting := &counter{ResponseWriter: w}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // at the end the feed's server goes first
	proxy.ServeHTTP(counting, r)
	f.mu.Lock()
	f.served[r.URL.Path] += counting.n
	f.mu.Unlock()
}

type counter struct {
	http.ResponseWriter
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	return n, err
}

func isBlob(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/patches/") || strings.Contains(r.URL.Path, "/artifacts/")
}

// Unreachable drops every connection.
func Unreachable(http.ResponseWriter, *http.Request, string) bool { panic(http.ErrAbortHandler) }

// Malformed answers every question for metadata with somebody's web page.
func Malformed(w http.ResponseWriter, r *http.Request, _ string) bool {
	if isBlob(r) {
		return false
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = io.WriteString(w, "<!doctype html><title>Welcome to the hotel</title><p>Please sign in to use the network.")
	return true
}

// Truncated cuts every download off in its middle, also one that is resumed.
func Truncated(w http.ResponseWriter, r *http.Request, upstream string) bool {
	if !isBlob(r) {
		return false
	}
	body, err := get(upstream + r.URL.Path)
	if err != nil || r.Header.Get("Range") != "" {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Length", itoa(len(body)))
	_, _ = w.Write(body[:len(body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// FlippedPatch changes one bit in the middle of every patch.
func FlippedPatch(w http.ResponseWriter, r *http.Request, upstream string) bool {
	return strings.Contains(r.URL.Path, "/patches/") && Flipped(w, r, upstream)
}

// Flipped changes one bit in the middle of every download, patch or whole.
func Flipped(w http.ResponseWriter, r *http.Request, upstream string) bool {
	if !isBlob(r) {
		return false
	}
	body, err := get(upstream + r.URL.Path)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	body[len(body)/2] ^= 1
	w.Header().Set("Content-Length", itoa(len(body)))
	_, _ = w.Write(body)
	return true
}
