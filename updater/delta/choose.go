package delta

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta/bsdiff"
	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// Options configures [Choose]. The zero value tries every codec that may win and makes the full artifact itself.
type Options struct {
	Codecs []Codec // nil: all that this build has
	// All makes the patches too that cannot win, so as to know how long they are.
	All bool
	// Full is the length of the new file's compressed full artifact, which a patch must undercut. 0: Choose compresses
	// the new file to know, and returns it where nothing is smaller.
	Full int64
	// Earlier opens the patch that an interrupted run left, if it did. It is proven as a new one is. nil: none.
	Earlier func(codec string) (io.ReadCloser, error)
	// Progress hears of each stage when it begins and of its bytes. It is called from Choose's own goroutine. nil: nobody.
	Progress func(Progress)
}

// Stage is what is being done with a candidate.
type Stage string

// The stages of a candidate.
const (
	Making  Stage = "making"
	Proving Stage = "proving"
)

// Progress is one step of the work on a candidate. Codecs cannot say how far they are when they make a patch: then
// Done and Total are 0.
type Progress struct {
	Codec       string // or Full
	Stage       Stage
	Done, Total int64 // bytes of the new file
}

// Candidate is one way to the new file that was thought of.
type Candidate struct {
	Codec  string // or Full
	Bytes  int64  // what it takes to download; 0 where it could not be made, or was not tried
	Kept   bool
	Reason string        // why it was not kept
	Err    error         // nil: it was made and proven, or not tried. ErrUnsupported: the codec is not for these files
	Took   time.Duration // for making and proving
}

// Choice is the smallest way to the new file.
type Choice struct {
	Codec string // Full where no patch is smaller than the full artifact
	// Patch is what to ship, which Choose has applied again. nil where the full artifact won whose length
	// Options.Full gave.
	Patch      []byte
	Reason     string // why no patch was chosen
	Candidates []Candidate
}

// ErrUnproven says that a codec's patch did not give the new file back: a bug in the codec, or a file that changed.
var ErrUnproven = errors.New("the patch does not give the new file back")

// Choose makes a patch with every codec, applies each again with the code that ships and compares the result with
// want, the new file's SHA-256. The smallest wins, and the full artifact is one of them. A codec that
// fails or refuses is told as a candidate; an error is returned only where ctx ended or the new file cannot be read.
//
// bsdiff takes most of the time by far, so it is passed over, unless Options.All is set, where a patch is proven that has
// at most a tenth of the bytes of zstd's. Both know nothing of executables and pay for the same changes: on no pair of
// programs did bsdiff take less than a fifth of what zstd took.
//
// Candidates are made one after the other. Beside what the codec at work takes, memory holds the best patch so far
// and the current one, each at most about as long as the new file. ctx is looked at between stages and where
// the codecs do: a caller that must return earlier runs Choose in a goroutine of its own and leaves it to its end.
func Choose(ctx context.Context, old, new *io.SectionReader, want [sha256.Size]byte, o Options) (Choice, error) {
	if o.Codecs == nil {
		o.Codecs = Codecs()
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	c := chooser{Options: o, old: old, new: new, want: want, best: -1}
	for _, codec := range o.Codecs {
		if !o.All && c.hopeless(codec) {
			c.tried = append(c.tried, Candidate{Codec: codec.Name(), Reason: "not tried: it would take longer and be larger than " + c.tried[c.best].Codec})
			continue
		}
		began := time.Now()
		patch, err := c.candidate(ctx, codec)
		if ctx.Err() != nil {
			return Choice{}, context.Cause(ctx)
		}
		c.consider(Candidate{Codec: codec.Name(), Bytes: int64(len(patch)), Err: err, Took: time.Since(began)}, patch)
		if old.Size()+new.Size() > 16<<20 {
			debug.FreeOSMemory() // the next codec must not find this one's garbage there
		}
	}
	if err := c.full(ctx); err != nil {
		return Choice{}, err
	}
	return c.choice(), nil
}

// Make makes a patch with one codec and proves it, as [Choose] does with each.
func Make(ctx context.Context, codec Codec, old, new *io.SectionReader, want [sha256.Size]byte, progress func(Progress)) ([]byte, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	c := chooser{Options: Options{Progress: progress}, old: old, new: new, want: want}
	patch, err := c.candidate(ctx, codec)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return patch, err
}

type chooser struct {
	Options
	old, new *io.SectionReader
	want     [sha256.Size]byte
	tried    []Candidate
	best     int // among tried; -1: none yet
	patch    []byte
}

// hopeless tells whether a codec cannot win any more.
func (c *chooser) hopeless(codec Codec) bool {
	const atMost = 10 // times smaller than zstd's a patch of bsdiff's can be
	if codec.Name() != (bsdiff.Codec{}).Name() || c.best < 0 {
		return false
	}
	return slices.ContainsFunc(c.tried, func(a Candidate) bool {
		return a.Codec == (zstd.Codec{}).Name() && a.Err == nil && c.tried[c.best].Bytes <= a.Bytes/atMost
	})
}

// candidate returns a proven patch: the one of an earlier run, or a new one.
func (c *chooser) candidate(ctx context.Context, codec Codec) ([]byte, error) {
	limit := c.new.Size() + c.new.Size()/16 + 64<<10
	if patch := c.earlier(codec, limit); patch != nil && c.prove(ctx, codec, patch) == nil {
		return patch, nil
	}
	c.Progress(Progress{Codec: codec.Name(), Stage: Making})
	made := &tally{limit: limit}
	if err := codec.Diff(ctx, c.old, c.new, made); err != nil {
		return nil, err
	}
	if made.n > limit {
		return nil, fmt.Errorf("make %s patch: %d bytes are more than the new file has: %w", codec.Name(), made.n, ErrUnsupported)
	}
	patch := made.kept.Bytes()
	return patch, c.prove(ctx, codec, patch)
}

func (c *chooser) earlier(codec Codec, limit int64) []byte {
	if c.Earlier == nil {
		return nil
	}
	r, err := c.Earlier(codec.Name())
	if err != nil {
		return nil
	}
	defer r.Close()
	b, err := bounded.Read(r, limit)
	if err != nil {
		return nil
	}
	return b.Join()
}

func (c *chooser) prove(ctx context.Context, codec Codec, patch []byte) error {
	return c.compare(codec.Name(), func(out io.Writer) error {
		return codec.Apply(ctx, c.old, bytes.NewReader(patch), c.new.Size(), out)
	})
}

// compare hashes what apply writes.
func (c *chooser) compare(codec string, apply func(io.Writer) error) error {
	c.Progress(Progress{Codec: codec, Stage: Proving, Total: c.new.Size()})
	sum := sha256.New()
	counted := &tally{w: sum, step: func(n int64) {
		c.Progress(Progress{Codec: codec, Stage: Proving, Done: n, Total: c.new.Size()})
	}}
	if err := apply(counted); err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if got := [sha256.Size]byte(sum.Sum(nil)); got != c.want {
		return fmt.Errorf("%w: SHA-256 is %x, want %x", ErrUnproven, got, c.want)
	}
	return nil
}

// consider compares a candidate with the best so far.
func (c *chooser) consider(a Candidate, patch []byte) {
	switch {
	case a.Err != nil:
		a.Reason = strings.TrimPrefix(a.Err.Error(), "make "+a.Codec+" patch: ")
	case c.Full > 0 && a.Bytes >= c.Full:
		a.Reason = "not smaller than the full file"
	case c.best >= 0 && a.Bytes >= c.tried[c.best].Bytes:
		a.Reason = "not smaller than " + c.tried[c.best].Codec
	default:
		if c.best >= 0 {
			c.tried[c.best].Kept, c.tried[c.best].Reason = false, a.Codec+" is smaller"
		}
		c.best, c.patch, a.Kept = len(c.tried), patch, true
	}
	c.tried = append(c.tried, a)
}

// full makes the full artifact one more candidate, unless the caller knows its length.
func (c *chooser) full(ctx context.Context) error {
	if c.Full > 0 {
		return nil
	}
	began, limit := time.Now(), c.new.Size()+c.new.Size()/16+64<<10
	if c.best >= 0 {
		limit = c.tried[c.best].Bytes
	}
	made := &tally{limit: limit}
	err := zstd.Compress(ctx, io.NewSectionReader(c.new, 0, c.new.Size()), made, func(done int64) {
		c.Progress(Progress{Codec: Full, Stage: Making, Done: done, Total: c.new.Size()})
	})
	if err != nil {
		return fmt.Errorf("full file: %w", err)
	}
	a := Candidate{Codec: Full, Bytes: made.n}
	if made.n <= limit {
		a.Err = c.compare(Full, func(out io.Writer) error {
			return zstd.Decompress(ctx, bytes.NewReader(made.kept.Bytes()), c.new.Size(), out)
		})
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if a.Err != nil {
		return fmt.Errorf("full file: %w", a.Err)
	}
	a.Took = time.Since(began)
	c.consider(a, made.kept.Bytes())
	return nil
}

func (c *chooser) choice() Choice {
	chosen := Choice{Codec: Full, Candidates: c.tried}
	if c.best >= 0 {
		chosen.Codec, chosen.Patch = c.tried[c.best].Codec, c.patch
	}
	if chosen.Codec == Full {
		bytes := c.Full
		if c.best >= 0 {
			bytes = c.tried[c.best].Bytes
		}
		chosen.Reason = fmt.Sprintf("no patch is smaller than the full file, which takes %d bytes", bytes)
	}
	return chosen
}

// tally counts what is written, keeps up to limit bytes of it, or hands it on to w.
type tally struct {
	w     io.Writer // nil: keep
	step  func(n int64)
	limit int64
	n     int64
	kept  bytes.Buffer
}

func (t *tally) Write(p []byte) (int, error) {
	n := len(p)
	if t.w != nil {
		var err error
		if n, err = t.w.Write(p); err != nil {
			return n, err
		}
	} else if t.n+int64(n) <= t.limit {
		t.kept.Write(p)
	} else {
		t.kept = bytes.Buffer{}
	}
	t.n += int64(n)
	if t.step != nil {
		t.step(t.n)
	}
	return n, nil
}
