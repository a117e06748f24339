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

func request(t *testing.T, method, url string, header map[string]string) (*http.Response, string) {
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
	return resp, string(body)
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
		resp, body := request(t, http.MethodGet, server.URL+"/feed"+path, nil)
		if resp.StatusCode != want.status || resp.Header.Get("Cache-Control") != want.cache {
			t.Errorf("%s: status %d, %q", path, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
		if want.status == 200 && (body != want.body || resp.Header.Get("Content-Type") != want.kind || resp.Header.Get("ETag") == "") {
			t.Errorf("%s: %q as %q, ETag %q", path, body, resp.Header.Get("Content-Type"), resp.Header.Get("ETag"))
		}
	}
}

func TestResumes(t *testing.T) {
	server, dir := serve(t)
	url := server.URL + "/feed/artifacts/ab.zst"
	resp, _ := request(t, http.MethodHead, url, nil)
	etag := resp.Header.Get("ETag")
	resp, body := request(t, http.MethodGet, url, map[string]string{"Range": "bytes=4-", "If-Range": etag})
	if resp.StatusCode != http.StatusPartialContent || body != "456789" {
		t.Errorf("status %d, %q", resp.StatusCode, body)
	}
	resp, _ = request(t, http.MethodGet, url, map[string]string{"If-None-Match": etag})
	if resp.StatusCode != http.StatusNotModified {
		t.Errorf("status %d for what the client has", resp.StatusCode)
	}
	resp, _ = request(t, http.MethodGet, url, map[string]string{"Range": "bytes=10-"})
	if resp.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("status %d beyond the end", resp.StatusCode)
	}
	if err := os.WriteFile(filepath.Join(dir, "feed/artifacts/ab.zst"), []byte("other content"), 0o644); err != nil {
		t.Fatal(err)
	}
	resp, body = request(t, http.MethodGet, url, map[string]string{"Range": "bytes=4-", "If-Range": etag})
	if resp.StatusCode != http.StatusOK || body != "other content" {
		t.Errorf("status %d, %q after the file was replaced", resp.StatusCode, body)
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
		resp, body := request(t, http.MethodGet, server.URL+"/feed"+path, nil)
		if resp.StatusCode < 400 || body == "secret" || body == "half" {
			t.Errorf("%q: status %d, %q", path, resp.StatusCode, body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		resp, _ := request(t, method, server.URL+"/feed/artifacts/ab.zst", nil)
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: status %d", method, resp.StatusCode)
		}
	}
}
