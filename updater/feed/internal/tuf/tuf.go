// Package tuf is the client workflow of the TUF specification (1.0, section 5):
// files in, a trusted state of a repository out.
//
// Parties. A repository of signed files, asked through [Options.Fetch]; whoever
// carries them; a folder that remembers what was trusted before.
//
// Trust. Only [Options.Root] is trusted. Decoding and checking of signatures,
// versions and hashes are go-tuf's (packages metadata and trustedmetadata); the
// order of steps, what is asked for, what is kept and what is refused before the
// library sees it are here, because the library's own updater takes a damaged
// file of its cache for the end of everything, trusts a role on the word of
// whichever parent came first, and panics on entries that are null.
//
// Guarantees. A file is kept, byte for byte, once it was proven and not before;
// roots one by one, timestamp, snapshot and targets in this order, so that after
// an error, or a crash, the folder holds a state that the next run goes on from.
// What the folder holds is verified anew each time. Lengths that signed files
// claim can make the limits here only smaller. No input makes the package panic.
package tuf

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
)

// Limits of a file, in bytes, and of what is asked for in one run.
const (
	MaxTargets   = 8 << 20
	maxRoot      = 512 << 10
	maxTimestamp = 16 << 10
	maxSnapshot  = 2 << 20
	maxRoots     = 256
	maxVisited   = 32
)

var (
	// ErrNone is how Fetch says that there is no root of that version.
	ErrNone = errors.New("there is no such file")
	// ErrUnchanged is how Fetch says that the timestamp is the one that is kept.
	ErrUnchanged = errors.New("there is nothing newer")
)

// Options configures a Client.
type Options struct {
	Root   []byte // the newest trusted root
	Folder Folder // of everything but roots
	// Fetch returns the file of that name in the repository's metadata folder,
	// whole, and of at most limit bytes. Its errors are of package fault.
	Fetch func(name string, limit int64) ([]byte, error)
	// Keep is called with each root once it is proven, before the next is asked for.
	Keep func(version int64, data []byte) error
	Now  time.Time    // for the whole run (5.1)
	Log  *slog.Logger // never nil
}

// Client runs the workflow once. It is not for concurrent use.
type Client struct {
	opts    Options
	trusted *trustedmetadata.TrustedMetadata
}

// New takes the trusted root (5.2). It asks for nothing.
func New(o Options) (c *Client, err error) {
	defer rescue(&err)
	if err := sound(metadata.ROOT, o.Root); err != nil {
		return nil, err
	}
	trusted, err := trustedmetadata.New(o.Root)
	if err != nil {
		return nil, judge("the trusted root", err)
	}
	// The specification wants expiry to be later than now; the library is content with equal.
	trusted.RefTime = o.Now.UTC().Add(time.Nanosecond)
	return &Client{opts: o, trusted: trusted}, nil
}

// Newest follows kept roots from a trusted one for as long as each is signed by
// the one before, and returns the last: the root to begin with.
func Newest(trusted []byte, kept func(version int64) ([]byte, error), log *slog.Logger) (newest []byte) {
	newest = trusted
	c, err := New(Options{Root: trusted})
	if err != nil {
		return newest // the caller will begin with it, and learn why
	}
	for {
		next := c.trusted.Root.Signed.Version + 1
		data, err := kept(next)
		if errors.Is(err, fs.ErrNotExist) {
			return newest
		}
		if err == nil {
			err = c.nextRoot(next, data)
		}
		if err != nil {
			log.Warn("kept root does not continue the chain, it will be fetched anew", "version", next, "err", err)
			return newest
		}
		newest = data
	}
}

// nextRoot proves the successor of the trusted root and trusts it from now on.
func (c *Client) nextRoot(version int64, data []byte) (err error) {
	defer rescue(&err)
	if err := sound(metadata.ROOT, data); err != nil {
		return err
	}
	_, err = c.trusted.UpdateRoot(data)
	return judge(fmt.Sprintf("root %d", version), err)
}

// Trusted is the state that was reached. It must not be changed.
func (c *Client) Trusted() *trustedmetadata.TrustedMetadata { return c.trusted }

// Refresh brings root, timestamp, snapshot and targets up to date (5.3 to 5.6).
func (c *Client) Refresh() (err error) {
	defer rescue(&err)
	for _, step := range []func() error{c.updateRoot, c.forgetRotated, c.updateTimestamp, c.updateSnapshot} {
		if err := step(); err != nil {
			return err
		}
	}
	_, err = c.load(metadata.TARGETS, metadata.ROOT)
	return err
}

// updateRoot follows the chain of roots (5.3.2 to 5.3.10).
func (c *Client) updateRoot() error {
	for range maxRoots {
		next := c.trusted.Root.Signed.Version + 1
		name := strconv.FormatInt(next, 10) + ".root.json"
		data, err := c.opts.Fetch(name, maxRoot)
		if errors.Is(err, ErrNone) {
			break
		}
		if err == nil {
			err = c.nextRoot(next, data)
		}
		if err != nil {
			return err
		}
		if err := c.opts.Keep(next, data); err != nil {
			return fmt.Errorf("%w: keep %s: %w", fault.ErrState, name, err)
		}
	}
	if c.trusted.Root.Signed.IsExpired(c.trusted.RefTime) {
		return fmt.Errorf("%w: root %d is valid until %v", fault.ErrExpired, c.trusted.Root.Signed.Version, c.trusted.Root.Signed.Expires)
	}
	return nil
}

// forgetRotated forgets timestamp and snapshot once the keys of either were replaced
// (5.3.11): a thief of the old ones may have raised every version beyond reach.
func (c *Client) forgetRotated() error {
	timestamp, snapshot := c.kept(metadata.TIMESTAMP, maxTimestamp), c.kept(metadata.SNAPSHOT, maxSnapshot)
	rotated := false
	if timestamp != nil {
		md, err := metadata.Timestamp().FromBytes(timestamp)
		rotated = err == nil && c.rotated(metadata.TIMESTAMP, md.Signatures)
	}
	if snapshot != nil && !rotated {
		md, err := metadata.Snapshot().FromBytes(snapshot)
		rotated = err == nil && c.rotated(metadata.SNAPSHOT, md.Signatures)
	}
	if !rotated {
		return nil
	}
	c.opts.Log.Info("keys were replaced, what they signed is forgotten")
	return errors.Join(c.opts.Folder.Drop(metadata.TIMESTAMP), c.opts.Folder.Drop(metadata.SNAPSHOT))
}

// rotated tells whether too few of the keys that signed a kept file are still
// the role's. It looks at names, not signatures: a file that was damaged on disk
// is no reason to forget the other.
func (c *Client) rotated(role string, signatures []metadata.Signature) bool {
	now, still := c.trusted.Root.Signed.Roles[role], 0
	for _, s := range signatures {
		for _, id := range now.KeyIDs {
			if s.KeyID == id {
				still++
				break
			}
		}
	}
	return still < now.Threshold
}

// updateTimestamp asks for the timestamp (5.4). The kept one, expired or not,
// says what is too old.
func (c *Client) updateTimestamp() error {
	if data := c.kept(metadata.TIMESTAMP, maxTimestamp); data != nil {
		if _, err := c.trusted.UpdateTimestamp(data); err != nil {
			c.opts.Log.Debug("kept timestamp is of limited use", "err", err)
		}
	}
	data, err := c.opts.Fetch("timestamp.json", maxTimestamp)
	switch {
	case errors.Is(err, ErrUnchanged) && c.trusted.Timestamp == nil:
		return fmt.Errorf("%w: nothing is newer than a timestamp that is not here", fault.ErrMalformed)
	case errors.Is(err, ErrUnchanged):
		return c.currentTimestamp()
	case err != nil:
		return err
	}
	if err := sound(metadata.TIMESTAMP, data); err != nil {
		return err
	}
	_, err = c.trusted.UpdateTimestamp(data)
	if errors.Is(err, &metadata.ErrEqualVersionNumber{}) {
		return c.currentTimestamp()
	}
	if err != nil {
		return judge("timestamp", err)
	}
	return c.opts.Folder.Write(metadata.TIMESTAMP, data)
}

func (c *Client) currentTimestamp() error {
	if stamp := c.trusted.Timestamp.Signed; stamp.IsExpired(c.trusted.RefTime) {
		return fmt.Errorf("%w: timestamp %d is valid until %v", fault.ErrExpired, stamp.Version, stamp.Expires)
	}
	return nil
}

// updateSnapshot asks for the snapshot that the timestamp names, where it is not
// the kept one (5.5).
func (c *Client) updateSnapshot() error {
	if data := c.kept(metadata.SNAPSHOT, maxSnapshot); data != nil {
		// One that is merely old stays loaded, to compare the new one with.
		if _, err := c.trusted.UpdateSnapshot(data, true); err == nil {
			return nil
		}
	}
	data, err := c.fetch(metadata.SNAPSHOT, c.trusted.Timestamp.Signed.Meta["snapshot.json"], maxSnapshot)
	if err != nil {
		return err
	}
	if _, err := c.trusted.UpdateSnapshot(data, false); err != nil {
		return judge("snapshot", err)
	}
	return c.opts.Folder.Write(metadata.SNAPSHOT, data)
}

// Load returns a delegated role on the word of parent, which was loaded before.
func (c *Client) Load(role, parent string) (md *metadata.Metadata[metadata.TargetsType], err error) {
	defer rescue(&err)
	return c.load(role, parent)
}

// load returns a role of targets, at the version that the snapshot names (5.6).
func (c *Client) load(role, parent string) (*metadata.Metadata[metadata.TargetsType], error) {
	if md := c.trusted.Targets[role]; md != nil {
		// It was verified by the keys that another parent may have named.
		return md, c.verify(parent, role, md)
	}
	meta := c.trusted.Snapshot.Signed.Meta[role+".json"]
	if meta == nil {
		return nil, fmt.Errorf("%w: the snapshot does not list role %s", fault.ErrSignature, role)
	}
	if data := c.kept(role, MaxTargets); data != nil {
		if md, err := c.trusted.UpdateDelegatedTargets(data, role, parent); err == nil {
			return md, nil
		}
	}
	data, err := c.fetch(role, meta, MaxTargets)
	if err != nil {
		return nil, err
	}
	md, err := c.trusted.UpdateDelegatedTargets(data, role, parent)
	if err != nil {
		return nil, judge(role, err)
	}
	return md, c.opts.Folder.Write(role, data)
}

func (c *Client) verify(parent, role string, md *metadata.Metadata[metadata.TargetsType]) error {
	if parent == metadata.ROOT {
		return judge(role, c.trusted.Root.VerifyDelegate(role, md))
	}
	return judge(role, c.trusted.Targets[parent].VerifyDelegate(role, md))
}

// fetch asks for a role's file at the version, and of the length, that meta says.
func (c *Client) fetch(role string, meta *metadata.MetaFiles, limit int64) ([]byte, error) {
	if meta.Length > 0 {
		limit = min(limit, meta.Length)
	}
	name := url.PathEscape(role) + ".json"
	if c.trusted.Root.Signed.ConsistentSnapshot {
		name = strconv.FormatInt(meta.Version, 10) + "." + name
	}
	data, err := c.opts.Fetch(name, limit)
	if err != nil {
		return nil, err
	}
	return data, sound(role, data)
}

// kept returns a role's file from the folder; nil where there is none that is of
// any use: what cannot be read is asked for anew.
func (c *Client) kept(role string, limit int64) []byte {
	data, err := c.opts.Folder.Read(role, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = sound(role, data)
	}
	if err != nil {
		c.opts.Log.Warn("kept metadata is damaged and will be fetched anew", "role", role, "err", err)
		return nil
	}
	return data
}

// judge gives an error of the library its kind.
func judge(what string, err error) error {
	if err == nil || fault.Known(err) {
		return err
	}
	kind := fault.ErrMalformed
	switch {
	case errors.Is(err, &metadata.ErrExpiredMetadata{}):
		kind = fault.ErrExpired
	case errors.Is(err, &metadata.ErrBadVersionNumber{}):
		kind = fault.ErrRollback
	case errors.Is(err, &metadata.ErrRepository{}), errors.Is(err, &metadata.ErrValue{}):
		kind = fault.ErrSignature
	}
	return fmt.Errorf("%w: %s: %w", kind, what, err)
}
