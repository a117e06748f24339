// Package workspace keeps the user's documents: Markdown files in folders below one folder of the sandbox.
//
// Parties: the page, which names documents and sends their text; the user's other programs, which may change the
// same files at any time; a second process of the app during a handover.
//
// Trust: names and texts from the page are checked. Files are shown only where they are text of a bearable size.
// Nothing outside the folder is read or written; names that start with a dot are not documents.
//
// Guarantees: a save replaces the whole file or nothing. A save that is based on another content than the file has now
// is refused with [ErrConflict], so that no one's work is overwritten unseen. Creating and renaming never overwrite.
// Deleting moves into a trash folder, from where a document comes back for 30 days.
//
// A crash leaves each document whole, in its old or its new state, and at its old place, its new one or in the trash.
package workspace

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

// MaxSize is the largest document in bytes. Larger files give sandbox.ErrTooLarge.
const MaxSize = 16 << 20

// ErrConflict says that a document is no longer what a save was based on.
var ErrConflict = errors.New("the document was changed by another program")

// ErrNotText marks a file that is not UTF-8 text.
var ErrNotText = errors.New("the file is not UTF-8 text; save it as UTF-8 in the program that made it")

// Options say where the documents are.
type Options struct {
	// Folder holds the documents.
	Folder *sandbox.Folder
	// Language tells the user's language (BCP 47) whenever it is asked: for the order of names and the first document.
	// nil or "" means English.
	Language func() string
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log gets what is worth knowing but is no error; nil means the folder's log.
	Log *slog.Logger
}

func (o Options) validate() error {
	if o.Folder == nil {
		return errors.New("no folder given")
	}
	return nil
}

// Workspace is safe for use by several goroutines and processes.
type Workspace struct {
	folder   *sandbox.Folder
	language func() string
	now      func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	started bool // first-run document and old trash are dealt with
}

// Open returns the workspace. It touches no file: a folder that cannot be used is reported by the operations.
func Open(o Options) (*Workspace, error) {
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("open workspace: %w", err)
	}
	if o.Language == nil {
		o.Language = func() string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = o.Folder.Log()
	}
	return &Workspace{folder: o.Folder, language: o.Language, now: o.Now, log: o.Log}, nil
}

// Watch calls onChange, gathered and from one goroutine, after documents or folders changed, whoever changed them,
// until ctx ends; then the returned channel is closed.
func (w *Workspace) Watch(ctx context.Context, onChange func()) <-chan struct{} {
	return w.folder.Watch(ctx, sandbox.WatchOptions{}, onChange)
}

// start does, before the first listing, what is due once a run. It is tried again where the folder was unusable.
func (w *Workspace) start() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.started {
		return
	}
	err := w.folder.Exclusive(func() error {
		w.emptyOldTrash()
		return w.welcome()
	})
	if err != nil {
		w.log.Warn("first steps in the documents folder failed", "err", err)
		return
	}
	w.started = true
}

var extensions = []string{".md", ".markdown", ".txt"}

func isDocument(name string) bool {
	return slices.Contains(extensions, strings.ToLower(path.Ext(name)))
}

// checkPlace accepts names of documents and folders that a listing can show.
func checkPlace(name string) error {
	if err := sandbox.CheckName(name); err != nil {
		return err
	}
	if hidden(name) {
		return &sandbox.NameError{Name: name, Why: "a part of it starts with a dot, which hides it"}
	}
	return nil
}

func checkDocument(name string) error {
	if err := checkPlace(name); err != nil {
		return err
	}
	if !isDocument(name) {
		return &sandbox.NameError{Name: name, Why: "it does not end in .md, .markdown or .txt"}
	}
	return nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") || strings.Contains(name, "/.") }

// revision names a content.
func revision(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:10])
}

// folded is the same for names that some file system takes for the same.
func folded(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// taken returns the folded names in a folder; a folder that is not there has none.
func (w *Workspace) taken(dir string) (map[string]bool, error) {
	entries, err := w.folder.List(dir)
	if err != nil && !isMissing(err) {
		return nil, err
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[folded(e.Name())] = true
	}
	return names, nil
}

// freeName returns name, or the first of "stem 2.ext", "stem 3.ext"... that nothing has. A folder's name has no
// extension to keep.
func (w *Workspace) freeName(name string, folder bool) (string, error) {
	dir, base := path.Split(name)
	names, err := w.taken(path.Clean("./" + dir))
	if err != nil {
		return "", err
	}
	stem, ext := base, ""
	if !folder {
		ext = path.Ext(base)
		stem = strings.TrimSuffix(base, ext)
	}
	for n := 2; names[folded(base)]; n++ {
		base = fmt.Sprintf("%s %d%s", stem, n, ext)
	}
	return dir + base, nil
}
