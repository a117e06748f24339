package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// folderMode is for a tree that is not whole yet.
const folderMode = 0o700

// tree says whether the target is a folder.
func (i *Install) tree() bool { return i.program != "" }

// executable is what there is to start in the file or tree called name.
func (i *Install) executable(name string) string {
	return filepath.Join(i.folder.Name(), name, filepath.FromSlash(i.program))
}

// scan measures a tree: its length is that of all its files, its SHA-256 the manifest's.
func (i *Install) scan(name string) (Artifact, error) {
	root, err := i.within(name)
	if err != nil {
		return Artifact{}, err
	}
	defer root.Close()
	m, err := tree.Scan(context.Background(), root)
	if err != nil {
		return Artifact{}, err
	}
	return Artifact{Length: m.Size(), SHA256: release.Digest(m.Digest())}, nil
}

func (i *Install) within(name string) (*os.Root, error) {
	info, err := i.folder.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", filepath.Join(i.folder.Name(), name))
	}
	return i.folder.OpenRoot(name)
}

// plant builds the unfinished tree of a verified patch of trees: from the target's, or from none, which makes it the full artifact.
func (i *Install) plant(ctx context.Context, path string, full bool, want Artifact) error {
	if err := i.folder.Mkdir(i.newName(), folderMode); err != nil {
		return err
	}
	out, err := i.folder.OpenRoot(i.newName())
	if err != nil {
		return err
	}
	defer out.Close()
	var old *os.Root
	if !full {
		if old, err = i.within(i.base); err != nil {
			return err
		}
		defer old.Close()
	}
	patch, err := os.Open(path)
	if err != nil {
		return err
	}
	defer patch.Close()
	_, err = tree.Apply(ctx, old, patch, tree.Digest(want.SHA256), out)
	if errors.Is(err, delta.ErrCorrupt) || errors.Is(err, tree.ErrChanged) {
		err = errors.Join(fmt.Errorf("%w (%w)", ErrCorrupt, err), os.Remove(path))
	}
	return err
}

// dressTree gives everything in a tree the owner of the tree.
func (i *Install) dressTree(name string) error {
	root, err := i.within(name)
	if err != nil {
		return err
	}
	defer root.Close()
	top, err := root.Stat(".")
	if err != nil {
		return err
	}
	uid, gid, ok := owner(top)
	if !ok {
		return nil
	}
	return fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if u, g, _ := owner(info); u == uid && g == gid {
			return nil
		}
		if err := root.Lchown(filepath.FromSlash(p), uid, gid); err != nil {
			return err
		}
		if info.Mode().Type() == fs.ModeSymlink {
			return nil
		}
		return root.Chmod(filepath.FromSlash(p), info.Mode().Perm()) // giving a file away takes some of them
	})
}

// replaceTree lets the staged tree and the target trade places, and then gives the old one its name. Where that cannot be done in one step it
// takes two, and a crash between them leaves no target until Recover runs.
func (i *Install) replaceTree() error {
	if err := i.folder.RemoveAll(i.previousName()); err != nil {
		return err
	}
	i.point("room for the old tree")
	err := i.exchange(i.folder, i.stagedName(), i.base)
	if errors.Is(err, errors.ErrUnsupported) {
		if err := durable.Rename(i.folder, i.base, i.previousName()); err != nil {
			return err
		}
		i.point("moved aside")
		return durable.Rename(i.folder, i.stagedName(), i.base)
	}
	if err != nil {
		return err
	}
	i.point("exchanged")
	return durable.Rename(i.folder, i.stagedName(), i.previousName())
}

// keepTree ends replaceTree where it was interrupted after the exchange.
func (i *Install) keepTree(r record) error {
	if !i.tree() || i.holds(r, i.previousName(), r.Move.Old) || !i.holds(r, i.stagedName(), r.Move.Old) {
		return nil
	}
	if err := i.folder.RemoveAll(i.previousName()); err != nil {
		return err
	}
	return durable.Rename(i.folder, i.stagedName(), i.previousName())
}

// restoreTree is replaceTree backwards. The tree that is no good is removed; what is left of it Recover removes.
func (i *Install) restoreTree(r record) error {
	kept := i.previousName()
	if !i.holds(r, kept, r.Move.Old) {
		kept = i.stagedName() // the swap did not get so far as to give it its name
	}
	bad := kept
	err := i.exchange(i.folder, kept, i.base)
	if errors.Is(err, errors.ErrUnsupported) {
		bad = i.failedName()
		if err := i.folder.RemoveAll(bad); err != nil {
			return err
		}
		if err := durable.Rename(i.folder, i.base, bad); err != nil {
			return err
		}
		i.point("moved aside")
		err = durable.Rename(i.folder, kept, i.base)
		if err != nil {
			return errors.Join(err, durable.Rename(i.folder, bad, i.base))
		}
	}
	if err != nil {
		return err
	}
	i.point("exchanged")
	if err := i.folder.RemoveAll(bad); err != nil {
		i.log.Info("install: left a useless tree", "folder", bad, "because", err)
	}
	return nil
}
