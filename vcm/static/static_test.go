package static_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm/static"
)

func serve(t *testing.T) (*httptest.Server, string) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"secret": "secret", "feed/metadata/timestamp.json": "{}", "feed/metadata/1.root.json": `{"a":1}`,
		"feed/artifacts/ab.zst": "0123456789", "feed/patches/ab/cd.bsdiff": "patch", "feed/artifacts/.durable-1.tmp": "half",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "feed"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	server := httptest.NewServer(http.StripPrefix("/feed", static.Handler(root)))
	t.Cleanup(server.Close)
	return server, dir
}

func request(t *testing.T, method, url string, header map[string]string) answer {
	t.Helper()
	req, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func TestFiles(t *testing.T) {
	server, _ := serve(t)
	for path, want := range map[string]struct {
		status            int
		cache, kind, body string
	}{
		"/metadata/timestamp.json": {200, "no-cache", "application/json", "{}"},
		"/metadata/1.root.json":    {200, "public, max-age=31536000, immutable", "application/json", `{"a":1}`},
		"/artifacts/ab.zst":        {200, "public, max-age=31536000, immutable", "application/zstd", "0123456789"},
		"/patches/ab/cd.bsdiff":    {200, "public, max-age=31536000, immutable", "application/octet-stream", "patch"},
		"/metadata/2.root.json":    {404, "no-cache", "", ""},
	} {
		got := request(t, http.MethodGet, server.URL+"/feed"+path, nil)
		if got.status != want.status || got.header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: status %d, %q", path, got.status, got.header.Get("Cache-Control"))
		}
		if want.status == 200 && (got.body != want.body || got.header.Get("Content-Type") != want.kind || got.header.Get("ETag") == "") {
			t.Errorf("%s: %q as %q, ETag %q", path, got.body, got.header.Get("Content-Type"), got.header.Get("ETag"))
		}
	}
}

func TestResumes(t *testing.T) {
	server, dir := serve(t)
	url := server.URL + "/feed/artifacts/ab.zst"
	got := request(t, http.MethodHead, url, nil)
	etag := got.header.Get("ETag")
	got = request(t, http.MethodGet, url, map[string]string{"Range": "bytes=4-", "If-Range": etag})
	if got.status != http.StatusPartialContent || got.body != "456789" {
		t.Errorf("status %d, %q", got.status, got.body)
	}
	got = request(t, http.MethodGet, url, map[string]string{"If-None-Match": etag})
	if got.status != http.StatusNotModified {
		t.Errorf("status %d for what the client has", got.status)
	}
	got = request(t, http.MethodGet, url, map[string]string{"Range": "bytes=10-"})
	if got.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("status %d beyond the end", got.status)
	}
	if err := os.WriteFile(filepath.Join(dir, "feed/artifacts/ab.zst"), []byte("other content"), 0o644); err != nil {
		t.Fatal(err)
	}
	got = request(t, http.MethodGet, url, map[string]string{"Range": "bytes=4-", "If-Range": etag})
	if got.status != http.StatusOK || got.body != "other content" {
		t.Errorf("status %d, %q after the file was replaced", got.status, got.body)
	}
}

func TestNothingElse(t *testing.T) {
	server, dir := serve(t)
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "feed/artifacts/link")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	for _, path := range []string{
		"/", "", "/artifacts", "/artifacts/", "/../secret", "/artifacts/../../secret", "/artifacts/%2e%2e/%2e%2e/secret",
		"/artifacts/.durable-1.tmp", "/metadata/timestamp.json/x", "//secret", "/artifacts/link", `/artifacts\ab.zst`, "/artifacts/ab.zst%00",
	} {
		got := request(t, http.MethodGet, server.URL+"/feed"+path, nil)
		if got.status < 400 || got.body == "secret" || got.body == "half" {
			t.Errorf("%q: status %d, %q", path, got.status, got.body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		got := request(t, method, server.URL+"/feed/artifacts/ab.zst", nil)
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d", method, got.status)
		}
	}
}
