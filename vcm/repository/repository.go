// Package repository keeps the signed metadata of a feed in a folder.
//
// Parties. The publisher adds releases and holds every key. A server, or a
// timer, that holds only the online keys renews what would expire. Clients read
// the folder over HTTP while both are at work. Metadata follows TUF: root names
// the keys; targets delegates one role per app, "<app>-releases"; snapshot and
// timestamp hold the versions together and keep them current.
//
//	<dir>/feed/metadata/N.root.json N.targets.json N.<app>-releases.json
//	<dir>/feed/metadata/N.snapshot.json timestamp.json
//	<dir>/feed.lock
//
// Trust. The folder's content is verified from its first root on before it is
// built upon, by the same rules as clients apply, save that expiry is what this
// package is there to mend.
//
// Guarantees. Each change is one transaction: every file that it needs is
// durably in place, under a name that nothing refers to yet, before the
// timestamp that refers to all of them replaces the old one. A version number
// never stands for two contents that a client may have seen. Processes take
// turns through a lock that the system takes back when one of them dies.
//
// A crash leaves the state before the change or the one after it, and at most
// some unreferenced files, which the next change overwrites.
package repository

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
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
	ErrExhausted = errors.New("no version number is left")
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

// Renew signs again each role of which half the lifetime has passed and whose
// keys at hand suffice, and returns their names. Other roles are left alone.
func (r *Repository) Renew(ctx context.Context, keys Keys) (renewed []string, err error) {
	err = r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(dir)
		if err != nil {
			return err
		}
		waiting, err := r.waiting(dir, s)
		if err != nil {
			return err
		}
		d, names, err := r.dueDraft(s, waiting, keys)
		if err != nil || len(names) == 0 {
			return err
		}
		if err := d.settle(r.now(), r.opts.Lifetimes); err != nil {
			return err
		}
		if _, err := d.sign(keys); err != nil {
			return err
		}
		if err := r.commit(dir, d, keys, slices.Contains(names, metadata.SNAPSHOT)); err != nil {
			return err
		}
		renewed = names
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("renew metadata: %w", err)
	}
	return renewed, nil
}

// dueDraft holds what is to be renewed and can be. Offline roles for whose next document people are being asked for
// signatures are left to them.
func (r *Repository) dueDraft(s *state, waiting []*Pending, keys Keys) (*draft, []string, error) {
	d := newDraft(s)
	var names []string
	for _, role := range r.status(s) {
		asked := !online(role.Name) && slices.ContainsFunc(waiting, func(p *Pending) bool { return slices.Contains(p.Roles(), role.Name) })
		if !role.Due || asked {
			continue
		}
		can, err := newDraft(s).able(role.Name, keys)
		if err != nil {
			return nil, nil, err
		}
		if !can {
			// Offline keys may be elsewhere, or with several people. A server whose own keys do not fit must hear of it.
			if signers, _ := atHand(keys, role.Name); len(signers) > 0 && online(role.Name) {
				return nil, nil, fmt.Errorf("%s: the keys at hand are not those that the feed names: %w", role.Name, ErrUnsigned)
			}
			continue
		}
		switch role.Name {
		case metadata.ROOT:
			_, err = d.editRoot()
		case metadata.SNAPSHOT, metadata.TIMESTAMP:
		default:
			_, err = d.edit(role.Name)
		}
		if err != nil {
			return nil, nil, err
		}
		names = append(names, role.Name)
	}
	return d, names, nil
}

func (r *Repository) now() time.Time { return r.opts.Now().UTC().Truncate(time.Second) }

// Role is what is signed for a role at present.
type Role struct {
	Name      string    `json:"name"`
	Version   int64     `json:"version"`
	Expires   time.Time `json:"expires"`
	Due       bool      `json:"due"`       // to be renewed: half of its lifetime has passed
	Keys      []string  `json:"keys"`      // ids of those that may sign
	Threshold int       `json:"threshold"` // how many of them must
}

// Status lists all roles, root first and timestamp last.
func (r *Repository) Status() ([]Role, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return r.status(s), nil
}

// Authorities names the keys of every role, by the roots and, as far as it can be read, the targets in the folder. It
// works where snapshot and timestamp are ruined, too, which [Repository.Rekey] mends.
func (r *Repository) Authorities() (map[string][]string, error) {
	s, err := r.load()
	if err != nil {
		dir, openErr := os.OpenRoot(r.opts.Dir)
		if openErr != nil {
			return nil, openErr
		}
		defer dir.Close()
		salvaged, salvageErr := salvage(dir)
		if salvageErr != nil {
			return nil, errors.Join(err, salvageErr)
		}
		s = salvaged
	}
	named := map[string][]string{}
	for _, role := range s.status() {
		named[role.Name] = role.Keys
	}
	return named, nil
}

// status marks what is due: half of its lifetime has passed.
func (r *Repository) status(s *state) []Role {
	list := s.status()
	for i, role := range list {
		list[i].Due = r.opts.Now().After(role.Expires.Add(-r.opts.Lifetimes.of(role.Name) / 2))
	}
	return list
}

// load reads without the lock. Where another process is just changing keys, it waits for that.
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
	if _, statErr := dir.Stat(journalFile); statErr != nil {
		return nil, err
	}
	err = r.locked(func(dir *os.Root) error {
		s, err = loadState(dir)
		return err
	})
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

// online tells whether an unattended server may hold keys of the role.
func online(role string) bool {
	return role == metadata.SNAPSHOT || role == metadata.TIMESTAMP || strings.HasSuffix(role, "-rollout")
}

// appOf is the inverse of release.Role.
func appOf(role string) (string, bool) {
	app, ok := strings.CutSuffix(role, "-releases")
	return app, ok && release.CheckApp(app) == nil && release.Role(app) == role
}
