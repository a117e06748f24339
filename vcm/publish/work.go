package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// work is one call of Publish.
type work struct {
	Options
	ctx  context.Context
	temp string
	// published are the releases that have this artifact already, on other
	// channels: what they name in the feed must stay as it is.
	published []release.Release
}

const (
	tempPrefix = "vcm-publish-"
	// abandoned is the age at which nobody can be at work on a file any more.
	abandoned = 24 * time.Hour
)

// sweep removes what runs that were killed left behind. That it cannot is no
// reason not to publish.
func (w *work) sweep() {
	old := time.Now().Add(-abandoned)
	if err := durable.Sweep(w.Feed, "artifacts", old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.Log.Warn("unfinished artifacts are left", "err", err)
	}
	temp := w.Temp
	if temp == "" {
		temp = os.TempDir()
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || !strings.HasPrefix(e.Name(), tempPrefix) || !info.ModTime().Before(old) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(temp, e.Name())); err != nil {
			w.Log.Warn("working copies are left", "folder", e.Name(), "err", err)
		}
	}
}

func (w *work) close() {
	if err := os.RemoveAll(w.temp); err != nil {
		w.Log.Warn("working copies are left", "folder", w.temp, "err", err)
	}
}

var errChanging = errors.New("the file changed while it was read; publish it once it is finished")

// identify reads a file to its end.
func (w *work) identify(f *os.File) (int64, release.Digest, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, release.Digest{}, err
	}
	sum := sha256.New()
	counted := &counter{w: sum, ctx: w.ctx, step: func(n int64) {
		w.Progress(Progress{Stage: Reading, Done: n, Total: info.Size()})
	}}
	n, err := io.Copy(counted, section(f, info.Size()))
	if err != nil {
		return 0, release.Digest{}, err
	}
	after, err := f.Stat()
	if err != nil {
		return 0, release.Digest{}, err
	}
	if after.Size() != n {
		return 0, release.Digest{}, errChanging
	}
	return n, release.Digest(sum.Sum(nil)), nil
}

// full puts the compressed artifact into the feed, or takes the one that is
// there, and proves it either way. Its segments are those of the bytes that
// were proven.
func (w *work) full(file *os.File, rel release.Release) (release.Blob, release.Segments, error) {
	name := release.ArtifactPath(rel.SHA256)
	if blob, segments, err := w.proven(name, rel); err == nil {
		return blob, segments, w.keepsFull(blob)
	} else if !errors.Is(err, fs.ErrNotExist) {
		w.Log.Warn("artifact in the feed is damaged and will be made anew", "path", name, "err", err)
	}
	blob, err := w.store(name, w.keepsFull, func(out io.Writer) error {
		sum := sha256.New()
		src := io.TeeReader(section(file, rel.Length), sum)
		err := w.Compress(w.ctx, src, out, func(done int64) {
			w.Progress(Progress{Stage: Compressing, Done: done, Total: rel.Length})
		})
		if err == nil && release.Digest(sum.Sum(nil)) != rel.SHA256 {
			err = errChanging
		}
		return err
	})
	if err != nil {
		return release.Blob{}, nil, err
	}
	proven, segments, err := w.proven(name, rel)
	if err != nil {
		return release.Blob{}, nil, fmt.Errorf("does not unpack to what was packed: %w", err)
	}
	if proven != blob {
		return release.Blob{}, nil, errors.New("changed on disk right after it was written")
	}
	return blob, segments, nil
}

// patch puts the smallest patch from one older release into the feed. Only trouble with the feed or the file is
// an error; a codec that fails is told as a candidate.
func (w *work) patch(file *os.File, rel, base release.Release) (*release.Patch, []Candidate, error) {
	if w.Patch == nil {
		return nil, nil, nil
	}
	if p, ok := w.publishedPatch(base); ok {
		return p, []Candidate{{From: base.Version, Codec: p.Codec, Bytes: p.Length, Kept: true}}, nil
	}
	old, err := w.unpack(base)
	if err != nil {
		if w.ctx.Err() != nil {
			return nil, nil, err
		}
		w.Log.Warn("older artifact cannot be used", "version", base.Version, "err", err)
		return nil, []Candidate{{From: base.Version, Reason: "its artifact in the feed cannot be used: " + err.Error()}}, nil
	}
	defer old.Close()
	made, err := w.Patch(w.ctx, Pair{
		Old: section(old, base.Length), New: section(file, rel.Length), SHA256: rel.SHA256, Full: rel.Full.Length,
		Earlier: func(codec string) (io.ReadCloser, error) {
			return w.Feed.Open(release.PatchPath(base.SHA256, rel.SHA256, codec))
		},
		Progress: func(step string, done int64) {
			w.Progress(Progress{Stage: Patching, Detail: step + " from " + base.Version.String(), Done: done, Total: rel.Length})
		},
	})
	if w.ctx.Err() != nil {
		return nil, nil, context.Cause(w.ctx)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range made.Tried {
		made.Tried[i].From = base.Version
	}
	if made.Codec == "" {
		return nil, made.Tried, nil
	}
	blob, err := w.store(release.PatchPath(base.SHA256, rel.SHA256, made.Codec), w.keepsPatch(base, made.Codec), func(out io.Writer) error {
		_, err := out.Write(made.Patch)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return &release.Patch{From: base.SHA256, Codec: made.Codec, Blob: blob}, made.Tried, nil
}

// bring makes sure that a blob is in the feed, as far as it can be had.
func (w *work) bring(b release.Blob) error {
	if w.Bring == nil {
		return nil
	}
	info, err := w.Feed.Stat(b.Path)
	if err == nil && info.Size() == b.Length || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.Progress(Progress{Stage: Bringing, Detail: b.Path})
	return w.Bring(w.ctx, b)
}

// unpack returns a working copy of an older release's artifact.
func (w *work) unpack(base release.Release) (*os.File, error) {
	if err := w.bring(base.Full); err != nil {
		return nil, err
	}
	src, err := w.Feed.Open(base.Full.Path)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	out, err := os.Create(filepath.Join(w.temp, base.SHA256.String()))
	if err != nil {
		return nil, err
	}
	err = prove(base, src, func(src io.Reader, dst io.Writer) error {
		return w.Decompress(w.ctx, src, base.Length, io.MultiWriter(dst, out))
	})
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// store writes a blob under its final name, unless that would take another blob
// from a release that is published.
func (w *work) store(name string, keeps func(release.Blob) error, fill func(io.Writer) error) (release.Blob, error) {
	if err := w.Feed.MkdirAll(path.Dir(name), 0o755); err != nil {
		return release.Blob{}, err
	}
	f, err := durable.Create(w.Feed, name, 0o644)
	if err != nil {
		return release.Blob{}, err
	}
	defer f.Abort()
	sum := sha256.New()
	counted := &counter{w: io.MultiWriter(f, sum), ctx: w.ctx}
	if err := fill(counted); err != nil {
		return release.Blob{}, err
	}
	blob := release.Blob{Path: name, Length: counted.n, SHA256: release.Digest(sum.Sum(nil))}
	if err := keeps(blob); err != nil {
		return release.Blob{}, err
	}
	return blob, f.Commit()
}

// proven describes a full artifact in the feed after making sure that it
// unpacks to the release's artifact.
func (w *work) proven(name string, rel release.Release) (release.Blob, release.Segments, error) {
	f, err := w.Feed.Open(name)
	if err != nil {
		return release.Blob{}, nil, err
	}
	defer f.Close()
	sum, segments := sha256.New(), &release.SegmentWriter{}
	counted := &counter{w: io.MultiWriter(sum, segments), ctx: w.ctx}
	if _, err := io.Copy(counted, f); err != nil {
		return release.Blob{}, nil, err
	}
	err = prove(rel, section(f, counted.n), func(src io.Reader, out io.Writer) error {
		return w.Decompress(w.ctx, src, rel.Length, out)
	})
	if err != nil {
		return release.Blob{}, nil, err
	}
	return release.Blob{Path: name, Length: counted.n, SHA256: release.Digest(sum.Sum(nil))}, segments.Segments(), nil
}

// prove tells whether unpack makes the release's artifact out of src.
func prove(rel release.Release, src io.Reader, unpack func(io.Reader, io.Writer) error) error {
	sum := sha256.New()
	if err := unpack(src, sum); err != nil {
		return err
	}
	if got := release.Digest(sum.Sum(nil)); got != rel.SHA256 {
		return fmt.Errorf("SHA-256 is %s, want %s", got, rel.SHA256)
	}
	return nil
}

func section(f *os.File, length int64) *io.SectionReader { return io.NewSectionReader(f, 0, length) }

// counter counts what goes to w, and stops when the context ends.
type counter struct {
	w    io.Writer
	ctx  context.Context
	n    int64
	step func(n int64) // may be nil
}

func (c *counter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.w.Write(p)
	c.n += int64(n)
	if c.step != nil {
		c.step(c.n)
	}
	return n, err
}
