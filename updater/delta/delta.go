// Package delta turns one artifact into the next with few bytes.
//
// Parties. A publisher makes patches with Diff and ships them unsigned; a client applies them with Apply to the
// artifact it has. Only the result's length and SHA-256 are signed.
//
// Trust. A patch is hostile input: whoever holds the server chooses every byte of it. Apply takes memory only
// for lengths that fit the signed size of the result. No patch, however made, makes a codec of this
// package panic, write more than that size, or take more than old + new + 64 MiB. What a patch can do is
// yield wrong bytes: the caller compares the SHA-256 and throws the result away.
//
// Guarantees. When Apply returns nil, exactly size bytes were written; when it returns an error, what
// was written is to be thrown away. Apply tells a bad patch ([ErrCorrupt]) from a disk that
// failed, so that a caller knows when to fetch the full artifact instead.
//
// A publisher believes no codec either: [Choose] applies every patch again before it lets the smallest win.
//
// A crash leaves nothing: codecs touch no files.
package delta

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/bsdiff"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// ErrUnsupported says that a codec is not for these files, as goexe is not for what is no Go program: use another. It is
// errors.ErrUnsupported, so that a codec's package, which cannot import this one, can say it.
var ErrUnsupported = errors.ErrUnsupported

// ErrCorrupt says that a patch is damaged, made for another file, or made to do harm. Fetch the full artifact.
var ErrCorrupt = errors.New("the patch is damaged or does not fit")

// Codec is one way to make and apply patches. Its methods keep no state and may run at once.
type Codec interface {
	// Name is what the feed calls the codec: lower-case letters and digits.
	Name() string
	// Diff writes a patch that turns old into new, or says ErrUnsupported. It takes many times the size of old in memory.
	// Not every codec can be interrupted while it computes.
	Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error
	// Apply writes the size bytes that patch makes of old. size comes from signed metadata.
	// Cancelling ctx takes effect between the codec's phases, which for 100 MB are seconds long.
	Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error
}

// shipped lists what this build has, the one that takes longest to make a patch last. A new codec is one more line.
func shipped() []shippedCodec {
	return []shippedCodec{
		goexe.Codec{},
		zstd.Codec{},
		bsdiff.Codec{},
	}
}

type shippedCodec interface {
	Codec
	recogniser
}

// Codecs returns every codec that this build can apply.
func Codecs() []Codec {
	var all []Codec
	for _, c := range shipped() {
		all = append(all, guarded{c})
	}
	return all
}

// ByName returns the codec that the feed calls name.
func ByName(name string) (Codec, bool) {
	all := Codecs()
	i := slices.IndexFunc(all, func(c Codec) bool { return c.Name() == name })
	if i < 0 {
		return nil, false
	}
	return all[i], true
}

// errPanic marks what recover caught. It is the last net: the tests hold every codec to never needing it.
var errPanic = errors.New("the codec panicked")

// guarded holds every codec to the package's promises, whatever its library does.
type guarded struct{ Codec }

func (g guarded) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("make %s patch: %w: %v", g.Name(), errPanic, p)
		}
	}()
	if err = g.Codec.Diff(ctx, old, new, patch); err != nil {
		return fmt.Errorf("make %s patch: %w", g.Name(), err)
	}
	return nil
}

func (g guarded) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) (err error) {
	if size < 0 {
		return fmt.Errorf("apply %s patch: a result of %d bytes: %w", g.Name(), size, ErrCorrupt)
	}
	var ioErr error
	in := &watchedReader{r: patch, err: &ioErr}
	from := io.NewSectionReader(&watchedReaderAt{r: old, err: &ioErr}, 0, old.Size())
	to := &boundedWriter{w: out, left: size, err: &ioErr}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("apply %s patch: %w: %w: %v", g.Name(), ErrCorrupt, errPanic, p)
		}
	}()
	err = g.Codec.Apply(ctx, from, in, size, to)
	switch {
	case ioErr != nil:
		return fmt.Errorf("apply %s patch: %w", g.Name(), ioErr)
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("apply %s patch: %w", g.Name(), context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("apply %s patch: %w: %w", g.Name(), ErrCorrupt, err)
	case to.left != 0:
		return fmt.Errorf("apply %s patch: %w: the result is %d bytes short", g.Name(), ErrCorrupt, to.left)
	}
	return nil
}

// ApplySum is codec's Apply, and returns the SHA-256 of the old file as well. It saves the time for that where the codec
// takes it anyway, to see whether the patch is for this file.
func ApplySum(ctx context.Context, codec Codec, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) (sum [sha256.Size]byte, err error) {
	if g, ok := codec.(guarded); ok {
		if s, ok := g.Codec.(summer); ok {
			err = guarded{summing{s, &sum}}.Apply(ctx, old, patch, size, out)
			return sum, err
		}
	}
	if err := codec.Apply(ctx, old, patch, size, out); err != nil {
		return sum, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(old, 0, old.Size())); err != nil {
		return sum, fmt.Errorf("read the old file: %w", err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}

// summer is a codec that needs the old file's SHA-256.
type summer interface {
	Codec
	ApplySum(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) ([sha256.Size]byte, error)
}

// summing keeps the hash.
type summing struct {
	summer
	sum *[sha256.Size]byte
}

func (s summing) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) (err error) {
	*s.sum, err = s.summer.ApplySum(ctx, old, patch, size, out)
	return err
}

// The watched types remember errors of the disk: those are not the patch's fault.
type watchedReader struct {
	r   io.Reader
	err *error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		*w.err = err
	}
	return n, err
}

type watchedReaderAt struct {
	r   io.ReaderAt
	err *error
}

func (w *watchedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.r.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		*w.err = err
	}
	return n, err
}

var errTooLong = errors.New("the result is longer than signed")

type boundedWriter struct {
	w    io.Writer
	left int64
	err  *error
}

func (b *boundedWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		return 0, errTooLong
	}
	n, err := b.w.Write(p)
	b.left -= int64(n)
	if err != nil {
		*b.err = err
	}
	return n, err
}
