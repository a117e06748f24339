package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// treeCodec is what stands for a codec where the patch is one of folders.
const treeCodec = "tree"

// folder tells whether a name is that of a folder.
func folder(name string) (bool, error) {
	info, err := os.Stat(name)
	return err == nil && info.IsDir(), err
}

// bothFolders tells whether two names are those of folders. One of each is an
// error.
func bothFolders(old, new string) (bool, error) {
	a, err := folder(old)
	if err != nil {
		return false, err
	}
	b, err := folder(new)
	if err != nil {
		return false, err
	}
	if a != b {
		return false, fmt.Errorf("%s and %s must both be files, or both folders", old, new)
	}
	return a, nil
}

func (t *tool) diffTrees(ctx context.Context, oldName, newName, out, codec string) error {
	began := time.Now()
	if err := outside(out, oldName, newName); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "vcm-diff-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var res deltaResult
	err = writeOutput(out, 0o644, func(w io.Writer) error {
		bar := t.progress()
		res, err = promptly(ctx, func() (deltaResult, error) {
			return provenTree(ctx, oldName, newName, scratch, codec, bar)
		})
		bar.end()
		if err := cmp.Or(interrupted(ctx), err); err != nil {
			return err
		}
		made, err := os.Open(filepath.Join(scratch, "patch"))
		if err != nil {
			return err
		}
		defer made.Close()
		_, err = io.Copy(w, made)
		return err
	})
	if err != nil {
		return err
	}
	res.deltaCost = costSince(began)
	return t.print(res, func(w io.Writer) {
		res.describe(w, out)
		fmt.Fprintf(w, "  the new folder is %s\n", res.SHA256)
	})
}

// provenTree writes scratch/patch and builds scratch/new out of it.
func provenTree(ctx context.Context, oldName, newName, scratch, codec string, bar *bar) (deltaResult, error) {
	codecs := delta.Codecs()
	if chosen, ok := delta.ByName(codec); ok {
		codecs = []delta.Codec{chosen}
	}
	old, err := os.OpenRoot(oldName)
	if err != nil {
		return deltaResult{}, err
	}
	defer old.Close()
	new, err := os.OpenRoot(newName)
	if err != nil {
		return deltaResult{}, err
	}
	defer new.Close()
	patch, err := os.Create(filepath.Join(scratch, "patch"))
	if err != nil {
		return deltaResult{}, err
	}
	defer patch.Close()
	bar.show("reading", 0, 0)
	before, err := tree.Scan(ctx, old)
	if err != nil {
		return deltaResult{}, fmt.Errorf("%s: %w", oldName, err)
	}
	after, err := tree.Diff(ctx, old, new, codecs, patch, func(p tree.Progress) { bar.show("making patches, "+p.Path, p.Done, p.Total) })
	if err != nil {
		return deltaResult{}, err
	}
	length, err := patch.Seek(0, io.SeekCurrent)
	if err != nil {
		return deltaResult{}, err
	}
	if _, err := patch.Seek(0, io.SeekStart); err != nil {
		return deltaResult{}, err
	}
	bar.show("proving them", 0, 0)
	if err := proveTree(ctx, old, patch, after.Digest(), filepath.Join(scratch, "new")); err != nil {
		return deltaResult{}, err
	}
	return deltaResult{
		Codec: treeCodec, Old: before.Size(), New: after.Size(), Patch: length,
		OldSHA256: release.Digest(before.Digest()), SHA256: release.Digest(after.Digest()),
	}, nil
}

// proveTree builds the new folder once and leaves nothing of it.
func proveTree(ctx context.Context, old *os.Root, patch io.Reader, want tree.Digest, dir string) error {
	out, err := makeRoot(dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	defer out.Close()
	_, err = tree.Apply(ctx, old, patch, want, out)
	return err
}

func makeRoot(dir string) (*os.Root, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// patchTree builds a folder beside out and gives it its name once it is whole.
func (t *tool) patchTree(ctx context.Context, oldName, patchName, out string, want *release.Digest) error {
	began := time.Now()
	if want == nil {
		return usageError{errors.New("a folder is only built against its SHA-256, which vcm diff prints: give it with --expect")}
	}
	if err := cmp.Or(outside(out, oldName), vacant(out)); err != nil {
		return err
	}
	old, err := os.OpenRoot(oldName)
	if err != nil {
		return err
	}
	defer old.Close()
	patch, _, err := openSection(patchName)
	if err != nil {
		return err
	}
	if !tree.IsPatch(patch) {
		return fmt.Errorf("%s is not a patch of folders, as %s is one", patchName, oldName)
	}
	temp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(out)), ".vcm-patch-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	built, err := makeRoot(filepath.Join(temp, "new"))
	if err != nil {
		return err
	}
	defer built.Close()
	bar := t.progress()
	bar.show("building "+out, 0, 0)
	manifest, err := promptly(ctx, func() (tree.Manifest, error) { return tree.Apply(ctx, old, patch, tree.Digest(*want), built) })
	bar.end()
	built.Close() // what was left behind can make nothing in it any more
	if err := cmp.Or(interrupted(ctx), err); err != nil {
		return err
	}
	if err := place(temp, out); err != nil {
		return err
	}
	res := deltaResult{Codec: treeCodec, New: manifest.Size(), Patch: patch.Size(), SHA256: *want, deltaCost: costSince(began)}
	if t.json {
		before, err := tree.Scan(ctx, old)
		if err != nil {
			return err
		}
		res.Old, res.OldSHA256 = before.Size(), release.Digest(before.Digest())
	}
	return t.print(res, func(w io.Writer) {
		fmt.Fprintf(w, "Built %s: %s, SHA-256 %s\n", out, strings.TrimSpace(size(res.New)), res.SHA256)
	})
}

// outside refuses the name of a result that would become a part of what is read.
func outside(name string, folders ...string) error {
	where, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		from, err := filepath.Abs(folder)
		if err != nil {
			return err
		}
		if way, err := filepath.Rel(from, where); err == nil && filepath.IsLocal(way) {
			return usageError{fmt.Errorf("-o %s lies in %s, which is read: give a name elsewhere", name, folder)}
		}
	}
	return nil
}

// vacant tells whether a folder can get that name: nothing has it, or an empty
// folder.
func vacant(name string) error {
	there, err := os.ReadDir(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case len(there) > 0:
		return fmt.Errorf("%s is not empty", name)
	}
	return nil
}

// place moves temp/new to out, over an empty folder at most.
func place(temp, out string) error {
	out = filepath.Clean(out)
	if err := os.Remove(out); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	root, err := os.OpenRoot(filepath.Dir(out))
	if err != nil {
		return err
	}
	defer root.Close()
	return durable.Rename(root, filepath.Join(filepath.Base(temp), "new"), filepath.Base(out))
}
