package workspace

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// Entry is a document or a folder in the tree.
type Entry struct {
	Path     string    `json:"path"` // with slashes, below the documents folder
	Name     string    `json:"name"` // last part of Path
	Folder   bool      `json:"folder"`
	Children []Entry   `json:"children"` // of a folder; never nil
	Modified time.Time `json:"modified"`
	Size     int64     `json:"size"` // in bytes; 0 for a folder
}

// List returns all documents and folders: folders first, then by name as people of the user's language sort them, numbers
// by value. Other files and hidden ones are left out; folders are shown also where nothing in them is.
// Links are followed to documents inside, not to folders.
func (w *Workspace) List() ([]Entry, error) {
	w.start()
	below := map[string][]Entry{} // by folder
	err := w.folder.Walk(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			w.log.Warn("left out of the list", "name", name, "err", err)
			return nil
		case name == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !d.IsDir() && !isDocument(name):
			return nil
		}
		info, ok := w.describe(name, d)
		if !ok || !d.IsDir() && !info.Mode().IsRegular() {
			return nil
		}
		entry := Entry{Path: name, Name: d.Name(), Folder: d.IsDir(), Children: []Entry{}, Modified: info.ModTime()}
		if !entry.Folder {
			entry.Size = info.Size()
		}
		below[path.Dir(name)] = append(below[path.Dir(name)], entry)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list documents: %w", err)
	}
	order := w.order()
	return gather(below, ".", order), nil
}

// describe is false for what is gone meanwhile and for links that lead nowhere or out.
func (w *Workspace) describe(name string, d fs.DirEntry) (fs.FileInfo, bool) {
	if d.Type()&fs.ModeSymlink != 0 {
		info, err := w.folder.Stat(name)
		return info, err == nil
	}
	info, err := d.Info()
	return info, err == nil
}

func gather(below map[string][]Entry, dir string, order func(a, b Entry) int) []Entry {
	entries := below[dir]
	if entries == nil {
		return []Entry{}
	}
	for i, e := range entries {
		if e.Folder {
			entries[i].Children = gather(below, e.Path, order)
		}
	}
	slices.SortFunc(entries, order)
	return entries
}

func (w *Workspace) order() func(a, b Entry) int {
	byName := collate.New(language.Make(w.language()), collate.Numeric, collate.IgnoreCase)
	return func(a, b Entry) int {
		if a.Folder != b.Folder {
			if a.Folder {
				return -1
			}
			return 1
		}
		return cmp.Or(byName.CompareString(stem(a), stem(b)), cmp.Compare(a.Name, b.Name))
	}
}

// stem leaves the extension out, so that "Note.md" comes before "Note 2.md".
func stem(e Entry) string {
	if e.Folder {
		return e.Name
	}
	return strings.TrimSuffix(e.Name, path.Ext(e.Name))
}
