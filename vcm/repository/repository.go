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
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

var (
	// ErrExists means that the folder has a repository already.
	ErrExists = errors.New("there is a repository already")
	// ErrMissing means that the folder has none.
	ErrMissing = errors.New("there is no repository")
)

// Keys returns the key that signs for a role. An error that is fs.ErrNotExist
// says that it is not kept here.
type Keys func(role string) (crypto.Signer, error)

// Lifetimes is how long each role's signature is valid. A role is renewed when
// half of it has passed. Zero fields get the defaults.
type Lifetimes struct {
	Root, Targets, Releases time.Duration // default 365 days
	Snapshot                time.Duration // default 14 days
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
		{&o.Lifetimes.Snapshot, 14 * day}, {&o.Lifetimes.Timestamp, 7 * day},
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
	return l.Releases
}

// Repository is a folder of metadata. It is safe for concurrent use, also by
// several processes.
type Repository struct{ opts Options }

const (
	metadataDir = "feed/metadata"
	lockFile    = "feed.lock"
)

// Create makes a repository for one app, with no releases yet. It needs the
// keys of all five roles.
func Create(o Options, app string, keys Keys) (*Repository, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if err := release.CheckApp(app); err != nil {
		return nil, err
	}
	r := &Repository{opts: o}
	err := r.locked(func(root *os.Root) error {
		if _, err := root.Stat(metadataDir + "/timestamp.json"); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", o.Dir, ErrExists)
		}
		if err := root.MkdirAll(metadataDir, 0o755); err != nil {
			return err
		}
		s, err := newState(o, app, keys)
		if err != nil {
			return err
		}
		c := r.change(root, s, keys)
		c.root()
		c.targets(metadata.TARGETS)
		c.targets(release.Role(app))
		return c.commit()
	})
	if err != nil {
		return nil, fmt.Errorf("create repository: %w", err)
	}
	return r, nil
}

// Open takes the repository in the folder. Its content is verified by each
// operation, since others may change it in between.
func Open(o Options) (*Repository, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(o.Dir + "/" + metadataDir + "/timestamp.json"); err != nil {
		return nil, fmt.Errorf("open repository in %s: %w", o.Dir, errors.Join(ErrMissing, err))
	}
	return &Repository{opts: o}, nil
}

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
	return s.apps(), nil
}

// Releases returns what is published for an app, in no order.
func (r *Repository) Releases(app string) ([]release.Release, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return s.releases(app)
}

// Add publishes rel: from the moment it returns, clients find it. It returns
// false, and changes nothing, when the same version with the same bytes is
// there already. Its errors include vcm.ErrConflict and vcm.ErrOlder.
func (r *Repository) Add(ctx context.Context, rel release.Release, keys Keys) (added bool, err error) {
	custom, err := release.Encode(rel)
	if err != nil {
		return false, err
	}
	err = r.locked(func(root *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(root)
		if err != nil {
			return err
		}
		all, err := s.releases(rel.App)
		if err != nil {
			return err
		}
		known, err := vcm.Admit(all, rel)
		if err != nil || known {
			return err
		}
		raw := append([]byte(nil), custom...)
		s.trusted.Targets[release.Role(rel.App)].Signed.Targets[rel.TargetPath()] = &metadata.TargetFiles{
			Length: rel.Length, Hashes: metadata.Hashes{"sha256": rel.SHA256[:]}, Custom: rawMessage(raw),
		}
		c := r.change(root, s, keys)
		c.targets(release.Role(rel.App))
		if err := c.commit(); err != nil {
			return err
		}
		added = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("add %s: %w", rel.TargetPath(), err)
	}
	return added, nil
}

// Renew signs again each role of which half the lifetime has passed and whose
// key is at hand, and returns their names. Roles without a key are left alone.
func (r *Repository) Renew(ctx context.Context, keys Keys) (renewed []string, err error) {
	err = r.locked(func(root *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(root)
		if err != nil {
			return err
		}
		c := r.change(root, s, keys)
		for _, role := range s.status() {
			if !r.due(role) || !c.canSign(role.Name) {
				continue
			}
			switch role.Name {
			case metadata.ROOT:
				s.trusted.Root.Signed.Version++
				c.root()
			case metadata.SNAPSHOT:
				c.snapshot()
			case metadata.TIMESTAMP:
			default:
				c.targets(role.Name)
			}
			renewed = append(renewed, role.Name)
		}
		if len(renewed) == 0 {
			return c.err
		}
		return c.commit()
	})
	if err != nil {
		return nil, fmt.Errorf("renew metadata: %w", err)
	}
	return renewed, nil
}

func (r *Repository) due(role Role) bool {
	return r.opts.Now().After(role.Expires.Add(-r.opts.Lifetimes.of(role.Name) / 2))
}

// Role is what is signed for a role at present.
type Role struct {
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Expires time.Time `json:"expires"`
}

// Status lists all roles, root first and timestamp last.
func (r *Repository) Status() ([]Role, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return s.status(), nil
}

func (r *Repository) load() (*state, error) {
	root, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return loadState(root)
}

func (r *Repository) locked(do func(root *os.Root) error) error {
	if err := os.MkdirAll(r.opts.Dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(r.opts.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	lock, err := durable.Acquire(root, lockFile)
	if err != nil {
		return err
	}
	defer lock.Release()
	return do(root)
}

// appOf is the inverse of release.Role.
func appOf(role string) (string, bool) {
	app, ok := strings.CutSuffix(role, "-releases")
	return app, ok && release.CheckApp(app) == nil && release.Role(app) == role
}
