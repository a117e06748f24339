package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// Step is one patch of a chain and what it must make.
type Step struct {
	Codec delta.Codec // not looked at where the target is a folder: a patch of trees names those it uses
	Patch string      // path of the verified patch
	Want  Artifact
}

// Patch makes the new executable of the target's bytes and a verified patch, and stages it beside the target. A patch
// that does not yield what is wanted is deleted: [ErrCorrupt], and the full artifact is the way. Memory: old +
// new + patch and some MB.
func (i *Install) Patch(ctx context.Context, codec delta.Codec, verifiedPatch string, want Artifact) error {
	return i.Chain(ctx, []Step{{codec, verifiedPatch, want}})
}

// Chain is Patch for several patches, each of which goes on from what the one before made. That is held to its length
// and SHA-256 before the next patch is applied to it, lies among the downloads, and is removed again, whatever happens.
func (i *Install) Chain(ctx context.Context, steps []Step) error {
	if len(steps) == 0 {
		return errors.New("apply the patches: there are none")
	}
	last := len(steps) - 1
	return i.exclusive("apply the patch", func() error {
		if i.tree() {
			if last > 0 {
				return errors.New("patches of folders are applied one at a time; take the full artifact")
			}
			return i.stage(steps[0].Want, func() error { return i.plant(ctx, steps[0].Patch, false, steps[0].Want) })
		}
		return i.stage(steps[last].Want, func() error {
			between, err := i.lead(ctx, steps[:last])
			if between != nil {
				defer i.drop(between)
			}
			if err != nil {
				return err
			}
			return i.patch(ctx, steps[last], between)
		})
	})
}

// lead applies all patches but the last, and returns what they made: nil where there are none, so that the last starts from the target.
func (i *Install) lead(ctx context.Context, steps []Step) (*os.File, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	from, err := i.folder.Open(i.base)
	if err != nil {
		return nil, err
	}
	drop := func() { from.Close() }
	for n, s := range steps {
		made, err := i.between(ctx, from, s)
		drop()
		if err != nil {
			return nil, fmt.Errorf("patch %d of %d: %w", n+1, len(steps)+1, err)
		}
		i.point("between")
		from, drop = made, func() { i.drop(made) }
	}
	return from, nil
}

// between makes an artifact on the way. It is not synced: nobody looks for it after a crash, and what is left of it goes with the downloads.
func (i *Install) between(ctx context.Context, from *os.File, s Step) (*os.File, error) {
	info, err := from.Stat()
	if err != nil {
		return nil, err
	}
	good := filepath.Join(downloads, s.Want.SHA256.String()+".between")
	temp := good + unverified
	if err := i.makeBetween(ctx, io.NewSectionReader(from, 0, info.Size()), s, temp); err != nil {
		return nil, errors.Join(err, remove(i.state, temp))
	}
	if err := durable.Rename(i.state, temp, good); err != nil {
		return nil, errors.Join(err, remove(i.state, temp))
	}
	made, err := i.state.Open(good)
	if err != nil {
		return nil, errors.Join(err, remove(i.state, good))
	}
	return made, nil
}

func (i *Install) makeBetween(ctx context.Context, from *io.SectionReader, s Step, temp string) error {
	if err := remove(i.state, temp); err != nil {
		return err
	}
	patch, err := os.Open(s.Patch)
	if err != nil {
		return err
	}
	defer patch.Close()
	out, err := i.state.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = s.Codec.Apply(ctx, from, patch, s.Want.Length, out)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = i.check(temp, s.Want)
	}
	if errors.Is(err, delta.ErrCorrupt) || errors.Is(err, ErrCorrupt) {
		patch.Close() // Windows does not delete what is open
		err = errors.Join(fmt.Errorf("%w (%w)", ErrCorrupt, err), os.Remove(s.Patch))
	}
	return err
}

// drop closes and removes an artifact on the way. One that stays goes with the downloads.
func (i *Install) drop(between *os.File) {
	between.Close()
	if err := remove(i.state, filepath.Join(downloads, filepath.Base(between.Name()))); err != nil {
		i.log.Warn("install: left an artifact on the way", "because", err)
	}
}
