package tree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
)

const chunk = 64 << 10

// Scan reads a tree from disk and hashes its files. Nothing may change the tree meanwhile. A tree that breaks the rules of
// [New], or holds what is neither file, folder nor link, is [ErrUnfit].
func Scan(ctx context.Context, root *os.Root) (Manifest, error) {
	m, err := scan(ctx, root, func(info fs.FileInfo) fs.FileMode { return info.Mode() })
	if err != nil {
		return Manifest{}, fmt.Errorf("scan %s: %w", root.Name(), err)
	}
	return m, nil
}

// scanOld is Scan for a tree whose permissions do not matter. A nil root is the empty tree.
func scanOld(ctx context.Context, root *os.Root) (Manifest, error) {
	if root == nil {
		return Manifest{}, nil
	}
	m, err := scan(ctx, root, func(fs.FileInfo) fs.FileMode { return listedMode })
	if err != nil {
		return Manifest{}, fmt.Errorf("scan the old tree %s: %w", root.Name(), err)
	}
	return m, nil
}

func scan(ctx context.Context, root *os.Root, mode func(fs.FileInfo) fs.FileMode) (Manifest, error) {
	var entries []Entry
	err := fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case path == ".":
			return nil
		case len(entries) == MaxEntries:
			return unfit("more than %d entries", MaxEntries)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		e, err := scanEntry(ctx, root, path, info)
		if err != nil {
			return err
		}
		if e.Kind != Link {
			e.Mode = mode(info) &^ fs.ModeDir
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return Manifest{}, err
	}
	return New(entries)
}

func scanEntry(ctx context.Context, root *os.Root, path string, info fs.FileInfo) (e Entry, err error) {
	e.Path = path
	switch info.Mode().Type() {
	case 0:
		e.Kind = File
		e.Length, e.SHA256, err = measure(ctx, root, path)
	case fs.ModeDir:
		e.Kind = Folder
	case fs.ModeSymlink:
		if !linksWork {
			return e, fmt.Errorf("%s: %w", path, ErrLinks)
		}
		e.Kind = Link
		e.Target, err = root.Readlink(path)
	default:
		return e, unfit("%q is neither file, folder nor link", clip(path))
	}
	return e, err
}

func measure(ctx context.Context, root *os.Root, path string) (int64, Digest, error) {
	f, err := root.Open(path)
	if err != nil {
		return 0, Digest{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := pump(ctx, sum, f)
	return n, digestOf(sum), err
}

func digestOf(sum hash.Hash) Digest { return Digest(sum.Sum(nil)) }

// pump copies and looks at ctx between chunks.
func pump(ctx context.Context, dst io.Writer, src io.Reader) (int64, error) {
	var done int64
	buf := make([]byte, chunk)
	for {
		if ctx.Err() != nil {
			return done, context.Cause(ctx)
		}
		n, err := src.Read(buf)
		done += int64(n)
		if _, err := dst.Write(buf[:n]); err != nil {
			return done, err
		}
		switch {
		case err == io.EOF:
			return done, nil
		case err != nil:
			return done, err
		}
	}
}
