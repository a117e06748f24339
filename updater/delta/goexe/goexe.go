// Package goexe makes patches between two versions of a Go program that are a fraction of what a general tool needs.
//
// A new version of a program is mostly the old one, moved: every call, pointer and table offset differs although nothing
// has changed. This codec knows what points at what in an executable of Go's linker. It predicts each reference of the
// new file from where things went, makes the tables that the linker derives anew, and carries only what is wrong or new.
// The format is described in docs/delta-format.md.
//
// Parties. A builder reads both files; a patcher reads the old one and the patch. Both run the same code over the same
// models, so formatNumber changes whenever either would do something else.
//
// Trust. A patch is hostile until the hash of its result is proven, and nothing here proves it. Every length in it is held
// against the signed size of the result before memory is taken; no patch makes Apply panic, read or write outside, or
// take more than old + new + 64 MiB. It can only yield wrong bytes.
//
// Guarantees. The new file is written once, from front to back. Files that are not Go 1.23 to 1.26 executables (ELF, PE or
// Mach-O, amd64 or arm64) of the linker's usual layout are refused with [ErrUnsupported]: another codec is for them.
//
// A crash leaves nothing: no file is touched.
package goexe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/match"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pack"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
)

// ErrUnsupported says that a file is no Go executable that this codec understands.
var ErrUnsupported = image.ErrUnsupported

// maxFile is the size of files that this codec takes, in bytes: references keep their places in 32 bits.
const maxFile = math.MaxUint32

// Codec makes and applies goexe patches. Its zero value is ready; its methods may run at once.
type Codec struct{}

// Name returns "goexe".
func (Codec) Name() string { return "goexe" }

// Diff writes a patch that turns old into new. It takes about nine times the size of old in memory.
func (Codec) Diff(ctx context.Context, old, new *io.SectionReader, patch io.Writer) error {
	b, err := diff(ctx, old, new, nil)
	if err != nil {
		return err
	}
	_, err = patch.Write(b)
	return err
}

func diff(ctx context.Context, old, new *io.SectionReader, account *ledger) ([]byte, error) {
	before, err := readProgram(old)
	if err != nil {
		return nil, fmt.Errorf("the old file: %w", err)
	}
	after, err := readProgram(new)
	if err != nil {
		return nil, fmt.Errorf("the new file: %w", err)
	}
	if before.image.Format != after.image.Format || before.image.Arch != after.image.Arch {
		return nil, tooDifferent{errors.New("they are for different systems or processors")}
	}
	plan, err := newPlan(ctx, before, after)
	if err != nil {
		return nil, err
	}
	runtime.GC() // what the search took would otherwise stand beside what packing takes
	p := pass{c: entropy.NewEncoder(), old: before, size: uint64(new.Size()), plan: plan, room: newRoom(uint64(new.Size())), account: account}
	p.lit = &literals{inline: fewLiterals(literalBytes(plan.ops), p.size)}
	if err := p.run(ctx, io.Discard); err != nil {
		if ctx.Err() == nil && !errors.Is(err, errDiffers) {
			err = tooDifferent{err}
		}
		return nil, err
	}
	k := container{size: p.size, old: fingerprintOf(before.image.Data), new: fingerprintOf(after.image.Data)}
	k.numbers = p.c.Bytes()
	unpacked := uint64(0)
	for i, l := range p.lit.collected {
		if len(l) > 0 {
			unpacked += uint64(len(l))
			k.literals[i] = pack.Pack(l)
			account.addBytes(len(k.literals[i]), "literals: ", refs.Group(i).String())
		}
	}
	if err := p.room.take(k.length() + unpacked); err != nil {
		return nil, tooDifferent{err}
	}
	if k.length() > maxPatch(p.size) {
		return nil, tooDifferent{errors.New("a patch would be too long")}
	}
	return k.bytes(), nil
}

// tooDifferent is why the format cannot say how the new file comes from the old one, although it knows both.
type tooDifferent struct{ error }

func (e tooDifferent) Error() string {
	return "the files have too little in common: " + e.error.Error()
}

func (tooDifferent) Is(target error) bool { return target == errors.ErrUnsupported }

// newPlan finds out how the new program comes from the old one.
func newPlan(ctx context.Context, before, after *program) (*plan, error) {
	if err := after.funcs.Verify(); err != nil {
		return nil, fmt.Errorf("the new file: %w", err)
	}
	after.tables.Verify(after.image, derived.Entries(after.image))
	size := uint64(len(after.image.Data))
	spans, ok := after.tables.Spans(after.image, size)
	if !ok {
		return nil, fmt.Errorf("the new file: %w: %w", ErrUnsupported, errSpans)
	}
	plain := plainOf(spans, size)
	found, err := match.Find(ctx, before.refs, after.refs, plain.spans)
	if err != nil {
		return nil, err
	}
	if n := uint64(len(found.Ops)); n > remap.MaxOps(plain.size) {
		return nil, tooDifferent{fmt.Errorf("%d operations for %d bytes", n, plain.size)}
	}
	return &plan{new: after, align: found.Functions, ops: found.Ops}, nil
}

// Apply writes the size bytes that patch makes of old.
func (c Codec) Apply(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error {
	_, err := c.ApplySum(ctx, old, patch, size, out)
	return err
}

// ApplySum is Apply, and returns the SHA-256 of old.
func (Codec) ApplySum(ctx context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) (sum [sha256.Size]byte, err error) {
	if size < 0 || size > maxFile {
		return sum, fmt.Errorf("a result of %d bytes", size)
	}
	k, err := readContainer(patch, uint64(size))
	if err != nil {
		return sum, err
	}
	data, err := read(old)
	if err != nil {
		return sum, err
	}
	sum = sha256.Sum256(data)
	if fingerprint(sum[:len(k.old)]) != k.old {
		return sum, errOtherOld
	}
	return sum, k.apply(ctx, data, out)
}

// apply makes the new file of the old one.
func (k *container) apply(ctx context.Context, old []byte, out io.Writer) error {
	before, err := open(old)
	if err != nil {
		return err
	}
	p := pass{c: entropy.NewDecoder(k.numbers), old: before, size: k.size, lit: new(literals), room: newRoom(k.size)}
	if err := p.room.take(k.length()); err != nil {
		return err
	}
	limit := min(k.size, uint64(p.room))
	for i, b := range k.literals {
		if p.lit.packed[i], err = pack.Unpack(b, limit); err != nil {
			return err
		}
		limit -= uint64(len(p.lit.packed[i]))
		if err := p.room.take(uint64(len(p.lit.packed[i]))); err != nil {
			return err
		}
	}
	return p.run(ctx, out)
}

func readProgram(r *io.SectionReader) (*program, error) {
	data, err := read(r)
	if err != nil {
		return nil, err
	}
	return open(data)
}

func read(r *io.SectionReader) ([]byte, error) {
	if r.Size() > maxFile {
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrUnsupported, int64(maxFile))
	}
	return bounded.All(r)
}
