//go:build e2e

// Package s3test runs a real S3 server for tests: Versity's gateway, built from
// its module, with buckets that are folders.
//
// Parties: a test, which owns the folders, and the server, a child process that
// ends with the test. Nothing is trusted and nothing is left.
package s3test

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// Bucket is there when the server is.
	Bucket = "feeds"
	// AccessKey and SecretKey may do everything.
	AccessKey, SecretKey = "id", "secret"

	gateway   = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	comesUpIn = 20 * time.Second
)

// Server is a running server.
type Server struct {
	URL    string
	Folder string // of the bucket's objects
}

// Start builds and starts a server.
func Start(t testing.TB) Server {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "install", gateway)
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the S3 server: %v: %s", err, out)
	}
	data, meta := filepath.Join(dir, "data"), filepath.Join(dir, "meta")
	for _, d := range []string{data, meta} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "versitygw"), "--port", address, "--access", AccessKey, "--secret", SecretKey,
		"--health", "/health", "posix", "--sidecar", meta, data)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
	})
	s := Server{"http://" + address, filepath.Join(data, Bucket)}
	if err := s.ready(address); err != nil {
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("the S3 server did not come up: %v: %s", err, said)
	}
	return s
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// ready waits for the server and makes the bucket.
func (s Server) ready(address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), comesUpIn)
	defer cancel()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for !s.healthy() {
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	client, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: "us-east-1"})
	if err != nil {
		return err
	}
	return client.MakeBucket(ctx, Bucket, minio.MakeBucketOptions{})
}

func (s Server) healthy() bool {
	resp, err := http.Get(s.URL + "/health")
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
