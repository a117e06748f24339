package updater

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// trialWithin is how long the staged program may take to prove that it loads.
const trialWithin = 30 * time.Second

// obtain downloads a release, stages it beside the running program and proves that it runs. The cheapest way is tried first: a patch that
// turns out damaged costs no more than itself, the full artifact follows.
func (e *Engine) obtain(ctx context.Context, r release.Release) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	e.alter(func() { e.stop = func() { stop(errCancelled) } })
	defer e.alter(func() { e.stop = nil })

	if err := e.stage(ctx, r); err != nil {
		return causeOr(ctx, err)
	}
	if err := e.enter(Staged, nil); err != nil {
		return err
	}
	report, err := e.inst.Trial(ctx, trialWithin)
	if err != nil {
		return causeOr(ctx, err)
	}
	if report.Version != r.Version.String() {
		return fmt.Errorf("%w: it calls itself %q, the release says %s", install.ErrTrial, report.Version, r.Version)
	}
	return e.enter(Proven, nil)
}

func (e *Engine) stage(ctx context.Context, r release.Release) error {
	if err := e.inst.Writable(); err != nil {
		return err
	}
	current, _, err := e.inst.Current()
	if err != nil {
		return fmt.Errorf("read the running program: %w", err)
	}
	patch, direct := r.PatchFrom(current, func(codec string) bool { _, ok := delta.ByName(codec); return ok })
	if direct && patch.Length < r.Full.Length {
		err := e.stageFrom(ctx, r, patch.Blob, patch.Codec)
		if !errors.Is(err, install.ErrCorrupt) && !errors.Is(err, fetch.ErrNotFound) {
			return err
		}
		e.opts.Log.Warn("the patch is no good, taking the full artifact", "version", r.Version, "why", err)
	}
	return e.stageFrom(ctx, r, r.Full, "")
}

// stageFrom downloads one blob and makes the new program of it: a patch when codec names one, else the full artifact.
func (e *Engine) stageFrom(ctx context.Context, r release.Release, blob release.Blob, codec string) error {
	// Room for the download, the staged program and the kept copy of the old one.
	if err := e.inst.Space(blob.Length + 2*r.Length); err != nil {
		return err
	}
	e.attempt.Bytes, e.attempt.Codec = blob.Length, codec
	if codec == "" {
		e.attempt.Codec = "zstd"
	}
	e.update(func(s *Status) { s.PatchBytes = blob.Length })
	if err := e.enter(Downloading, nil); err != nil {
		return err
	}
	verified, err := e.download(ctx, blob, r.Full.Length)
	if err != nil {
		return err
	}
	started := time.Now()
	want := install.Artifact{Length: r.Length, SHA256: r.SHA256}
	if codec == "" {
		err = e.inst.Unpack(ctx, verified, want)
	} else {
		known, _ := delta.ByName(codec) // PatchFrom asked for known ones only
		err = e.inst.Patch(ctx, known, verified, want)
	}
	e.attempt.ApplyMS = time.Since(started).Milliseconds()
	return err
}

func (e *Engine) download(ctx context.Context, blob release.Blob, full int64) (verified string, err error) {
	started := time.Now()
	name := blob.SHA256.String()
	if verified, err := e.inst.Accept(name, blob); err == nil {
		return verified, nil // an earlier try, or an earlier process, got this far
	}
	first := int64(-1)
	err = e.fetcher.Fetch(ctx, fetch.Request{URL: e.feed.URL(blob), Path: e.inst.Download(name), Length: blob.Length,
		Progress: func(done, total int64) {
			if first < 0 {
				first = done // what an earlier process had downloaded says nothing about the speed
			}
			p := Progress{Done: done, Total: total, Full: full}
			if spent := time.Since(started); spent > 0 && done > first {
				p.BytesPerSecond = int64(float64(done-first) / spent.Seconds())
				p.SecondsLeft = (total - done) / max(p.BytesPerSecond, 1)
			}
			e.update(func(s *Status) { s.Progress = &p })
		}})
	if err != nil {
		return "", fmt.Errorf("download %s: %w", blob.Path, err)
	}
	verified, err = e.inst.Accept(name, blob)
	e.attempt.DownloadMS = time.Since(started).Milliseconds()
	return verified, err
}
