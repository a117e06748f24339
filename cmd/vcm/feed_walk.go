package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

const bringAgain = "bring the feed here again with: vcm publish --dir DIR --to DESTINATION"

// contents downloads everything once, oldest release first, so that an artifact
// is at hand when patches that start from it come.
func (w *walk) contents(ctx context.Context, all []release.Release) error {
	var err error
	if w.downloads, err = newDownloads(w.url, w.temp("downloads"), w.log); err != nil {
		return err
	}
	defer w.closeAll()
	w.count(all)
	for _, r := range all {
		report := newVerifyRelease(r, all)
		if err := w.once(ctx, r.Full, &report, func() error { return w.unpackFull(ctx, r) }); err != nil {
			return err
		}
		for i, p := range r.Patches {
			if err := w.once(ctx, p.Blob, &report, func() error { return w.patch(ctx, r, p) }); err != nil {
				return err
			}
			report.Patches[i].Applied = w.applied[p.Blob]
			w.release(p.From)
		}
		w.res.Releases = append(w.res.Releases, report)
	}
	return nil
}

// once looks at a file, which several releases may share, and reports what is
// wrong with it on each of them. An error is this machine's own trouble, or that
// nobody wants to know any more.
func (w *walk) once(ctx context.Context, b release.Blob, report *verifyRelease, look func() error) error {
	err, known := w.seen[b]
	if !known {
		err = look()
		w.seen[b] = err
	}
	do := bringAgain
	switch label := fetch.Label(err); {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return nil
	case label == "disk" || label == "disk_full":
		return err
	case errors.Is(err, fetch.ErrUnreachable):
		do = "see that the server hands the file out to this machine"
	}
	report.problem(b.Path, err, do)
	return nil
}

// unpackFull downloads a full artifact, looks at its segments and unpacks it.
func (w *walk) unpackFull(ctx context.Context, r release.Release) error {
	packed, err := w.download(ctx, r.Full, r.Segments, r.TargetPath())
	if err != nil {
		return err
	}
	defer w.downloads.drop(packed)
	if err := provenSegments(packed, r.Segments); err != nil {
		return err
	}
	out, err := os.Create(w.temp(r.SHA256.String()))
	if err != nil {
		return err
	}
	w.bar.show("unpacking "+r.TargetPath(), w.done, w.total)
	_, err = promptly(ctx, func() (struct{}, error) { return struct{}{}, unpack(ctx, packed, r, out) })
	if err != nil || w.wanted[r.SHA256] == 0 {
		remove(out)
		return err
	}
	w.unpacked[r.SHA256] = out
	return nil
}

// provenSegments compares the signed segments with the file, which the download
// did already where clients do.
func provenSegments(f io.ReadSeeker, want release.Segments) error {
	if want.Len() == 0 {
		return nil
	}
	var got release.SegmentWriter
	if _, err := io.Copy(&got, f); err != nil {
		return err
	}
	if string(got.Segments()) != string(want) {
		return errors.New("the signed segments are not the file's; no client can download it: publish a new version")
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// patch downloads a patch and applies it to the older artifact.
func (w *walk) patch(ctx context.Context, r release.Release, p release.Patch) error {
	file, err := w.download(ctx, p.Blob, nil, r.TargetPath())
	if err != nil {
		return err
	}
	defer w.downloads.drop(file)
	return w.apply(ctx, r, p, file)
}

func (w *walk) apply(ctx context.Context, r release.Release, p release.Patch, patch *os.File) error {
	old := w.unpacked[p.From]
	if old == nil {
		return nil // the feed has it no longer, or it is a problem of its own
	}
	codec, ok := delta.ByName(p.Codec)
	if !ok {
		return fmt.Errorf("the codec %s is unknown to this vcm; look with a newer one", p.Codec)
	}
	info, err := old.Stat()
	if err != nil {
		return err
	}
	w.bar.show(fmt.Sprintf("applying %s patch to %s", p.Codec, r.TargetPath()), w.done, w.total)
	sum, err := promptly(ctx, func() (release.Digest, error) {
		sum := sha256.New()
		err := codec.Apply(ctx, io.NewSectionReader(old, 0, info.Size()), patch, r.Length, sum)
		return release.Digest(sum.Sum(nil)), err
	})
	if err == nil && sum != r.SHA256 {
		err = fmt.Errorf("leads to SHA-256 %s, and %s is signed", sum, r.SHA256)
	}
	w.applied[p.Blob] = err == nil
	return err
}

func (w *walk) download(ctx context.Context, b release.Blob, segments release.Segments, what string) (*os.File, error) {
	f, err := w.downloads.get(ctx, b, segments, func(done int64) { w.bar.show("downloading "+what, w.done+done, w.total) })
	w.done += b.Length
	if err == nil {
		w.res.Bytes += b.Length
	}
	return f, err
}

// release lets go of an artifact that no patch starts from any more.
func (w *walk) release(from release.Digest) {
	if w.wanted[from]--; w.wanted[from] > 0 {
		return
	}
	if f := w.unpacked[from]; f != nil {
		remove(f)
		delete(w.unpacked, from)
	}
}

func (w *walk) closeAll() {
	for _, f := range w.unpacked {
		remove(f)
	}
}

func remove(f *os.File) {
	f.Close()
	_ = os.Remove(f.Name())
}

const (
	asksAtOnce = 8
	askWithin  = 30 * time.Second
)

// sizes asks for the length of everything.
func (w *walk) sizes(ctx context.Context, all []release.Release) error {
	w.count(all)
	var workers sync.WaitGroup
	var mu sync.Mutex
	wrong := map[release.Blob]error{}
	queue := make(chan release.Blob)
	transport, err := fetch.Transport(fetch.TransportOptions{})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: transport, Timeout: askWithin}
	for range asksAtOnce {
		workers.Go(func() {
			for b := range queue {
				err := sizeIs(ctx, client, w.url+b.Path, b.Length)
				mu.Lock()
				if wrong[b] = err; err == nil {
					delete(wrong, b)
				}
				w.done += b.Length
				w.bar.show("asking for sizes", w.done, w.total)
				mu.Unlock()
			}
		})
	}
	for _, b := range vcm.Blobs(all) {
		queue <- b
	}
	close(queue)
	workers.Wait()
	for _, r := range all {
		report := newVerifyRelease(r, all)
		for _, b := range vcm.Blobs([]release.Release{r}) {
			if err := wrong[b]; err != nil {
				report.problem(b.Path, err, bringAgain)
			}
		}
		w.res.Releases = append(w.res.Releases, report)
	}
	return nil
}

// sizeIs asks without downloading. Servers that know no HEAD get a request for
// one byte.
func sizeIs(ctx context.Context, client *http.Client, url string, want int64) error {
	got, status, err := ask(ctx, client, http.MethodHead, url)
	if err == nil && (status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented || status == http.StatusOK && got < 0) {
		got, status, err = ask(ctx, client, http.MethodGet, url)
	}
	switch {
	case err != nil:
		return err
	case status != http.StatusOK && status != http.StatusPartialContent:
		return fmt.Errorf("the server answers %d %s", status, http.StatusText(status))
	case got != want:
		return fmt.Errorf("has %d bytes, and %d are signed", got, want)
	}
	return nil
}

// ask returns the length of a whole file, -1 where the answer does not say.
func ask(ctx context.Context, client *http.Client, method, url string) (length int64, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if method == http.MethodGet {
		req.Header.Set("Range", "bytes=0-0")
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusPartialContent {
		return resp.ContentLength, resp.StatusCode, nil
	}
	_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
	if length, err = strconv.ParseInt(total, 10, 64); err != nil {
		length = -1
	}
	return length, resp.StatusCode, nil
}
