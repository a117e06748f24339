//go:build linux

package release

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A tree is the text of the sources that an app is built from, by slash-separated name.
type tree map[string][]byte

// sourceNames are the files and folders that go into an app.
var sourceNames = []string{"go.mod", "go.sum", "main.go", "wails.json", "app", "updater", "internal", "frontend"}

// built are folders that sources are turned into.
var built = []string{"frontend/node_modules", "frontend/dist"}

func readTree(root string) (tree, error) {
	t := tree{}
	for _, name := range sourceNames {
		err := filepath.WalkDir(filepath.Join(root, name), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			rel = filepath.ToSlash(rel)
			if d.IsDir() {
				if slices.Contains(built, rel) {
					return fs.SkipDir
				}
				return nil
			}
			if !d.Type().IsRegular() || strings.HasSuffix(rel, "_test.go") || strings.HasSuffix(rel, ".test.ts") {
				return nil
			}
			t[rel], err = os.ReadFile(p)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the sources: %w", err)
		}
	}
	return t, nil
}

// edit changes one place in one file. A place that is not there, or there twice, is an error: the
// variant would not be what its name says.
func (t tree) edit(e Edit) error {
	text, ok := t[e.File]
	switch n := strings.Count(string(text), e.Old); {
	case !ok && e.Old == "":
		t[e.File] = []byte(e.New)
		return nil
	case !ok:
		return fmt.Errorf("there is no %s to change", e.File)
	case e.Old == "":
		t[e.File] = append(slices.Clone(text), e.New...)
		return nil
	case n != 1:
		return fmt.Errorf("%s holds %q %d times, and it must be there once: adapt the variant to the sources", e.File, e.Old, n)
	}
	t[e.File] = []byte(strings.Replace(string(text), e.Old, e.New, 1))
	return nil
}

// key names the content of the files below a prefix, together with what else decides the result.
func (t tree) key(prefix string, also ...string) string {
	names := make([]string, 0, len(t))
	for name := range t {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "%d %s %d\n", len(name), name, len(t[name]))
		h.Write(t[name])
	}
	for _, a := range also {
		fmt.Fprintf(h, "%d %s\n", len(a), a)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// write makes a folder hold exactly the tree, but for what is built from it. Files that are right
// already keep their time, so that build tools see what changed.
func (t tree) write(root string) error {
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil
			}
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if slices.Contains(built, rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // a link to the modules
		}
		if _, ok := t[rel]; !ok && !d.IsDir() {
			return os.Remove(p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for name, text := range t {
		path := filepath.Join(root, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && string(old) == string(text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// CopyFile copies a file's content and permissions.
func CopyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

// CopyTree copies a folder with its permissions.
func CopyTree(to, from string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if !d.IsDir() {
			return CopyFile(target, p)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.MkdirAll(target, info.Mode().Perm())
	})
}
