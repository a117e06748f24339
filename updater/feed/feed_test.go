package feed_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// published is a repository with one release, put up.
func published(t testing.TB) *repository {
	r := newRepository(t)
	r.add("1.0.0", release.Stable)
	r.publish()
	return r
}

func client(t testing.TB, o feed.Options) *feed.Client {
	t.Helper()
	c, err := feed.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func check(t testing.TB, c *feed.Client) feed.Result {
	t.Helper()
	res, err := c.Check(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func refused(t testing.TB, c *feed.Client, want error) {
	t.Helper()
	res, err := c.Check(context.Background())
	if err == nil {
		t.Fatalf("check succeeded with %d releases, want %v", len(res.Releases), want)
	}
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if len(res.Releases) != 0 {
		t.Fatalf("releases beside the error %v", err)
	}
}

func versions(res feed.Result) []string {
	var all []string
	for _, r := range res.Releases {
		all = append(all, r.Version.String())
	}
	slices.Sort(all)
	return all
}

func TestFindsReleases(t *testing.T) {
	r := published(t)
	c := client(t, r.options())
	res := check(t, c)
	if got := versions(res); !slices.Equal(got, []string{"1.0.0"}) {
		t.Fatalf("got %v", got)
	}
	if res.Bytes == 0 || !res.At.Equal(start) || !res.Expires.Equal(start.Add(7*24*time.Hour)) {
		t.Errorf("got %+v", res)
	}
	if got, want := c.URL(res.Releases[0].Full), r.server.URL+"/feed/artifacts/"; !strings.HasPrefix(got, want) {
		t.Errorf("URL %q, want %q…", got, want)
	}
	r.asked()

	again := check(t, c)
	if got := r.asked(); !slices.Equal(got, []string{"2.root.json", "timestamp.json"}) {
		t.Errorf("with nothing new the client asked for %v", got)
	}
	if wire := int64(len(r.get("timestamp.json")) + len("404 page not found\n")); again.Bytes != wire {
		t.Errorf("counted %d bytes, %d went over the wire", again.Bytes, wire)
	}
	if again.Bytes >= res.Bytes || len(again.Releases) != 1 {
		t.Errorf("nothing new took %d bytes after %d, found %d", again.Bytes, res.Bytes, len(again.Releases))
	}

	r.add("1.1.0", release.Stable)
	r.add("2.0.0-beta.1", release.Beta)
	r.next()
	r.publish()
	if got := versions(check(t, c)); !slices.Equal(got, []string{"1.0.0", "1.1.0", "2.0.0-beta.1"}) {
		t.Fatalf("after publishing: %v", got)
	}
}

func TestCountsCompressedBytes(t *testing.T) {
	r := published(t)
	plain := check(t, client(t, r.options()))
	r.intercept(func(w http.ResponseWriter, req *http.Request) bool {
		data := r.get(strings.TrimPrefix(req.URL.Path, "/feed/metadata/"))
		if data == nil || req.Header.Get("Accept-Encoding") != "gzip" {
			return false
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(data)
		return z.Close() == nil
	})
	packed := check(t, client(t, r.options()))
	if packed.Bytes >= plain.Bytes || len(packed.Releases) != 1 {
		t.Fatalf("%d bytes compressed, %d plain", packed.Bytes, plain.Bytes)
	}
}

// Each answer is one that a server, a proxy or an attacker may give to a client
// that has seen nothing yet.
func TestRefusesAnswers(t *testing.T) {
	html := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><p>Please sign in"))
	}
	status := func(code int) func(http.ResponseWriter, *repository, string) {
		return func(w http.ResponseWriter, _ *repository, _ string) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		file   string // all where empty
		answer func(w http.ResponseWriter, r *repository, file string)
		want   error
	}{
		"sign-in page for all":   {"", func(w http.ResponseWriter, _ *repository, _ string) { html(w) }, feed.ErrMalformed},
		"sign-in page":           {"timestamp.json", func(w http.ResponseWriter, _ *repository, _ string) { html(w) }, feed.ErrMalformed},
		"404 for all":            {"", status(404), feed.ErrUnreachable},
		"404":                    {"timestamp.json", status(404), feed.ErrUnreachable},
		"403":                    {"timestamp.json", status(403), feed.ErrUnreachable},
		"429":                    {"timestamp.json", status(429), feed.ErrUnreachable},
		"500 for the next root":  {"2.root.json", status(500), feed.ErrUnreachable},
		"503":                    {"1.snapshot.json", status(503), feed.ErrUnreachable},
		"targets missing":        {"1.targets.json", status(404), feed.ErrUnreachable},
		"release role missing":   {"1.notes-releases.json", status(404), feed.ErrUnreachable},
		"empty":                  {"timestamp.json", status(200), feed.ErrMalformed},
		"truncated":              {"timestamp.json", truncated, feed.ErrMalformed},
		"truncated release role": {"1.notes-releases.json", truncated, feed.ErrMalformed},
		"shorter than announced": {"1.snapshot.json", cutOff, feed.ErrUnreachable},
		"an array":               {"timestamp.json", body("[]"), feed.ErrMalformed},
		"an empty object":        {"timestamp.json", body("{}"), feed.ErrMalformed},
		"null in signed":         {"timestamp.json", body(`{"signed":null,"signatures":null}`), feed.ErrMalformed},
		"not gzip":               {"timestamp.json", notGzip, feed.ErrMalformed},
		"one flipped digit":      {"1.notes-releases.json", flipped, feed.ErrSignature},
		"another role's file":    {"1.snapshot.json", otherFile("1.targets.json"), feed.ErrMalformed},
		"endless spaces":         {"timestamp.json", endless, feed.ErrMalformed},
		"endless for the role":   {"1.notes-releases.json", endless, feed.ErrMalformed},
		"redirect loop":          {"timestamp.json", redirectLoop, feed.ErrUnreachable},
		"redirect to nowhere":    {"timestamp.json", status(302), feed.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := published(t)
			r.intercept(func(w http.ResponseWriter, req *http.Request) bool {
				file := strings.TrimPrefix(req.URL.Path, "/feed/metadata/")
				if c.file != "" && c.file != file {
					return false
				}
				c.answer(w, r, file)
				return true
			})
			o := r.options()
			cl := client(t, o)
			refused(t, cl, c.want)
			// The next good answer still goes through, from the same folder.
			r.intercept(nil)
			if got := check(t, cl); len(got.Releases) != 1 {
				t.Errorf("afterwards: %+v", got)
			}
		})
	}
}

func body(s string) func(http.ResponseWriter, *repository, string) {
	return func(w http.ResponseWriter, _ *repository, _ string) { _, _ = w.Write([]byte(s)) }
}

func truncated(w http.ResponseWriter, r *repository, file string) {
	data := r.get(file)
	_, _ = w.Write(data[:len(data)/2])
}

func cutOff(w http.ResponseWriter, r *repository, file string) {
	w.Header().Set("Content-Length", "100000")
	_, _ = w.Write(r.get(file))
}

func notGzip(w http.ResponseWriter, r *repository, file string) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(r.get(file))
}

func flipped(w http.ResponseWriter, r *repository, file string) {
	_, _ = w.Write(bytes.Replace(r.get(file), []byte(`"length":10`), []byte(`"length":11`), 1))
}

func otherFile(name string) func(http.ResponseWriter, *repository, string) {
	return func(w http.ResponseWriter, r *repository, _ string) { _, _ = w.Write(r.get(name)) }
}

func endless(w http.ResponseWriter, _ *repository, _ string) {
	spaces := bytes.Repeat([]byte(" "), 64<<10)
	for {
		if _, err := w.Write(spaces); err != nil {
			return
		}
	}
}

func redirectLoop(w http.ResponseWriter, r *repository, file string) {
	w.Header().Set("Location", r.server.URL+"/feed/metadata/"+file)
	w.WriteHeader(http.StatusFound)
}

func TestFollowsRedirect(t *testing.T) {
	r := published(t)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, r.server.URL+req.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer other.Close()
	o := r.options()
	o.URL = other.URL + "/feed/"
	if got := check(t, client(t, o)); len(got.Releases) != 1 {
		t.Fatalf("got %+v", got)
	}
}

func TestNeverRedirectsToHTTP(t *testing.T) {
	r := published(t)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, r.server.URL+req.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer secure.Close()
	o := r.options()
	o.URL, o.Client = secure.URL+"/feed", secure.Client()
	refused(t, client(t, o), feed.ErrUnreachable)
	if got := r.asked(); len(got) != 0 {
		t.Fatalf("asked over http for %v", got)
	}
}

func TestUnreachable(t *testing.T) {
	r := published(t)
	r.server.Close()
	refused(t, client(t, r.options()), feed.ErrUnreachable)

	t.Run("unknown certificate", func(t *testing.T) {
		secure := httptest.NewTLSServer(http.NotFoundHandler())
		defer secure.Close()
		o := r.options()
		o.URL = secure.URL
		refused(t, client(t, o), feed.ErrUnreachable)
	})
}

func TestStallingServerTimesOut(t *testing.T) {
	r := published(t)
	r.intercept(func(w http.ResponseWriter, req *http.Request) bool {
		_, _ = w.Write([]byte("{"))
		w.(http.Flusher).Flush()
		<-req.Context().Done()
		return true
	})
	o := r.options()
	o.Timeout = 50 * time.Millisecond
	refused(t, client(t, o), feed.ErrUnreachable)
}

func TestCancel(t *testing.T) {
	r := published(t)
	ctx, cancel := context.WithCancel(context.Background())
	r.intercept(func(_ http.ResponseWriter, req *http.Request) bool {
		cancel()
		<-req.Context().Done()
		return true
	})
	if _, err := client(t, r.options()).Check(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestUnusableFolder(t *testing.T) {
	r := published(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	o := r.options()
	o.Dir = filepath.Join(file, "below")
	refused(t, client(t, o), feed.ErrState)
	if got := r.asked(); len(got) != 0 {
		t.Fatalf("asked for %v without a place to remember it", got)
	}

	t.Run("a folder in the place of a file", func(t *testing.T) {
		o := r.options()
		if err := os.MkdirAll(filepath.Join(o.Dir, "metadata", "timestamp.json", "x"), 0o700); err != nil {
			t.Fatal(err)
		}
		refused(t, client(t, o), feed.ErrState)
	})
}

func TestFolderIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes mean nothing on Windows")
	}
	o := published(t).options()
	_ = check(t, client(t, o))
	err := filepath.WalkDir(o.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewRefuses(t *testing.T) {
	r := published(t)
	for name, change := range map[string]func(*feed.Options){
		"no URL":           func(o *feed.Options) { o.URL = "" },
		"file URL":         func(o *feed.Options) { o.URL = "file:///feed" },
		"query":            func(o *feed.Options) { o.URL += "?x=1" },
		"no root":          func(o *feed.Options) { o.Root = nil },
		"root is not JSON": func(o *feed.Options) { o.Root = []byte("placeholder") },
		"another document": func(o *feed.Options) { o.Root = r.get("timestamp.json") },
		"root is unsigned": func(o *feed.Options) { o.Root = sign(t, r.root, nil) },
		"no folder":        func(o *feed.Options) { o.Dir = "" },
		"app with a path":  func(o *feed.Options) { o.App = "../x" },
	} {
		o := r.options()
		change(&o)
		if _, err := feed.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWrongKeys(t *testing.T) {
	for name, role := range map[string]string{
		"timestamp": metadata.TIMESTAMP, "snapshot": metadata.SNAPSHOT, "targets": metadata.TARGETS,
		"releases": release.Role(app),
	} {
		t.Run(name, func(t *testing.T) {
			r := published(t)
			o := r.options()
			key, _ := newKey(t)
			r.keys[role][0] = key
			r.publish()
			refused(t, client(t, o), feed.ErrSignature)
		})
	}
	t.Run("root of another feed", func(t *testing.T) {
		o := published(t).options()
		o.Root = published(t).trustRoot()
		refused(t, client(t, o), feed.ErrSignature)
	})
}
