package repository

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// journalFile holds the last files of a commit that has been decided and may be half done.
const journalFile = "commit.json"

// file is one of the metadata folder.
type file struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// commit publishes a draft that lacks no signature, with a snapshot and a timestamp by the keys at hand. With
// nothing in the draft it renews the timestamp, and the snapshot where that is asked for.
func (r *Repository) commit(dir *os.Root, d *draft, keys Keys, renewSnapshot bool) error {
	if l := d.lacks(); len(l) > 0 {
		return unsigned(l)
	}
	now := r.now()
	hidden, listed, err := d.hiddenFiles()
	if err != nil {
		return err
	}
	snapshot, made, err := d.nextSnapshot(listed, keys, now.Add(r.opts.Lifetimes.Snapshot), renewSnapshot)
	if err != nil {
		return err
	}
	if made != nil {
		hidden = append(hidden, *made)
	}
	timestamp, err := d.nextTimestamp(snapshot, made, keys, now.Add(r.opts.Lifetimes.Timestamp))
	if err != nil {
		return err
	}
	for _, f := range hidden {
		if err := r.put(dir, f); err != nil {
			return err
		}
	}
	if err := r.reveal(dir, d, timestamp); err != nil {
		return err
	}
	r.opts.Log.Info("metadata committed", "roles", d.changed(), "snapshot", snapshot.Signed.Version)
	return nil
}

// hiddenFiles are the documents that clients find only through a snapshot, and how it lists them.
func (d *draft) hiddenFiles() ([]file, map[string]*metadata.MetaFiles, error) {
	var files []file
	listed := map[string]*metadata.MetaFiles{}
	for role, doc := range d.roles {
		data, ok := d.exact[role]
		if !ok {
			var err error
			if data, err = doc.ToBytes(false); err != nil {
				return nil, nil, err
			}
		}
		if len(data) > maxDocument {
			return nil, nil, fmt.Errorf("%s has %d bytes, clients read at most %d", role, len(data), maxDocument)
		}
		files = append(files, file{versioned(role, doc.Signed.Version), data})
		listed[role+".json"] = &metadata.MetaFiles{Version: doc.Signed.Version, Length: int64(len(data))}
	}
	return files, listed, nil
}

// reveal makes a commit count. Clients look for a root by its name, and for everything else through the timestamp;
// where both change, a journal makes sure that one is not without the other for long. The timestamp goes first: its
// former keys signed it too where they are at hand, so that clients get along in between.
func (r *Repository) reveal(dir *os.Root, d *draft, timestamp file) error {
	if d.root == nil {
		return r.put(dir, timestamp)
	}
	data, err := d.root.ToBytes(false)
	if err != nil {
		return err
	}
	files := []file{timestamp, {versioned(metadata.ROOT, d.root.Signed.Version), data}}
	journal, err := json.Marshal(files)
	if err != nil {
		return err
	}
	if err := r.write(dir, journalFile, journal, 0o600); err != nil {
		return err
	}
	return r.finish(dir)
}

// finish does what a journalled commit has left to do: nothing where its last file is in place, since a power cut can
// bring back the journal of a change that others have followed, and the feed must not go back to it.
func (r *Repository) finish(dir *os.Root) error {
	journal, err := readFile(dir, journalFile, 8*maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var files []file
	if err := json.Unmarshal(journal, &files); err != nil {
		return fmt.Errorf("%s is damaged: %w", journalFile, err)
	}
	if !inPlace(dir, files) {
		for _, f := range files {
			if err := r.put(dir, f); err != nil {
				return err
			}
		}
	}
	if err := dir.Remove(journalFile); err != nil {
		return err
	}
	return durable.SyncDir(dir, ".")
}

// inPlace tells whether the last of the files has its content already, and so all of them have had theirs.
func inPlace(dir *os.Root, files []file) bool {
	if len(files) == 0 {
		return true
	}
	last := files[len(files)-1]
	data, err := read(dir, last.Name)
	return err == nil && bytes.Equal(data, last.Data)
}

func (r *Repository) put(dir *os.Root, f file) error {
	if err := r.write(dir, metadataDir+"/"+f.Name, f.Data, 0o644); err != nil {
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	return nil
}

// nextSnapshot is the snapshot after the commit, with its file where it is a new one.
func (d *draft) nextSnapshot(listed map[string]*metadata.MetaFiles, keys Keys, expires time.Time, renew bool) (*snapshotDoc, *file, error) {
	doc := metadata.Snapshot()
	doc.Signed.Version = 0
	if d.base != nil {
		if len(listed) == 0 && !renew && d.accepts(metadata.SNAPSHOT, d.base.snapshot) == nil {
			return d.base.snapshot, nil, nil
		}
		var err error
		if doc, err = clone(d.base.snapshot); err != nil {
			return nil, nil, err
		}
	}
	var err error
	if doc.Signed.Version, err = d.versionAfter(metadata.SNAPSHOT, doc.Signed.Version); err != nil {
		return nil, nil, err
	}
	doc.Signed.Expires = expires
	maps.Copy(doc.Signed.Meta, listed)
	data, err := seal(d, metadata.SNAPSHOT, doc, keys)
	return doc, &file{versioned(metadata.SNAPSHOT, doc.Signed.Version), data}, err
}

// nextTimestamp is the timestamp that refers to the snapshot.
func (d *draft) nextTimestamp(snapshot *snapshotDoc, made *file, keys Keys, expires time.Time) (file, error) {
	doc := metadata.Timestamp()
	doc.Signed.Version = 0
	if d.base != nil {
		var err error
		if doc, err = clone(d.base.timestamp); err != nil {
			return file{}, err
		}
	}
	var err error
	if doc.Signed.Version, err = d.versionAfter(metadata.TIMESTAMP, doc.Signed.Version); err != nil {
		return file{}, err
	}
	doc.Signed.Expires = expires
	if made != nil {
		doc.Signed.Meta["snapshot.json"] = &metadata.MetaFiles{Version: snapshot.Signed.Version, Length: int64(len(made.Data))}
	}
	data, err := seal(d, metadata.TIMESTAMP, doc, keys)
	return file{timestampFile, data}, err
}

// seal signs a document by the keys at hand and makes sure that clients will take it: a key that the feed does not
// name must be found out here, and not by them.
func seal[T metadata.Roles](d *draft, role string, m *metadata.Metadata[T], keys Keys) ([]byte, error) {
	m.ClearSignatures()
	if _, err := signDocument(d, role, m, keys); err != nil {
		return nil, err
	}
	if l := d.lacksOf(role, m); len(l) > 0 {
		if signers, err := keys(role); len(signers) == 0 && err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the keys at hand are not those that the feed names: %w", unsigned(l))
	}
	if err := d.accepts(role, m); err != nil {
		return nil, err
	}
	return m.ToBytes(false)
}

func unsigned(lacks []Lack) error {
	l := lacks[0]
	return fmt.Errorf("%s has %d of %d signatures that %s asks for: %w", l.Role, l.Have, l.Need, l.By, ErrUnsigned)
}
