package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// downloads gets files of a feed as a client does. What was broken off is taken
// up by the next run with the same folder.
type downloads struct {
	fetcher *fetch.Fetcher
	feed    string // URL, ends in a slash
	dir     string
}

func newDownloads(feed, dir string, log *slog.Logger) (*downloads, error) {
	fetcher, err := fetch.New(fetch.Options{Log: log, Attempts: 4})
	if err != nil {
		return nil, err
	}
	return &downloads{fetcher, strings.TrimSuffix(feed, "/") + "/", dir}, nil
}

// get returns the file, verified, and open at its start.
func (d *downloads) get(ctx context.Context, b release.Blob, segments release.Segments, progress func(done int64)) (*os.File, error) {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return nil, err
	}
	name := filepath.Join(d.dir, b.SHA256.String()+fetch.Suffix)
	req := fetch.Request{
		URLs: []string{d.feed + b.Path}, Path: name, Length: b.Length, Priority: fetch.Asked,
		Progress: func(p fetch.Progress) { progress(p.Done) },
	}
	if segments.Len() > 0 {
		req.Segments = fetch.Segments{Size: release.SegmentSize, Sums: segments, New: release.NewSegmentHash}
	}
	if err := d.fetcher.Fetch(ctx, req); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	if got := release.Digest(sum.Sum(nil)); err == nil && got != b.SHA256 {
		err = fmt.Errorf("%s has SHA-256 %s, and %s is signed", b.Path, got, b.SHA256)
		d.drop(f)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// drop removes a file that get returned, and the folder once it is empty.
func (d *downloads) drop(f *os.File) {
	f.Close()
	_ = os.Remove(f.Name())
	_ = os.Remove(d.dir)
}
