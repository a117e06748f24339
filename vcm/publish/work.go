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
	open []*os.File // working copies in use until the end
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
	for _, f := range w.open {
		f.Close()
	}
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
// there, and proves it either way.
func (w *work) full(file *os.File, rel release.Release) (release.Blob, error) {
	name := release.ArtifactPath(rel.SHA256)
	if blob, err := w.provenFull(rel, name); err == nil {
		return blob, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		w.Log.Warn("artifact in the feed is damaged and will be made anew", "path", name, "err", err)
	}
	blob, err := w.store(name, func(out io.Writer) error {
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
		return release.Blob{}, err
	}
	proven, err := w.provenFull(rel, name)
	if err != nil {
		return release.Blob{}, fmt.Errorf("does not unpack to what was packed: %w", err)
	}
	if proven != blob {
		return release.Blob{}, errors.New("changed on disk right after it was written")
	}
	return blob, nil
}

// provenFull unpacks an artifact in the feed and compares it.
func (w *work) provenFull(rel release.Release, name string) (release.Blob, error) {
	return w.proven(name, rel, func(src io.Reader, out io.Writer) error {
		return w.Decompress(w.ctx, src, rel.Length, out)
	})
}

// patch tries every codec from one older release and keeps the smallest patch.
// Only trouble with the feed or the file is an error; a codec that fails is
// told as a candidate.
func (w *work) patch(file *os.File, rel, base release.Release) (*release.Patch, []Candidate, error) {
	if len(w.Codecs) == 0 {
		return nil, nil, nil
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
	var tried []Candidate
	var best *made
	for _, codec := range w.Codecs {
		w.Progress(Progress{Stage: Patching, Detail: codec.Name() + " from " + base.Version.String(), Total: rel.Length})
		limit := rel.Full.Length
		if best != nil {
			limit = best.length
		}
		m, err := w.candidate(codec, file, old, rel, base)
		if w.ctx.Err() != nil {
			return nil, nil, w.ctx.Err()
		}
		c := Candidate{From: base.Version, Codec: codec.Name(), Bytes: m.length}
		switch {
		case err != nil:
			c.Reason = err.Error()
		case m.length >= limit:
			c.Reason = "not smaller than what there is"
		default:
			if best != nil {
				tried[best.index].Kept, tried[best.index].Reason = false, "another codec's is smaller"
			}
			m.index, c.Kept, best = len(tried), true, &m
		}
		tried = append(tried, c)
	}
	if best == nil {
		return nil, tried, nil
	}
	codec := tried[best.index].Codec
	blob, err := w.store(release.PatchPath(base.SHA256, rel.SHA256, codec), func(out io.Writer) error {
		_, err := io.Copy(out, best.content)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return &release.Patch{From: base.SHA256, Codec: codec, Blob: blob}, tried, nil
}

// made is a proven patch that is not in the feed yet.
type made struct {
	content *io.SectionReader
	length  int64
	index   int // among the candidates
}

// candidate takes the patch that an interrupted run left in the feed, or makes
// one, and proves it either way.
func (w *work) candidate(codec Codec, file, old *os.File, rel, base release.Release) (made, error) {
	from := section(old, base.Length)
	apply := func(patch io.Reader, out io.Writer) error {
		return codec.Apply(w.ctx, from, patch, rel.Length, out)
	}
	scratch, err := os.Create(filepath.Join(w.temp, base.SHA256.String()+"."+codec.Name()))
	if err != nil {
		return made{}, err
	}
	w.open = append(w.open, scratch)
	if left, err := w.Feed.Open(release.PatchPath(base.SHA256, rel.SHA256, codec.Name())); err == nil {
		n, err := io.Copy(scratch, left)
		left.Close()
		if err == nil && prove(rel, section(scratch, n), apply) == nil {
			return made{content: section(scratch, n), length: n}, nil
		}
		if err := errors.Join(scratch.Truncate(0), rewind(scratch)); err != nil {
			return made{}, err
		}
	}
	if err := codec.Diff(w.ctx, from, section(file, rel.Length), scratch); err != nil {
		return made{}, err
	}
	n, err := scratch.Seek(0, io.SeekEnd)
	if err != nil {
		return made{}, err
	}
	if err := prove(rel, section(scratch, n), apply); err != nil {
		return made{length: n}, fmt.Errorf("does not give the artifact back: %w", err)
	}
	return made{content: section(scratch, n), length: n}, nil
}

func rewind(f *os.File) error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// unpack returns a working copy of an older release's artifact.
func (w *work) unpack(base release.Release) (*os.File, error) {
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

// store writes a blob under its final name.
func (w *work) store(name string, fill func(io.Writer) error) (release.Blob, error) {
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
	if err := f.Commit(); err != nil {
		return release.Blob{}, err
	}
	return release.Blob{Path: name, Length: counted.n, SHA256: release.Digest(sum.Sum(nil))}, nil
}

// proven describes a blob in the feed after making sure that it gives the
// release's artifact back.
func (w *work) proven(name string, rel release.Release, unpack func(io.Reader, io.Writer) error) (release.Blob, error) {
	f, err := w.Feed.Open(name)
	if err != nil {
		return release.Blob{}, err
	}
	defer f.Close()
	sum := sha256.New()
	counted := &counter{w: sum, ctx: w.ctx}
	if _, err := io.Copy(counted, f); err != nil {
		return release.Blob{}, err
	}
	if err := prove(rel, section(f, counted.n), unpack); err != nil {
		return release.Blob{}, err
	}
	return release.Blob{Path: name, Length: counted.n, SHA256: release.Digest(sum.Sum(nil))}, nil
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
