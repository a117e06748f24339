// Package sync brings a feed to the places that serve it: a folder, a bucket of
// an object store, or a VCM.
//
// Parties. The publisher has the feed's folder. Clients read at the place while
// it is being changed; other runs of this package, on this machine or another
// one, may change it at the same time. A VCM at the other end has the feed to
// itself and takes signed documents ([Centre]).
//
// Trust. The place is believed in nothing that could harm a client, since
// clients verify all that they read. The publisher's folder may be damaged: a
// file is sent only after its length and SHA-256 were found to be those that
// are signed for it.
//
// Guarantees. Files appear under a name that is made of their content or their
// version before anything refers to them; what changes under its name, the
// timestamp, comes last and in one step, and only when the place still has the
// one that was compared before; after it come later roots alone. So a client sees the whole feed of before
// or the whole feed of now, at every moment, also between two runs. A place
// that carries another feed, a newer timestamp, or one that this folder knows
// nothing of, is left as it is. What is there already is not sent again, and
// running twice is running once. Nothing is ever deleted at a place.
//
// One moment can be less than that: between a timestamp that the former key has
// not signed too and the new root with its key, clients have to ask again.
//
// A crash, or an interruption, leaves files at the place that nothing refers
// to. The next run finds them and goes on.
package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

var (
	// ErrOtherFeed means that the place carries a feed with another root.
	ErrOtherFeed = errors.New("carries another feed")
	// ErrNewer means that the place was brought further than this folder.
	ErrNewer = errors.New("is newer than this folder")
	// ErrForked means that the place and the folder went different ways.
	ErrForked = errors.New("was changed from another copy of this feed")
	// ErrChanged means that somebody else changed the place meanwhile.
	ErrChanged = errors.New("was changed by somebody else at the same time; run the same command again")
	// ErrDamaged means that a file in the folder is not what is signed for it.
	ErrDamaged = errors.New("is damaged")
)

// File is a file as it must be at a place.
type File struct {
	Name   string // relative to the feed's root, with forward slashes
	Length int64
	SHA256 release.Digest
}

// Place is where clients read a feed. Names are those of [File]. Its methods
// may be called by several goroutines at once.
type Place interface {
	// String names the place for people, without secrets.
	String() string
	// Read returns a whole file of at most limit bytes; one that is not there is
	// fs.ErrNotExist.
	Read(ctx context.Context, name string, limit int64) ([]byte, error)
	// Has tells whether the place has exactly this file. One of which it cannot
	// tell is one that it does not have.
	Has(ctx context.Context, f File) (bool, error)
	// Put stores a file, replacing what has its name. When it returns nil, the
	// whole file is there to stay; before, and after any error, readers find
	// what was there before or the whole file. It is served as the package vcm
	// says.
	Put(ctx context.Context, f File, content *io.SectionReader) error
	// Swap is Put for a file whose content is old, nil for one that is not there;
	// otherwise it is ErrChanged. A place that cannot do both in one step looks
	// as late as it can.
	Swap(ctx context.Context, name string, old, new []byte) error
}

// Options configures Bring.
type Options struct {
	Parallel int  // files at once; 0: 8
	DryRun   bool // look at everything and change nothing
	Progress func(Progress)
	Log      *slog.Logger // nil: silent
}

func (o *Options) defaults() {
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Progress is how much is at the place. Calls come one after the other.
type Progress struct {
	Name        string // of the file that moved last
	Files       int    // that are there
	Total       int    // files
	Done, Bytes int64  // bytes that are there, and of all files
}

// Result is what Bring did, or would do.
type Result struct {
	Place     string   `json:"place"`
	Timestamp int64    `json:"timestamp"` // the version that the place has now
	Before    int64    `json:"before"`    // the version that it had; 0: none
	Sent      []string `json:"sent"`      // in no order
	SentBytes int64    `json:"sent_bytes"`
	Present   int      `json:"present"` // files that were there already
	DryRun    bool     `json:"dry_run,omitempty"`
}

// Bring makes the place serve what the folder has. Its errors include those of
// this package, and vcm's where a folder makes no sense.
func Bring(ctx context.Context, feed *os.Root, to Place, o Options) (Result, error) {
	o.defaults()
	res, err := bring(ctx, feed, to, o)
	if err != nil {
		return Result{}, fmt.Errorf("bring the feed to %s: %w", to, err)
	}
	return res, nil
}

func bring(ctx context.Context, feed *os.Root, to Place, o Options) (Result, error) {
	inv, err := Read(ctx, Folder(feed))
	if err != nil {
		return Result{}, err
	}
	there, err := compare(ctx, inv, to)
	if err != nil {
		return Result{}, err
	}
	t := newTransport(ctx, to, o, inv)
	if err := t.all(blobFiles(inv), func(f File) (source, error) { return fileSource(feed, f.Name) }); err != nil {
		return Result{}, err
	}
	before, after := inOrder(inv.Documents, there)
	if err := t.documents(before); err != nil {
		return Result{}, err
	}
	if !bytes.Equal(there.timestamp, inv.Timestamp) {
		if err := t.swap(there.timestamp, inv.Timestamp); err != nil {
			return Result{}, err
		}
	}
	if err := t.documents(after); err != nil {
		return Result{}, err
	}
	res := t.result
	res.Place, res.Timestamp, res.Before, res.DryRun = to.String(), inv.Version, there.version, o.DryRun
	o.Log.Info("feed brought", "place", to.String(), "timestamp", inv.Version, "sent", len(res.Sent))
	return res, nil
}

// inOrder says which documents come before the timestamp and which after it. What a timestamp leads to must be there first. Later roots come
// last: a timestamp that another key signs from now on carries the former one's signature too, so that clients of both roots take it, while
// one without it means nothing to clients of the later root.
func inOrder(all []Document, there standing) (before, after []Document) {
	for _, doc := range all {
		if there.timestamp != nil && strings.HasSuffix(doc.Name, ".root.json") {
			after = append(after, doc)
		} else {
			before = append(before, doc)
		}
	}
	return before, after
}

// standing is what a place had when it was compared.
type standing struct {
	version   int64
	timestamp []byte // nil: none
}

// compare refuses a place to which the folder must not be brought.
func compare(ctx context.Context, inv Inventory, to Place) (standing, error) {
	root, err := readOrNone(ctx, to, rootName(1))
	if err != nil {
		return standing{}, err
	}
	timestamp, err := readOrNone(ctx, to, vcm.TimestampFile)
	if err != nil {
		return standing{}, err
	}
	switch {
	case root == nil && timestamp != nil, root != nil && !bytes.Equal(root, inv.root()):
		return standing{}, fmt.Errorf("it %w: its first root.json is another one; choose another destination", ErrOtherFeed)
	case timestamp == nil:
		return standing{}, nil
	}
	there := readable(timestamp)
	s := standing{there.Version, timestamp}
	switch {
	case there.Version == 0: // damaged for clients too, so that replacing it takes nothing away
		return s, nil
	case there.Version > inv.Version:
		return s, fmt.Errorf("it %w: it has timestamp %d, and the folder %d; publish from the folder that was brought there last", ErrNewer, there.Version, inv.Version)
	case there.Version == inv.Version && !bytes.Equal(timestamp, inv.Timestamp):
		return s, forked(there.Version)
	}
	return s, descends(ctx, inv, to, there)
}

// readable is what a timestamp says, or nothing where it is damaged.
func readable(data []byte) timestamp {
	t, err := parseTimestamp(data)
	if err != nil {
		return timestamp{}
	}
	return t
}

// descends tells whether the folder's state came out of the place's: no
// document that the place has in force is another one here.
func descends(ctx context.Context, inv Inventory, to Place, there timestamp) error {
	if there.snapshot() > inv.snapshot {
		return forked(there.Version)
	}
	theirs, err := sameDocument(ctx, inv, to, versioned(there.snapshot(), "snapshot"))
	if err != nil || theirs == nil {
		return err // a place that lacks its snapshot serves nobody
	}
	for _, name := range namedIn(theirs) {
		if _, err := sameDocument(ctx, inv, to, name); err != nil {
			return err
		}
	}
	return nil
}

// namedIn lists the documents that a snapshot names: none where it is damaged,
// for clients too.
func namedIn(snapshot []byte) []string {
	var s timestamp // the same shape
	if parse(snapshot, "snapshot", &s, &s.header) != nil || len(s.Meta) > maxRoles {
		return nil
	}
	var names []string
	for file, meta := range s.Meta {
		if name := versioned(meta.Version, strings.TrimSuffix(file, ".json")); release.CheckPath(name) == nil {
			names = append(names, name)
		}
	}
	return names
}

// sameDocument reads a document at the place, nil where there is none. It is
// ErrForked when the folder has another one of this name; that it has none may
// mean that somebody tidied up.
func sameDocument(ctx context.Context, inv Inventory, to Place, name string) ([]byte, error) {
	theirs, err := readOrNone(ctx, to, name)
	if err != nil || theirs == nil {
		return nil, err
	}
	ours, err := inv.read(ctx, name, maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return theirs, nil
	}
	if err == nil && !bytes.Equal(ours, theirs) {
		err = fmt.Errorf("it %w: its %s is not the one of this folder; publish from the folder that was brought there last", ErrForked, name)
	}
	return theirs, err
}

func forked(version int64) error {
	return fmt.Errorf("it %w: its timestamp %d is not the one of this folder; publish from the folder that was brought there last", ErrForked, version)
}

func readOrNone(ctx context.Context, to Place, name string) ([]byte, error) {
	data, err := to.Read(ctx, name, maxDocument)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

func blobFiles(inv Inventory) []File {
	var files []File
	for _, b := range vcm.Blobs(inv.Releases) {
		files = append(files, File{b.Path, b.Length, b.SHA256})
	}
	return files
}

func (d Document) file() File {
	return File{d.Name, int64(len(d.Data)), sha256.Sum256(d.Data)}
}
