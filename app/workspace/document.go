package workspace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

// Document is a document's text as it was read.
type Document struct {
	Path     string `json:"path"`
	Text     string `json:"text"`
	Revision string `json:"revision"` // names the content; a save is based on it
}

// Saved is the outcome of a save.
type Saved struct {
	Revision string    `json:"revision"`
	SavedAt  time.Time `json:"savedAt"`
}

// Read returns a document: fs.ErrNotExist where there is none, sandbox.ErrTooLarge above MaxSize, ErrNotText for what
// is not UTF-8.
func (w *Workspace) Read(name string) (Document, error) {
	if err := checkDocument(name); err != nil {
		return Document{}, fmt.Errorf("read: %w", err)
	}
	data, err := w.folder.ReadFile(name, MaxSize)
	if err != nil {
		return Document{}, err
	}
	if !utf8.Valid(data) {
		return Document{}, fmt.Errorf("read %s: %w", name, ErrNotText)
	}
	return Document{Path: name, Text: string(data), Revision: revision(data)}, nil
}

// Write saves text where the document's present content has the revision base, and else returns ErrConflict;
// "" as base means that there is no document of that name. Saving what is there already succeeds whatever
// base is, and touches nothing.
func (w *Workspace) Write(name, text, base string) (Saved, error) {
	if err := checkDocument(name); err != nil {
		return Saved{}, fmt.Errorf("save: %w", err)
	}
	data := []byte(text)
	if err := checkText(data); err != nil {
		return Saved{}, fmt.Errorf("save %s: %w", name, err)
	}
	err := w.folder.Exclusive(func() error {
		present, err := w.folder.ReadFile(name, MaxSize)
		switch {
		case isMissing(err):
			if base != "" {
				return fmt.Errorf("save %s: %w: it is no longer there", name, ErrConflict)
			}
		case errors.Is(err, sandbox.ErrTooLarge):
			return fmt.Errorf("save %s: %w: it has grown beyond what can be shown", name, ErrConflict)
		case err != nil:
			return err
		case bytes.Equal(present, data):
			return nil
		case revision(present) != base:
			return fmt.Errorf("save %s: %w", name, ErrConflict)
		}
		return w.folder.WriteFile(name, data)
	})
	if err != nil {
		return Saved{}, err
	}
	return Saved{Revision: revision(data), SavedAt: w.now()}, nil
}

// Create makes a document with the text, at the name or, where that is taken, at the nearest free one
// ("Untitled 2.md"), and returns it. A name without a document's extension gets ".md"; "" means an untitled
// document.
func (w *Workspace) Create(name, text string) (Document, error) {
	if name == "" {
		name = w.words().untitled
	}
	if !isDocument(name) {
		name += extensions[0]
	}
	if err := checkDocument(name); err != nil {
		return Document{}, fmt.Errorf("create: %w", err)
	}
	data := []byte(text)
	if err := checkText(data); err != nil {
		return Document{}, fmt.Errorf("create %s: %w", name, err)
	}
	err := w.folder.Exclusive(func() (err error) {
		if name, err = w.freeName(name, false); err != nil {
			return err
		}
		return w.folder.WriteFile(name, data)
	})
	if err != nil {
		return Document{}, err
	}
	return Document{Path: name, Text: text, Revision: revision(data)}, nil
}

// Rename moves a document or a folder. It returns fs.ErrExist where the new name is taken, also where it differs in case
// only. A document keeps one of the documents' extensions.
func (w *Workspace) Rename(from, to string) error {
	for _, name := range []string{from, to} {
		if err := checkPlace(name); err != nil {
			return fmt.Errorf("rename: %w", err)
		}
	}
	if strings.HasPrefix(to, from+"/") {
		return fmt.Errorf("rename: %w", &sandbox.NameError{Name: to, Why: "it lies in the folder that is to be moved"})
	}
	return w.folder.Exclusive(func() error {
		info, err := w.folder.Lstat(from)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			if err := checkDocument(to); err != nil {
				return fmt.Errorf("rename: %w", err)
			}
		}
		if from == to {
			return nil
		}
		names, err := w.taken(path.Dir(to))
		if err != nil {
			return err
		}
		if names[folded(path.Base(to))] && !w.ownName(from, to, info) {
			return fmt.Errorf("rename %s to %s: %w", from, to, fs.ErrExist)
		}
		return w.folder.Rename(from, to)
	})
}

// ownName tells whether what has the new name is the thing itself, under its old name in another case.
func (w *Workspace) ownName(from, to string, info fs.FileInfo) bool {
	if path.Dir(from) != path.Dir(to) || folded(from) != folded(to) {
		return false
	}
	there, err := w.folder.Lstat(to)
	return isMissing(err) || err == nil && os.SameFile(info, there)
}

func checkText(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%w: %d bytes, at most %d", sandbox.ErrTooLarge, len(data), MaxSize)
	}
	if !utf8.Valid(data) {
		return ErrNotText
	}
	return nil
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
