//go:build e2e

package sync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/tesseract-desktop/tesseract/vcm"
)

// gateway is an S3 server whose buckets are folders.
func gateway(t *testing.T) S3Options {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "gateway")
	build := exec.Command("go", "install", "github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	build.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the S3 server: %v: %s", err, out)
	}
	if err := os.Rename(filepath.Join(dir, "versitygw"), program); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	cmd := exec.Command(program, "--port", address, "--access", "id", "--secret", "secret", "--health", "/health",
		"posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "data"))
	if err := os.Mkdir(filepath.Join(dir, "meta"), 0o755); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	o := S3Options{Bucket: "feeds", Endpoint: "http://" + address, AccessKey: "id", SecretKey: "secret"}
	every, end := time.NewTicker(20*time.Millisecond), time.After(20*time.Second)
	defer every.Stop()
	for {
		resp, err := http.Get(o.Endpoint + "/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case <-every.C:
		case <-end:
			t.Fatalf("the S3 server did not come up: %v", err)
		}
	}
	s, err := NewS3(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client.MakeBucket(context.Background(), o.Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return o
}

func TestS3(t *testing.T) {
	o := gateway(t)
	var n atomic.Int64
	testPlace(t, func(t *testing.T) Place {
		o := o
		o.Prefix = fmt.Sprint("prefix/", n.Add(1))
		p, err := NewS3(o)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}, func(t *testing.T, p Place, name string, data []byte) {
		s := p.(*S3)
		_, err := s.client.PutObject(context.Background(), o.Bucket, s.key(name), bytes.NewReader(data), int64(len(data)), minio.PutObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("served", func(t *testing.T) { testServed(t, o) })
	t.Run("explained", func(t *testing.T) { testExplained(t, o) })
}

// testServed looks at what browsers and proxies are told.
func testServed(t *testing.T, o S3Options) {
	p, err := NewS3(o)
	if err != nil {
		t.Fatal(err)
	}
	s := newSample(t, "ours")
	s.publish("1.0.0")
	mustBring(t, s, p, Options{})
	for _, name := range []string{vcm.TimestampFile, rootName(1), s.releases[0].Full.Path} {
		object, err := p.client.GetObject(context.Background(), o.Bucket, p.key(name), minio.GetObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		info, err := object.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, object); err != nil {
			t.Error(err)
		}
		if info.ContentType != vcm.ContentType(name) || info.Metadata.Get("Cache-Control") != vcm.CacheControl(name) {
			t.Errorf("%s: %s, %v", name, info.ContentType, info.Metadata)
		}
	}
	// The store itself refuses what is not what was said.
	f := Document{"metadata/1.x.json", []byte(`{"a":1}`)}.file()
	if err := p.Put(context.Background(), f, content([]byte(`{"a":2}`))); err == nil {
		t.Error("other bytes than announced were stored")
	}
	if has, err := p.Has(context.Background(), f); has || err != nil {
		t.Errorf("they are there: %v, %v", has, err)
	}
}

func testExplained(t *testing.T, o S3Options) {
	for _, c := range []struct {
		change func(*S3Options)
		want   string
	}{
		{func(o *S3Options) { o.Bucket = "nowhere" }, "make the bucket nowhere first"},
		{func(o *S3Options) { o.SecretKey = "wrong" }, "AWS_SECRET_ACCESS_KEY"},
	} {
		o := o
		c.change(&o)
		p, err := NewS3(o)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Bring(context.Background(), newSample(t, "ours").root, p, Options{}); err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.want)) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
