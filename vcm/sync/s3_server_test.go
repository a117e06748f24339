//go:build e2e

package sync

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/sync/s3test"
)

// options is what a test's server wants to hear.
func options(s s3test.Server) S3Options {
	return S3Options{Bucket: s3test.Bucket, Endpoint: s.URL, AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
}

func TestS3(t *testing.T) {
	o := options(s3test.Start(t))
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
		if _, err := Bring(context.Background(), newSample(t, "ours").root, p, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
