package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/minio/selfupdate"
	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Download is the path to which the file called name is to be downloaded.
func (i *Install) Download(name string) string {
	return filepath.Join(i.state.Name(), downloads, filepath.Base(name)+unverified)
}

// Accept checks the length and SHA-256 of the download called name, makes it durable, takes ".unverified" off its
// name and returns its path. A wrong file is deleted and [ErrCorrupt]; one that is too short is left for the download
// to go on with, and [ErrIncomplete]. A file accepted before is checked again and returned.
func (i *Install) Accept(name string, want release.Blob) (verified string, err error) {
	err = i.exclusive("accept "+name, func() error {
		good := filepath.Join(downloads, filepath.Base(name))
		expected := Artifact{Length: want.Length, SHA256: want.SHA256}
		source := good + unverified
		switch info, err := i.state.Lstat(source); {
		case errors.Is(err, fs.ErrNotExist):
			source = good
		case err == nil && info.Size() < want.Length:
			return fmt.Errorf("%s has %d of %d bytes: %w", source, info.Size(), want.Length, ErrIncomplete)
		}
		if err := i.check(source, expected); err != nil {
			return err
		}
		if source != good {
			if err := durable.Sync(i.state, source); err != nil {
				return classify(err, i.state.Name())
			}
			if err := durable.Rename(i.state, source, good); err != nil {
				return classify(err, i.state.Name())
			}
		}
		verified = filepath.Join(i.state.Name(), good)
		return nil
	})
	return verified, err
}

// check compares a file in the state folder with what it must be and deletes it where it differs.
func (i *Install) check(name string, want Artifact) error {
	got, err := measure(i.state, name)
	return i.judge(i.state, name, got, want, err)
}

// judge deletes what is not what it must be.
func (i *Install) judge(root *os.Root, name string, got, want Artifact, err error) error {
	if err != nil {
		return err
	}
	if got == want {
		return nil
	}
	i.log.Warn("install: deleted a wrong file", "file", name, "length", got.Length, "want", want.Length, "sha256", got.SHA256, "wanted", want.SHA256)
	return errors.Join(fmt.Errorf("%s: %w", name, ErrCorrupt), remove(root, name))
}

// patch lets selfupdate apply, check and write. What it leaves out is done by seal: it does not sync, ignores errors on close, and does not
// compare what reached the disk. A nil from is the target.
func (i *Install) patch(ctx context.Context, s Step, from *os.File) error {
	patch, err := os.Open(s.Patch)
	if err != nil {
		return err
	}
	defer patch.Close()
	patcher := &watchedPatcher{Patcher: delta.NewPatcher(ctx, s.Codec, s.Want.Length), from: from}
	err = selfupdate.PrepareAndCheckBinary(patch, selfupdate.Options{
		TargetPath: i.target,
		TargetMode: newMode,
		Checksum:   s.Want.SHA256[:],
		Patcher:    patcher,
	})
	if err == nil {
		return nil
	}
	var file *fs.PathError
	// selfupdate has no type for a wrong checksum; it is what is left when the codec and the disk are well.
	wrongSum := patcher.done && !errors.As(err, &file)
	if wrongSum || errors.Is(err, delta.ErrCorrupt) {
		patch.Close() // Windows does not delete what is open
		err = errors.Join(fmt.Errorf("%w (%w)", ErrCorrupt, err), os.Remove(s.Patch))
	}
	return err
}

type watchedPatcher struct {
	delta.Patcher
	from *os.File // instead of the target; nil: the target
	done bool
}

func (w *watchedPatcher) Patch(old io.Reader, new io.Writer, patch io.Reader) error {
	if w.from != nil {
		old = w.from
	}
	err := w.Patcher.Patch(old, new, patch)
	w.done = err == nil
	return err
}

// newMode is for a file that is not whole yet: nobody else needs it, and nobody runs it.
const newMode = 0o600

// Unpack stages the full artifact from a verified zstd file; that of a folder is a patch of trees that starts from nothing. It needs about 20 MB of memory whatever the size.
func (i *Install) Unpack(ctx context.Context, verifiedZst string, want Artifact) error {
	return i.exclusive("unpack the new version", func() error {
		return i.stage(want, func() error {
			if i.tree() {
				return i.plant(ctx, verifiedZst, true, want)
			}
			return i.unpack(ctx, verifiedZst, want)
		})
	})
}

func (i *Install) unpack(ctx context.Context, path string, want Artifact) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := i.folder.OpenFile(i.newName(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, newMode)
	if err != nil {
		return err
	}
	sum := sha256.New()
	err = zstd.Decompress(ctx, in, want.Length, io.MultiWriter(out, sum))
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil && release.Digest(sum.Sum(nil)) != want.SHA256 {
		err = ErrCorrupt
	}
	if errors.Is(err, zstd.ErrCorrupt) || errors.Is(err, ErrCorrupt) {
		in.Close()
		err = errors.Join(fmt.Errorf("%w (%w)", ErrCorrupt, err), os.Remove(path))
	}
	return err
}

// stage surrounds the making of the staged file by what all ways have in common. produce writes it under the name of the unfinished one.
func (i *Install) stage(want Artifact, produce func() error) error {
	r, err := i.load()
	if err != nil {
		return err
	}
	// What was interrupted is ended first, so that no start is needed for that.
	if _, err := i.settle(&r); err != nil {
		return err
	}
	if r.Phase != idle && r.Phase != rolledBack {
		return ErrUnproven
	}
	known := fingerprints{}
	current, err := i.take(known, i.base)
	if err != nil {
		return err
	}
	if err := i.unstage(&r); err != nil {
		return classify(err, i.folder.Name())
	}
	err = produce()
	i.point("produced")
	if err == nil {
		err = i.seal(want, known)
	}
	if err != nil {
		return errors.Join(classify(err, i.folder.Name()), remove(i.folder, i.newName()))
	}
	i.point("staged")
	maps.Copy(known, r.Known)
	r.Staged, r.Known = &pair{Old: current, New: want}, known
	return i.save(r)
}

// seal turns the unfinished file into the staged one: it gets what the target has besides bytes, and what reached the disk is measured.
func (i *Install) seal(want Artifact, known fingerprints) error {
	if err := i.dress(i.newName()); err != nil {
		return err
	}
	if err := durable.Sync(i.folder, i.newName()); err != nil {
		return err
	}
	made, err := i.take(known, i.newName())
	if err != nil {
		return err
	}
	if made != want {
		return fmt.Errorf("%s changed on disk: %w", i.newName(), ErrCorrupt)
	}
	i.point("sealed")
	return durable.Rename(i.folder, i.newName(), i.stagedName())
}

// unstage forgets the staged file, in this order: a record without a file would be a promise.
func (i *Install) unstage(r *record) error {
	if r.Staged != nil {
		r.Staged = nil
		if err := i.save(*r); err != nil {
			return err
		}
	}
	return errors.Join(remove(i.folder, i.stagedName()), remove(i.folder, i.newName()))
}

// staged returns the record when the staged file is still what was verified and the target is still what it was
// made for.
func (i *Install) staged() (record, error) {
	r, err := i.load()
	if err != nil {
		return r, err
	}
	if r.Staged == nil {
		return r, ErrNotStaged
	}
	got, err := i.recognise(r.Known, i.stagedName())
	if err := i.judge(i.folder, i.stagedName(), got, r.Staged.New, err); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = ErrNotStaged
		}
		return r, errors.Join(err, i.unstage(&r))
	}
	current, err := i.recognise(r.Known, i.base)
	if err != nil {
		return r, err
	}
	if current != r.Staged.Old {
		return r, errors.Join(ErrChanged, i.unstage(&r))
	}
	return r, nil
}

// GoBack stages the version that was in place before this one: Trial and Swap make it the program again, in probation like any other, and
// keep the one that is there now, so that it can be gone back to in its turn. It needs no network. It returns what is staged;
// [ErrNoPrevious] where none is kept, [ErrUnproven] while this version is in probation: RollBack is the way from there.
func (i *Install) GoBack() (Artifact, error) {
	var staged Artifact
	err := i.exclusive("stage the previous version", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		if _, err := i.settle(&r); err != nil {
			return err
		}
		switch {
		case r.Phase != idle && r.Phase != rolledBack:
			return ErrUnproven
		case r.Kept == nil:
			return ErrNoPrevious
		}
		if err := i.keeps(r, r.Kept.Old); err != nil {
			return err
		}
		if err := i.unstage(&r); err != nil {
			return classify(err, i.folder.Name())
		}
		if err := i.twin(); err != nil {
			return errors.Join(classify(err, i.folder.Name()), remove(i.folder, i.newName()))
		}
		i.point("staged")
		r.Staged, staged = &pair{Old: r.Kept.New, New: r.Kept.Old}, r.Kept.Old
		return i.save(r)
	})
	return staged, err
}

// twin gives the kept version a second name, as the staged one.
func (i *Install) twin() error {
	if !i.tree() {
		return durable.Link(i.folder, i.previousName(), i.stagedName())
	}
	if err := durable.LinkTree(i.folder, i.previousName(), i.newName()); err != nil {
		return err
	}
	if err := i.dress(i.newName()); err != nil {
		return err
	}
	return durable.Rename(i.folder, i.newName(), i.stagedName())
}

// Previous is the version that is kept to go back to by hand, or [ErrNoPrevious].
func (i *Install) Previous() (Artifact, error) {
	r, err := i.load()
	if err != nil {
		return Artifact{}, err
	}
	if r.Kept == nil {
		return Artifact{}, ErrNoPrevious
	}
	return r.Kept.Old, nil
}

// Discard drops what is staged and downloaded.
func (i *Install) Discard() error {
	return i.exclusive("discard the update", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		return classify(errors.Join(i.unstage(&r), i.clearDownloads()), i.folder.Name())
	})
}

func (i *Install) clearDownloads() error {
	entries, err := fs.ReadDir(i.state.FS(), downloads)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := i.state.RemoveAll(filepath.Join(downloads, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
