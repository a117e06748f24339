// Package repository keeps the signed metadata of a feed in a folder, by the rules of TUF, whose library has none for
// this side.
//
// Parties. People hold the offline keys, several for a role where so many must agree. A server holds the online keys,
// renews what would expire and says who gets which release. Clients read the folder over HTTP while all of them are at
// work. Root names the keys of targets, snapshot, timestamp and of itself; targets delegates two roles per app,
// "<app>-releases" and "<app>-rollout"; snapshot and timestamp hold the versions together and keep them current.
//
//	<dir>/feed/metadata/N.root.json N.targets.json N.<app>-releases.json N.<app>-rollout.json
//	<dir>/feed/metadata/N.snapshot.json timestamp.json
//	<dir>/pending/<role>.json  changes that wait for signatures
//	<dir>/commit.json          while a change of root is being published
//	<dir>/feed.lock
//
// A change is a draft upon what clients have: documents are edited, whatever would no longer be trusted under the keys
// that the draft names is added to it, and the keys at hand sign. Once nothing is lacking it is published; until then
// it waits, and travels as a file to whoever holds the other keys.
//
// Trust. The folder's content is verified from its first root on before it is built upon, by the same rules as clients
// apply, save that expiry is what this package is there to mend. Documents and changes that come from elsewhere are
// hostile until then. Whoever holds the online keys can withhold news and drive versions up; [Repository.Rekey] undoes
// both.
//
// Guarantees. Each change is one transaction: every file that it needs is durably in place, under a name that nothing
// refers to yet, before the timestamp that refers to all of them replaces the old one. Where root changes, its file
// follows the timestamp, and the former keys at hand have signed as well, so that clients get along at every moment.
// A version number never stands for two contents that a client may have seen, unless it forgets the first. Processes
// take turns through a lock that the system takes back when one of them dies.
//
// A crash leaves the state before the change or the one after it, and at most some unreferenced files, which the next
// change overwrites. A change of root that was half published is finished by the next operation.
package repository

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

var (
	// ErrExists means that the folder has a repository already.
	ErrExists = errors.New("there is a repository already")
	// ErrMissing means that the folder has none.
	ErrMissing = errors.New("there is no repository")
	// ErrUnsigned means that the keys at hand do not make the signatures that clients ask for.
	ErrUnsigned = errors.New("signatures are missing")
	// ErrStale means that a document was made upon a version that is not the newest any more.
	ErrStale = errors.New("made upon an older version; make it anew")
	// ErrExhausted means that no higher version number can follow, which only somebody with a stolen key brings
	// about. Replace the keys of the role, and of snapshot and timestamp, to start anew.
	ErrExhausted = errors.New("no higher version number is left, which a stolen key brings about; " +
		"to start anew, replace the keys of the role, of snapshot and of timestamp (vcm keys rotate)")
	// ErrRefused means that a document is signed as it must be and may still not be published.
	ErrRefused = errors.New("document refused")
)

// Keys returns the keys that sign for a role, as far as they are kept here. An
// error that is fs.ErrNotExist says that none is.
type Keys func(role string) ([]crypto.Signer, error)

// Lifetimes is how long each role's signature is valid. A role is renewed when
// half of it has passed. Zero fields get the defaults.
type Lifetimes struct {
	Root, Targets, Releases time.Duration // default 365 days
	Rollout, Snapshot       time.Duration // default 14 days
	Timestamp               time.Duration // default 7 days
}

// Options configures a Repository.
type Options struct {
	Dir       string // holds feed/ and the lock
	Lifetimes Lifetimes
	Log       *slog.Logger     // nil: silent
	Now       func() time.Time // nil: time.Now
}

func (o *Options) validate() error {
	if o.Dir == "" {
		return errors.New("repository: Dir is missing")
	}
	day := 24 * time.Hour
	for _, l := range []struct {
		field *time.Duration
		def   time.Duration
	}{
		{&o.Lifetimes.Root, 365 * day}, {&o.Lifetimes.Targets, 365 * day}, {&o.Lifetimes.Releases, 365 * day},
		{&o.Lifetimes.Rollout, 14 * day}, {&o.Lifetimes.Snapshot, 14 * day}, {&o.Lifetimes.Timestamp, 7 * day},
	} {
		if *l.field < 0 {
			return errors.New("repository: a lifetime is negative")
		}
		if *l.field == 0 {
			*l.field = l.def
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

func (l Lifetimes) of(role string) time.Duration {
	switch role {
	case metadata.ROOT:
		return l.Root
	case metadata.TARGETS:
		return l.Targets
	case metadata.SNAPSHOT:
		return l.Snapshot
	case metadata.TIMESTAMP:
		return l.Timestamp
	}
	if online(role) {
		return l.Rollout
	}
	return l.Releases
}

// Repository is a folder of metadata. It is safe for concurrent use, also by
// several processes.
type Repository struct {
	opts  Options
	write func(dir *os.Root, name string, data []byte, perm fs.FileMode) error
}

const (
	metadataDir = "feed/metadata"
	lockFile    = "feed.lock"
)

// Create makes a repository for one app, with no releases yet. It needs keys of all six roles, and makes every
// key at hand one of its role, of which one must sign.
func Create(o Options, app string, keys Keys) (*Repository, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := release.CheckApp(app); err != nil {
		return nil, err
	}
	r := newRepository(o)
	err := r.locked(func(dir *os.Root) error {
		if _, err := dir.Stat(metadataDir + "/" + timestampFile); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", o.Dir, ErrExists)
		}
		if err := dir.MkdirAll(metadataDir, 0o755); err != nil {
			return err
		}
		d, err := genesis(app, keys)
		if err != nil {
			return err
		}
		if err := d.settle(r.now(), o.Lifetimes); err != nil {
			return err
		}
		if _, err := d.sign(keys); err != nil {
			return err
		}
		return r.commit(dir, d, keys, true)
	})
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	return r, nil
}

// genesis is the first change of all.
func genesis(app string, keys Keys) (*draft, error) {
	d := newDraft(nil)
	root, err := d.editRoot()
	if err != nil {
		return nil, err
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		public, err := publicKeys(keys, role)
		if err != nil {
			return nil, err
		}
		for _, key := range public {
			if err := root.AddKey(key, role); err != nil {
				return nil, err
			}
		}
	}
	return d, d.addApp(app, keys)
}

// Open takes the repository in the folder. Its content is verified by each
// operation, since others may change it in between.
func Open(o Options) (*Repository, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.Dir + "/" + metadataDir + "/" + timestampFile); err != nil {
		return nil, fmt.Errorf("open repository in %s: %w", o.Dir, errors.Join(ErrMissing, err))
	}
	return newRepository(o), nil
}

func newRepository(o Options) *Repository { return &Repository{opts: o, write: durable.WriteFile} }

// Dir is the folder.
func (r *Repository) Dir() string { return r.opts.Dir }

// Root is the first root.json: what apps build in as their trust. Apps that
// have it find every later root by themselves.
func (r *Repository) Root() ([]byte, error) {
	root, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(metadataDir + "/1.root.json")
}

// Apps names the apps that have a release role.
func (r *Repository) Apps() ([]string, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return appsOf(&s.top().Signed), nil
}

// Releases returns what is published for an app, in no order.
func (r *Repository) Releases(app string) ([]release.Release, error) {
	c, err := r.Catalogue(app)
	return c.Releases, err
}

// Catalogue is all that the feed says of an app.
func (r *Repository) Catalogue(app string) (release.Catalogue, error) {
	s, err := r.load()
	if err != nil {
		return release.Catalogue{}, err
	}
	return s.catalogue(app)
}

// Add publishes rel: from the moment it returns, clients find it. It returns
// false, and changes nothing, when the same version with the same bytes is
// there already. Its errors include vcm.ErrConflict and vcm.ErrOlder.
func (r *Repository) Add(ctx context.Context, rel release.Release, keys Keys) (added bool, err error) {
	added, err = r.apply(ctx, keys, func(d *draft) error {
		_, err := d.addRelease(rel)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("add %s: %w", rel.TargetPath(), err)
	}
	return added, nil
}

func (r *Repository) now() time.Time { return r.opts.Now().UTC().Truncate(time.Second) }

// load reads without the lock, so that a folder which cannot be written to can be read. Where that fails because
// another process is just changing keys, it waits for its turn.
func (r *Repository) load() (*state, error) {
	dir, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	s, err := loadState(dir)
	if err == nil {
		return s, nil
	}
	if lockErr := r.locked(func(dir *os.Root) error {
		s, err = loadState(dir)
		return nil
	}); lockErr != nil {
		r.opts.Log.Debug("metadata cannot be read under the lock either", "err", lockErr)
	}
	return s, err
}

func (r *Repository) locked(do func(dir *os.Root) error) error {
	if err := os.MkdirAll(r.opts.Dir, 0o700); err != nil {
		return err
	}
	dir, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	lock, err := durable.Acquire(dir, lockFile)
	if err != nil {
		return err
	}
	defer lock.Release()
	if err := r.finish(dir); err != nil {
		return fmt.Errorf("finish an interrupted commit: %w", err)
	}
	return do(dir)
}

// appOf is the inverse of release.Role.
func appOf(role string) (string, bool) {
	app, ok := strings.CutSuffix(role, "-releases")
	return app, ok && release.CheckApp(app) == nil && release.Role(app) == role
}
