package check_test

import (
	"bufio"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/check"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

const app = "notes"

// place is a feed with its publisher, behind a real server.
type place struct {
	t      testing.TB
	repo   *repository.Repository
	keys   repository.Keys
	dir    string
	feed   *os.Root
	checks *check.Service
	server *httptest.Server
	wire   *wireCount
	files  atomic.Int64 // requests for files of the feed
}

func newPlace(t testing.TB, o check.Options) *place {
	t.Helper()
	ring := map[string]crypto.Signer{}
	for _, role := range []string{"root", "targets", "snapshot", "timestamp", release.Role(app), release.RolloutRole(app)} {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		ring[role] = key
	}
	p := &place{t: t, dir: filepath.Join(t.TempDir(), "vcm"), wire: &wireCount{}, keys: func(role string) ([]crypto.Signer, error) {
		return []crypto.Signer{ring[role]}, nil
	}}
	var err error
	if p.repo, err = repository.Create(repository.Options{Dir: p.dir}, app, p.keys); err != nil {
		t.Fatal(err)
	}
	p.release("1.0.0")
	if p.feed, err = os.OpenRoot(filepath.Join(p.dir, "feed")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.feed.Close() })
	o.Feed = p.feed
	if p.checks, err = check.New(o); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	p.checks.Mount(mux)
	files := http.StripPrefix("/feed", http.FileServerFS(p.feed.FS()))
	mux.HandleFunc("/feed/", func(w http.ResponseWriter, r *http.Request) {
		p.files.Add(1)
		files.ServeHTTP(w, r)
	})
	p.server = httptest.NewUnstartedServer(mux)
	p.server.Listener = countingListener{p.server.Listener, p.wire}
	p.server.Start()
	t.Cleanup(p.server.Close)
	return p
}

func version(t testing.TB, s string) release.Version {
	t.Helper()
	v, err := release.ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (p *place) release(v string) {
	p.t.Helper()
	sum := release.Digest(sha256.Sum256([]byte(v)))
	var segments release.Segments // 9 of them, as unlike as hashes are
	for i := range 9 {
		segment := sha256.Sum256(fmt.Append(nil, v, i))
		segments = append(segments, segment[:]...)
	}
	_, err := p.repo.Add(context.Background(), release.Release{
		App: app, Version: version(p.t, v), Channel: release.Stable, Platform: release.Current(), Length: 30 << 20, SHA256: sum, Segments: segments,
		Full:      release.Blob{Path: release.ArtifactPath(sum), Length: 9 << 20, SHA256: sum},
		Published: time.Now().UTC().Truncate(time.Second),
	}, p.keys)
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) rollout(share int) {
	p.t.Helper()
	v := version(p.t, "1.0.0")
	err := p.repo.SetRollout(context.Background(), app, release.Rollout{Channel: release.Stable, Target: v, Salt: "spring", Share: share}, p.keys)
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) client() *feed.Client {
	p.t.Helper()
	return p.clientAt(p, p.t.TempDir())
}

// clientAt is one that trusts this place and keeps its state in dir, sent to another place.
func (p *place) clientAt(other *place, dir string) *feed.Client {
	p.t.Helper()
	root, err := p.repo.Root()
	if err != nil {
		p.t.Fatal(err)
	}
	c, err := feed.New(feed.Options{
		URL: other.server.URL + "/feed/", CheckURL: other.server.URL + "/v1/check", Root: root, Dir: dir, App: app,
		Client: &http.Client{Transport: &http.Transport{}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *place) check(c *feed.Client) feed.Result {
	p.t.Helper()
	res, err := c.Check(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

// wireCount counts what passes over all TCP connections of a server.
type wireCount struct{ in, out atomic.Int64 }

type countingListener struct {
	net.Listener
	count *wireCount
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.count}, err
}

type countingConn struct {
	net.Conn
	count *wireCount
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.count.in.Add(int64(n))
	return n, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.count.out.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// open connects a stream and returns how it was answered, and its lines.
func (p *place) open(ctx context.Context, query string) (status int, h http.Header, lines *bufio.Scanner) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server.URL+"/v1/events"+query, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { resp.Body.Close() })
	return resp.StatusCode, resp.Header, bufio.NewScanner(resp.Body)
}
