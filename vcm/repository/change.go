package repository

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// change is one transaction. Its methods sign and write files that nothing
// refers to yet; the first error ends all work. commit makes them count.
type change struct {
	repo *Repository
	dir  *os.Root
	s    *state
	keys Keys
	err  error

	snapshotDue bool
}

func (r *Repository) change(dir *os.Root, s *state, keys Keys) *change {
	return &change{repo: r, dir: dir, s: s, keys: keys}
}

// canSign tells whether the key is at hand. Any other trouble with it is an
// error.
func (c *change) canSign(role string) bool {
	if c.err != nil {
		return false
	}
	_, err := c.keys(role)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.err = err
	}
	return err == nil
}

// root signs the root as it is. A root's file counts at once: clients look for
// the next version by its name.
func (c *change) root() {
	m := c.s.trusted.Root
	m.Signed.Expires = c.expiry(metadata.ROOT)
	_ = write(c, m, metadata.ROOT, versioned(metadata.ROOT, m.Signed.Version))
}

// targets signs targets or a delegated role as its next version.
func (c *change) targets(role string) {
	m := c.s.trusted.Targets[role]
	m.Signed.Version++
	m.Signed.Expires = c.expiry(role)
	length := write(c, m, role, versioned(role, m.Signed.Version))
	c.s.trusted.Snapshot.Signed.Meta[role+".json"] = &metadata.MetaFiles{Version: m.Signed.Version, Length: length}
	c.snapshotDue = true
}

// snapshot makes commit sign a new one, though nothing below it changed.
func (c *change) snapshot() { c.snapshotDue = true }

// commit signs the snapshot, where it changed, and the timestamp, and puts the
// latter in place.
func (c *change) commit() error {
	t := c.s.trusted
	if c.snapshotDue {
		t.Snapshot.Signed.Version++
		t.Snapshot.Signed.Expires = c.expiry(metadata.SNAPSHOT)
		length := write(c, t.Snapshot, metadata.SNAPSHOT, versioned(metadata.SNAPSHOT, t.Snapshot.Signed.Version))
		t.Timestamp.Signed.Meta["snapshot.json"] = &metadata.MetaFiles{Version: t.Snapshot.Signed.Version, Length: length}
	}
	t.Timestamp.Signed.Version++
	t.Timestamp.Signed.Expires = c.expiry(metadata.TIMESTAMP)
	_ = write(c, t.Timestamp, metadata.TIMESTAMP, "timestamp.json")
	if c.err == nil {
		c.repo.opts.Log.Info("metadata committed", "timestamp", t.Timestamp.Signed.Version, "snapshot", t.Snapshot.Signed.Version)
	}
	return c.err
}

func (c *change) expiry(role string) time.Time {
	return c.repo.opts.Now().UTC().Truncate(time.Second).Add(c.repo.opts.Lifetimes.of(role))
}

// write signs m and puts it into the folder; it returns the file's length.
func write[T metadata.Roles](c *change, m *metadata.Metadata[T], role, name string) int64 {
	if c.err != nil {
		return 0
	}
	data, err := seal(m, role, c.keys)
	if err == nil {
		err = c.s.accepts(role, m)
	}
	if err == nil {
		err = durable.WriteFile(c.dir, metadataDir+"/"+name, data, 0o644)
	}
	if err != nil {
		c.err = fmt.Errorf("%s: %w", name, err)
	}
	return int64(len(data))
}

func seal[T metadata.Roles](m *metadata.Metadata[T], role string, keys Keys) ([]byte, error) {
	key, err := keys(role)
	if err != nil {
		return nil, err
	}
	m.ClearSignatures()
	if _, err := m.Sign(signer{key}); err != nil {
		return nil, err
	}
	return m.ToBytes(false)
}

// accepts tells whether clients will take the signature: a key that the feed
// does not name must be found out here, and not by them.
func (s *state) accepts(role string, m any) error {
	var err error
	if slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], role) {
		err = s.trusted.Root.VerifyDelegate(role, m)
	} else {
		err = s.trusted.Targets[metadata.TARGETS].VerifyDelegate(role, m)
	}
	if err != nil {
		return fmt.Errorf("the key at hand for %s is not the one that the feed names: %w", role, err)
	}
	return nil
}

// signer lets the library sign with any ed25519 key, wherever it is kept.
type signer struct{ key crypto.Signer }

func (s signer) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return s.key.Public(), nil
}

func (s signer) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	if _, ok := s.key.Public().(ed25519.PublicKey); !ok {
		return nil, errors.New("not an ed25519 key")
	}
	var data bytes.Buffer
	if _, err := io.Copy(&data, message); err != nil {
		return nil, err
	}
	return s.key.Sign(nil, data.Bytes(), crypto.Hash(0))
}
