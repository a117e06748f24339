package updater

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/plan"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// trialWithin is how long the staged program may take to prove that it loads.
const trialWithin = 30 * time.Second

// obtain downloads a release, stages it beside the running program and proves that it runs. The cheapest way is tried first: patches that
// turn out damaged cost no more than themselves, the full artifact follows.
func (e *Engine) obtain(ctx context.Context, r release.Release) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	e.alter(func() { e.stop = func(why error) { stop(why) } })
	defer e.alter(func() { e.stop, e.paused = nil, false })

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
	steps, reason := e.plan(current, r)
	e.opts.Log.Info("planned the download", "version", r.Version, "plan", reason)
	if len(steps) > 0 {
		err := e.stagePatches(ctx, r, steps)
		if !useless(err) {
			return err
		}
		e.opts.Log.Warn("a patch is no good, taking the full artifact", "version", r.Version, "why", err)
	}
	return e.stageFull(ctx, r)
}

// useless tells whether a patch is to blame, and not the network, so that the full artifact may do better.
func useless(err error) bool {
	for _, known := range []error{install.ErrCorrupt, fetch.ErrNotFound, fetch.ErrTooLong, fetch.ErrTruncated} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// step is a patch to download and to apply.
type step struct {
	release.Patch
	codec  delta.Codec
	result install.Artifact
}

// plan chooses between a patch, a chain of patches, and the full artifact: no steps. A chain leads through any releases of the last check,
// of whatever channel: they are signed, and what it makes on the way is not run.
func (e *Engine) plan(current release.Digest, r release.Release) ([]step, string) {
	q := plan.Question{Have: current, Want: plan.Artifact{SHA256: r.SHA256, Length: r.Length}, Full: r.Full.Length}
	known := map[plan.Patch]step{}
	for _, other := range append([]release.Release{r}, e.known.Releases...) {
		if other.Platform != r.Platform {
			continue
		}
		q.Between = append(q.Between, plan.Artifact{SHA256: other.SHA256, Length: other.Length})
		for _, p := range other.Patches {
			codec, have := delta.ByName(p.Codec)
			if !have {
				continue
			}
			edge := plan.Patch{From: p.From, To: other.SHA256, Codec: p.Codec, Bytes: p.Length}
			if _, twice := known[edge]; !twice { // r comes first
				known[edge] = step{p, codec, install.Artifact{Length: other.Length, SHA256: other.SHA256}}
				q.Patches = append(q.Patches, edge)
			}
		}
	}
	made := plan.Make(q)
	steps := make([]step, len(made.Steps))
	for n, s := range made.Steps {
		steps[n] = known[s.Patch]
	}
	return steps, made.Reason
}

// stagePatches downloads all patches and makes the new program with them, one after the other.
func (e *Engine) stagePatches(ctx context.Context, r release.Release, steps []step) error {
	var blobs []release.Blob
	var codecs []string
	between := int64(0)
	for n, s := range steps {
		blobs, codecs = append(blobs, s.Blob), append(codecs, s.Codec)
		if n < len(steps)-1 {
			between = max(between, s.result.Length)
		}
	}
	// While one artifact on the way is made of another, both are there.
	paths, err := e.downloadAll(ctx, r, blobs, strings.Join(codecs, "+"), 2*between)
	if err != nil {
		return err
	}
	chain := make([]install.Step, len(steps))
	for n, s := range steps {
		chain[n] = install.Step{Codec: s.codec, Patch: paths[n], Want: s.result}
	}
	started := time.Now()
	err = e.inst.Chain(ctx, chain)
	e.attempt.ApplyMS = time.Since(started).Milliseconds()
	return err
}

// stageFull downloads the full artifact and unpacks it.
func (e *Engine) stageFull(ctx context.Context, r release.Release) error {
	paths, err := e.downloadAll(ctx, r, []release.Blob{r.Full}, "zstd", 0)
	if err != nil {
		return err
	}
	started := time.Now()
	err = e.inst.Unpack(ctx, paths[0], install.Artifact{Length: r.Length, SHA256: r.SHA256})
	e.attempt.ApplyMS = time.Since(started).Milliseconds()
	return err
}

// downloadAll fetches the blobs one after the other and returns where they are, verified. Space is needed for them, the staged program, the
// kept copy of the old one, and extra bytes.
func (e *Engine) downloadAll(ctx context.Context, r release.Release, blobs []release.Blob, codec string, extra int64) (paths []string, err error) {
	total := int64(0)
	for _, b := range blobs {
		total += b.Length
	}
	if err := e.inst.Space(total + 2*r.Length + extra); err != nil {
		return nil, err
	}
	e.attempt.Bytes, e.attempt.Codec, e.attempt.DownloadMS = total, codec, 0
	e.update(func(s *Status) { s.PatchBytes = total })
	if err := e.enter(Downloading, nil); err != nil {
		return nil, err
	}
	if err := e.awaitLook(ctx); err != nil {
		return nil, err
	}
	started := time.Now()
	defer func() { e.attempt.DownloadMS = time.Since(started).Milliseconds() }()
	d := download{engine: e, total: total, full: r.Full.Length}
	for _, b := range blobs {
		path, err := d.fetch(ctx, b, r)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// download is one or more blobs on their way, with the progress of all together.
type download struct {
	engine *Engine
	total  int64
	full   int64
	before int64 // bytes of the blobs that are there
}

func (d *download) fetch(ctx context.Context, blob release.Blob, r release.Release) (verified string, err error) {
	e, name := d.engine, blob.SHA256.String()
	defer func() { d.before += blob.Length }()
	if verified, err := e.inst.Accept(name, blob); err == nil {
		return verified, nil // an earlier try, or an earlier process, got this far
	}
	request := fetch.Request{
		URLs: []string{e.feed.URL(blob)}, Path: e.inst.Download(name), Length: blob.Length, Switch: &e.hand, Progress: d.tell,
	}
	if blob == r.Full && r.Segments.Len() > 0 {
		request.Segments = fetch.Segments{Size: release.SegmentSize, Sums: r.Segments, New: release.NewSegmentHash}
	}
	if err := e.fetcher.Fetch(ctx, request); err != nil {
		return "", fmt.Errorf("download %s: %w", blob.Path, err)
	}
	return e.inst.Accept(name, blob)
}

func (d *download) tell(of fetch.Progress) {
	p := Progress{Done: d.before + of.Done, Total: d.total, Full: d.full, BytesPerSecond: of.BytesPerSecond}
	if p.BytesPerSecond > 0 {
		p.SecondsLeft = (p.Total - p.Done) / p.BytesPerSecond
	}
	paused := d.engine.pauseOf(of.Waiting)
	d.engine.update(func(s *Status) { s.Progress, s.Paused = &p, paused })
}
