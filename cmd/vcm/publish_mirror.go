package main

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
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
	vcmsync "github.com/tesseract-desktop/tesseract/vcm/sync"
)

// mirror is the publisher's folder. Beside a VCM it is a copy: the VCM signs
// snapshot and timestamp, and the folder follows.
type mirror struct {
	dir    string
	repo   *repository.Repository
	feed   *os.Root
	centre *vcmsync.Centre // nil: the folder is the feed itself
	bar    *bar
	log    *slog.Logger
}

func (m *mirror) close() { m.feed.Close() }

// openFolder takes the folder as it is.
func (t *tool) openFolder(dir string, centre *vcmsync.Centre, bar *bar, log *slog.Logger) (*mirror, error) {
	repo, err := openRepository(dir, log)
	if err != nil {
		return nil, err
	}
	feed, err := os.OpenRoot(filepath.Join(dir, feedDir))
	if err != nil {
		return nil, err
	}
	return &mirror{dir: dir, repo: repo, feed: feed, centre: centre, bar: bar, log: log}, nil
}

// openMirror takes the folder and, where there is a VCM, brings it up to date
// from there. A folder with a trust root and no feed gets one.
func (t *tool) openMirror(ctx context.Context, dir string, centre *vcmsync.Centre, bar *bar, log *slog.Logger) (*mirror, error) {
	if centre == nil {
		return t.openFolder(dir, nil, bar, log)
	}
	m := &mirror{dir: dir, centre: centre, bar: bar, log: log}
	bar.show("asking "+centre.String(), 0, 0)
	if _, err := m.pull(ctx); err != nil {
		return nil, err
	}
	return t.openFolder(dir, centre, bar, log)
}

// pull makes the folder's metadata that of the VCM, and returns its timestamp's
// version. It is verified from the folder's own trust root on, and must not lack
// anything that offline keys signed here.
func (m *mirror) pull(ctx context.Context) (int64, error) {
	version, err := m.follow(ctx)
	if err != nil {
		return 0, fmt.Errorf("bring %s up to date from %s: %w", m.dir, m.centre, err)
	}
	return version, nil
}

func (m *mirror) follow(ctx context.Context) (int64, error) {
	theirs, err := vcmsync.Read(ctx, m.centre.Read)
	if err != nil {
		return 0, err
	}
	trust, err := os.ReadFile(filepath.Join(m.dir, trustRoot))
	if err != nil {
		return 0, fmt.Errorf("the trust root is needed (make a feed with: vcm init %s --app NAME): %w", m.dir, err)
	}
	if err := verifyInventory(theirs, trust); err != nil {
		return 0, err
	}
	dir, err := os.OpenRoot(m.dir)
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	// The repository's own lock: nobody signs meanwhile.
	lock, err := durable.Acquire(dir, "feed.lock")
	if err != nil {
		return 0, err
	}
	defer lock.Release()
	if err := dir.MkdirAll(feedDir+"/metadata", 0o755); err != nil {
		return 0, err
	}
	if err := keepsOffline(ctx, dir, theirs); err != nil {
		return 0, err
	}
	return theirs.Version, writeInventory(dir, feedDir, theirs)
}

// verifyInventory makes sure that what was read is sound, current, and of the
// feed that has trust among its roots, each of which follows from the one before.
func verifyInventory(inv vcmsync.Inventory, trust []byte) error {
	isTrust := func(d vcmsync.Document) bool {
		return strings.HasSuffix(d.Name, ".root.json") && bytes.Equal(d.Data, trust)
	}
	if !slices.ContainsFunc(inv.Documents, isTrust) {
		return fmt.Errorf("it %w; publish to the VCM that was set up with this folder's feed", vcmsync.ErrOtherFeed)
	}
	temp, err := os.MkdirTemp("", "vcm-pull-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	root, err := os.OpenRoot(temp)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(feedDir+"/metadata", 0o755); err != nil {
		return err
	}
	if err := writeInventory(root, feedDir, inv); err != nil {
		return err
	}
	repo, err := repository.Open(repository.Options{Dir: temp})
	if err != nil {
		return err
	}
	roles, err := repo.Status()
	if err != nil {
		return fmt.Errorf("its metadata is not sound: %w", err)
	}
	for _, role := range roles {
		if time.Now().After(role.Expires) {
			return fmt.Errorf("its signature of %s has expired on %s; is the VCM running, and is this computer's clock right?", role.Name, role.Expires.Format(time.DateOnly))
		}
	}
	return nil
}

// keepsOffline refuses a VCM that lacks what was signed in this folder by keys
// that it does not have. What online keys signed here, the VCM signs anew.
func keepsOffline(ctx context.Context, dir *os.Root, theirs vcmsync.Inventory) error {
	feed, err := dir.OpenRoot(feedDir)
	if err != nil {
		return err
	}
	defer feed.Close()
	if _, err := feed.Stat(vcm.TimestampFile); errors.Is(err, fs.ErrNotExist) {
		return nil // a new copy
	}
	ours, err := vcmsync.Read(ctx, vcmsync.Folder(feed))
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	for _, role := range theirs.Roles {
		versions[role.Name] = role.Version
	}
	for _, role := range ours.Roles {
		switch {
		case keys.IsOnline(role.Name):
		case versions[role.Name] < role.Version && role.Name != "root" && role.Name != "targets":
			return fmt.Errorf("the VCM has version %d of %s, and this folder %d; bring that there first, with: vcm publish --dir DIR --to URL", versions[role.Name], role.Name, role.Version)
		case versions[role.Name] < role.Version:
			return fmt.Errorf("the VCM has version %d of %s, and this folder %d; copy the folder's feed/metadata to the VCM first", versions[role.Name], role.Name, role.Version)
		case versions[role.Name] == role.Version && !bytes.Equal(ours.Document(role.Name), theirs.Document(role.Name)):
			return fmt.Errorf("version %d of %s at the VCM %w; publish from the folder that published there last", role.Version, role.Name, vcmsync.ErrForked)
		}
	}
	return nil
}

// writeInventory writes the documents, the timestamp last.
func writeInventory(dir *os.Root, below string, inv vcmsync.Inventory) error {
	for _, d := range append(inv.Documents, vcmsync.Document{Name: vcm.TimestampFile, Data: inv.Timestamp}) {
		name := path.Join(below, d.Name)
		if there, err := dir.ReadFile(name); err == nil && bytes.Equal(there, d.Data) {
			continue
		}
		if err := durable.WriteFile(dir, name, d.Data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// propose signs a release here and makes the VCM publish it.
func (m *mirror) propose(ctx context.Context, r release.Release, signers repository.Keys) (bool, error) {
	document, known, err := m.repo.Prepare(ctx, r, signers)
	if err != nil || known {
		return false, err
	}
	if _, err := m.centre.Publish(ctx, r.App, document, m.feed, vcmsync.Options{Progress: m.bar.brought, Log: m.log}); err != nil {
		return false, err
	}
	_, err = m.pull(ctx)
	return err == nil, err
}

// bring downloads a file of the feed that this copy lacks.
func (m *mirror) bring(ctx context.Context, b release.Blob) error {
	d, err := newDownloads(m.centre.Feed(), filepath.Join(m.dir, "downloads"), m.log)
	if err != nil {
		return err
	}
	file, err := d.get(ctx, b, nil, func(done int64) { m.bar.show("bringing "+path.Base(b.Path), done, b.Length) })
	if err != nil {
		return err
	}
	defer d.drop(file)
	defer file.Close()
	if err := m.feed.MkdirAll(path.Dir(b.Path), 0o755); err != nil {
		return err
	}
	out, err := durable.Create(m.feed, b.Path, 0o644)
	if err != nil {
		return err
	}
	defer out.Abort()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(out, sum), file); err != nil {
		return err
	}
	if release.Digest(sum.Sum(nil)) != b.SHA256 {
		return fmt.Errorf("%s changed on disk", b.Path)
	}
	return out.Commit()
}
