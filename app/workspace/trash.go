package workspace

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"time"
)

// Each deletion has a folder of its own, trash/<id>, with what was deleted as "content" and where it was in
// "place.json". The place is written first: content without a place is never left.
const (
	trash    = ".trash"
	trashFor = 30 * 24 * time.Hour
)

var trashID = regexp.MustCompile(`^[0-9]{8}-[0-9]{6}-[0-9a-f]{16}$`)

type place struct {
	Path    string    `json:"path"`
	Deleted time.Time `json:"deleted"`
}

func contentOf(id string) string { return trash + "/" + id + "/content" }
func placeOf(id string) string   { return trash + "/" + id + "/place.json" }

// Delete moves a document, or a folder with all in it, into the trash and returns an id for Undelete.
func (w *Workspace) Delete(name string) (string, error) {
	if err := checkPlace(name); err != nil {
		return "", fmt.Errorf("delete: %w", err)
	}
	now := w.now().UTC()
	var random [8]byte
	_, _ = rand.Read(random[:]) // documented never to fail
	id := now.Format("20060102-150405-") + hex.EncodeToString(random[:])
	err := w.folder.Exclusive(func() error {
		w.emptyOldTrash()
		if _, err := w.folder.Lstat(name); err != nil {
			return err
		}
		data, err := json.Marshal(place{Path: name, Deleted: now})
		if err != nil {
			return err
		}
		err = w.folder.WriteFile(placeOf(id), data)
		if err == nil {
			err = w.folder.Rename(name, contentOf(id))
		}
		if err != nil {
			w.dropTrash(id)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("delete %s: %w", name, err)
	}
	return id, nil
}

// Undelete takes what Delete moved out of the trash, to where it was or to the nearest free name, and returns
// that; fs.ErrNotExist where it is no longer in the trash.
func (w *Workspace) Undelete(id string) (string, error) {
	if !trashID.MatchString(id) {
		return "", fmt.Errorf("undelete %q: %w in the trash", id, fs.ErrNotExist)
	}
	var name string
	err := w.folder.Exclusive(func() error {
		was, err := w.readPlace(id)
		if err != nil {
			return err
		}
		info, err := w.folder.Lstat(contentOf(id))
		if err != nil {
			return err
		}
		if name, err = w.freeName(was.Path, info.IsDir()); err != nil {
			return err
		}
		if err := w.folder.Rename(contentOf(id), name); err != nil {
			return err
		}
		w.dropTrash(id)
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("undelete: %w", err)
	}
	return name, nil
}

func (w *Workspace) readPlace(id string) (place, error) {
	data, err := w.folder.ReadFile(placeOf(id), 64<<10)
	if err != nil {
		return place{}, err
	}
	var was place
	if err := json.Unmarshal(data, &was); err != nil {
		return place{}, fmt.Errorf("the note of where it was is damaged: %w", err)
	}
	// The file may have been changed: what it says is checked like any name.
	return was, checkPlace(was.Path)
}

// emptyOldTrash removes for good what was deleted more than 30 days ago, and folders of deletions that a crash cut
// short. It runs within Exclusive.
func (w *Workspace) emptyOldTrash() {
	entries, err := w.folder.List(trash)
	if err != nil {
		if !isMissing(err) {
			w.log.Warn("the trash cannot be listed", "err", err)
		}
		return
	}
	for _, e := range entries {
		if !trashID.MatchString(e.Name()) {
			continue
		}
		was, err := w.readPlace(e.Name())
		if err == nil && w.now().Sub(was.Deleted) > trashFor {
			w.dropTrash(e.Name())
			continue
		}
		if _, err := w.folder.Lstat(contentOf(e.Name())); errors.Is(err, fs.ErrNotExist) {
			w.dropTrash(e.Name())
		}
	}
}

func (w *Workspace) dropTrash(id string) {
	if err := w.folder.RemoveAll(trash + "/" + id); err != nil {
		w.log.Warn("something in the trash stays", "id", id, "err", err)
	}
}
