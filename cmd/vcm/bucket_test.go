//go:build e2e

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/vcm/sync/s3test"
)

// The same on a bucket: clients read its objects through a plain web server.
func TestKilledOnTheWayToABucket(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	runVCM(t, "init", dir, "--app", "notes")
	s := s3test.Start(t)
	a, between := newAssassin(t, s.URL)
	web := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(s.Folder, "some", "prefix"))))
	t.Cleanup(web.Close)
	env := []string{
		"AWS_ENDPOINT_URL=" + between.URL, "AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey,
		"AWS_REGION=us-east-1",
	}
	killEverywhere(t, a, env, func(file, version string) []string {
		return []string{file, "--dir", dir, "--version", version, "--to", "s3://" + s3test.Bucket + "/some/prefix", "--patches", "1", "--parallel", "2"}
	}, func(t *testing.T) {
		if _, err := os.Stat(filepath.Join(s.Folder, "some", "prefix", "metadata", "timestamp.json")); err == nil {
			verified(t, web.URL, filepath.Join(dir, trustRoot))
		}
	})
	runVCM(t, "feed", "get", web.URL, "--root", filepath.Join(dir, trustRoot), "--app", "notes", "-o", filepath.Join(t.TempDir(), "notes"))
}
