// Package publish turns a file into a release: blobs in the feed, named by what
// is in them, and one entry in its signed metadata.
//
// Parties. The publisher has the file and, behind [Options.Add], the release
// key. Clients find nothing of a release before Add is called, and all of it
// after.
//
// Trust. Nothing that a compressor or a codec made is believed: each full
// artifact is read back and compared by SHA-256 before it may be named in
// metadata, with its SHA-256 and the BLAKE3 of each of its segments, and
// [Options.Patch] does the same with each patch. Older artifacts, from which
// patches start, are compared with what was signed for them.
//
// Guarantees. A patch is kept only where it is smaller than the full artifact,
// and only the smallest from each older one. Publishing the same file as the
// same version again changes nothing; publishing other bytes as a version that
// exists is refused before anything is written. A blob that a published release
// names is never replaced by other bytes.
//
// A crash, or an interruption through the context, leaves whole blobs that no
// metadata names. Publishing again finds them, proves them and goes on. Working
// copies of a run that was killed are removed by a run on a later day.
package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// Pair is a release's artifact and an older one, from which a patch is wanted.
type Pair struct {
	Old, New *io.SectionReader
	SHA256   release.Digest // of New
	Full     int64          // bytes of New's full artifact, which a patch must undercut
	// Earlier opens the patch that an interrupted run left in the feed, if it
	// did. It is to be proven like a new one.
	Earlier func(codec string) (io.ReadCloser, error)
	// Progress takes a step, e.g. "making bsdiff patch", and how many bytes of
	// New it is at.
	Progress func(step string, done int64)
}

// Made is the smallest patch, proven: applied to Old it gave New back.
type Made struct {
	Codec string // empty: none is smaller than the full artifact
	Patch []byte
	Tried []Candidate // without From
}

// Options configures Publish.
type Options struct {
	Feed *os.Root // artifacts/ and patches/ are made in it
	Temp string   // for working copies; empty: the system's
	// Patch makes the smallest patch that there is. Its errors end Publish: a
	// codec that fails is none. nil: no patches.
	Patch func(ctx context.Context, pair Pair) (Made, error)
	// Compress and Decompress make and read full artifacts. Decompress writes
	// exactly size bytes or fails.
	Compress   func(ctx context.Context, src io.Reader, dst io.Writer, progress func(done int64)) error
	Decompress func(ctx context.Context, src io.Reader, size int64, dst io.Writer) error
	// Releases returns all of an app's releases that are published.
	Releases func(app string) ([]release.Release, error)
	// Bring puts a blob of a published release into the feed, where the feed is a
	// copy that lacks it. What it brings is proven here. nil: there is no more than
	// the feed has.
	Bring func(ctx context.Context, b release.Blob) error
	// Add signs a release and makes it public; false when it was already.
	Add      func(ctx context.Context, r release.Release) (bool, error)
	Progress func(Progress)   // nil: none
	Log      *slog.Logger     // nil: silent
	Now      func() time.Time // nil: time.Now
}

func (o *Options) validate() error {
	if o.Feed == nil || o.Compress == nil || o.Decompress == nil || o.Releases == nil || o.Add == nil {
		return errors.New("publish: Feed, Compress, Decompress, Releases and Add are needed")
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Stage says what Publish is doing.
type Stage string

// The stages, in order; Patching comes once for each older release, and Bringing
// before whatever needs a blob that the feed lacks.
const (
	Reading     Stage = "reading"
	Bringing    Stage = "bringing"
	Compressing Stage = "compressing"
	Patching    Stage = "patching"
	Signing     Stage = "signing"
)

// Progress is one step of the work. Total is 0 where there is nothing to count.
type Progress struct {
	Stage       Stage
	Detail      string // e.g. "making bsdiff patch from 1.0.0"
	Done, Total int64  // bytes
}

// Request is what to publish.
type Request struct {
	File     string
	App      string
	Version  release.Version
	Channel  release.Channel
	Platform release.Platform
	Notes    string
	Patches  int // from how many older releases; 0: none
	Critical bool
	Deadline int // hours; see release.Release
}

// Candidate is a patch that was tried.
type Candidate struct {
	From   release.Version `json:"from"`
	Codec  string          `json:"codec,omitempty"`
	Bytes  int64           `json:"bytes,omitempty"`
	Kept   bool            `json:"kept"`
	Reason string          `json:"reason,omitempty"` // why it was not kept
}

// Result is what was published.
type Result struct {
	Release    release.Release
	Already    bool        // it was there before, and nothing was done
	Candidates []Candidate // empty when Already
}

// Publish makes a release of a file. Its errors include vcm.ErrConflict and
// vcm.ErrOlder.
func Publish(ctx context.Context, o Options, req Request) (Result, error) {
	if err := o.validate(); err != nil {
		return Result{}, err
	}
	res, err := publish(ctx, o, req)
	if err != nil {
		return Result{}, fmt.Errorf("publish %s: %w", filepath.Base(req.File), err)
	}
	return res, nil
}

func publish(ctx context.Context, o Options, req Request) (Result, error) {
	file, err := openArtifact(req.File)
	if err != nil {
		return Result{}, err
	}
	defer file.Close()
	w := &work{Options: o, ctx: ctx}
	w.sweep()
	if w.temp, err = os.MkdirTemp(o.Temp, tempPrefix); err != nil {
		return Result{}, err
	}
	defer w.close()

	rel := release.Release{
		App: req.App, Version: req.Version, Channel: req.Channel, Platform: req.Platform,
		Notes: req.Notes, Published: o.Now().UTC().Truncate(time.Second), Critical: req.Critical, Deadline: req.Deadline,
	}
	if rel.Length, rel.SHA256, err = w.identify(file); err != nil {
		return Result{}, err
	}
	if err := checkRequest(rel); err != nil {
		return Result{}, err
	}
	all, err := o.Releases(req.App)
	if err != nil {
		return Result{}, err
	}
	known, err := vcm.Admit(all, rel)
	if err != nil {
		return Result{}, err
	}
	if known {
		return Result{Release: find(all, rel), Already: true}, nil
	}
	w.published = slices.DeleteFunc(slices.Clone(all), func(r release.Release) bool { return r.SHA256 != rel.SHA256 })
	for _, r := range w.published {
		if err := w.bring(r.Full); err != nil {
			return Result{}, fmt.Errorf("full artifact: %w", err)
		}
	}
	if rel.Full, rel.Segments, err = w.full(file, rel); err != nil {
		return Result{}, fmt.Errorf("full artifact: %w", err)
	}
	res := Result{}
	for _, base := range vcm.Bases(all, rel, req.Patches) {
		patch, tried, err := w.patch(file, rel, base)
		if err != nil {
			return Result{}, fmt.Errorf("patch from %s: %w", base.Version, err)
		}
		if patch != nil {
			rel.Patches = append(rel.Patches, *patch)
		}
		res.Candidates = append(res.Candidates, tried...)
	}
	w.Progress(Progress{Stage: Signing, Detail: rel.TargetPath()})
	added, err := o.Add(ctx, rel)
	if err != nil {
		return Result{}, err
	}
	res.Release, res.Already = rel, !added
	o.Log.Info("published", "release", rel.TargetPath(), "sha256", rel.SHA256, "patches", len(rel.Patches))
	return res, nil
}

// checkRequest finds a wrong request before minutes go into patches: with a
// stand-in for what is not made yet, it must be a release.
func checkRequest(rel release.Release) error {
	rel.Full = release.Blob{Path: release.ArtifactPath(rel.SHA256), Length: 1, SHA256: rel.SHA256}
	_, err := release.Encode(rel)
	return err
}

func find(all []release.Release, rel release.Release) release.Release {
	for _, r := range all {
		if r.TargetPath() == rel.TargetPath() {
			return r
		}
	}
	return rel
}

func openArtifact(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = errors.New("is a folder; publish the program's file")
	case !info.Mode().IsRegular():
		err = errors.New("is not a regular file")
	case info.Size() == 0:
		err = errors.New("is empty")
	case info.Size() > release.MaxArtifact:
		err = fmt.Errorf("has %d bytes; at most %d can be published", info.Size(), int64(release.MaxArtifact))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
