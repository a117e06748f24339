package repository

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// Prepare signs rel as part of the next document of its app's release role, and publishes nothing: the document is
// for [Repository.Propose] on the machine that keeps the feed. It is made upon this folder's metadata, which is
// verified from its first root on. known: the release is there already, and there is no document. ErrUnsigned says
// that the keys at hand are not enough.
func (r *Repository) Prepare(ctx context.Context, rel release.Release, keys Keys) (document []byte, known bool, err error) {
	err = r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(dir)
		if err != nil {
			return err
		}
		d := newDraft(s)
		added, err := d.addRelease(rel)
		if err != nil || !added {
			known = err == nil
			return err
		}
		role := release.Role(rel.App)
		d.roles[role].Signed.Expires = r.now().Add(r.opts.Lifetimes.of(role))
		if _, err := d.sign(keys); err != nil {
			return err
		}
		if l := d.lacks(); len(l) > 0 {
			return unsigned(l)
		}
		document, err = d.roles[role].ToBytes(false)
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("prepare %s: %w", rel.TargetPath(), err)
	}
	return document, known, nil
}

// Document is a release role's document that was signed elsewhere.
type Document struct {
	App   string
	Bytes []byte
	// Removals allows it to lack, or to change, what is published.
	Removals bool
}

// Accepted says what came of a Document.
type Accepted struct {
	Version int64             // of the document
	Already bool              // it was published before, and nothing was done
	Added   []release.Release // in no order
}

// Propose publishes a release role's document byte for byte, with a snapshot and a timestamp by the keys at hand. It
// takes only what clients will take too: signed by as many of the role's keys as targets asks for, the version
// after the current one, not expired, every target a release within the role's paths or the version floor. Besides,
// it may only add. Proposing the current document again changes nothing.
//
// Its errors include ErrStale (somebody else was first), ErrUnsigned, ErrRefused, vcm.ErrConflict and vcm.ErrOlder.
// The caller makes sure that the files which the document names are in the feed; check them by Accepted or, before,
// by [Repository.Examine].
func (r *Repository) Propose(ctx context.Context, doc Document, keys Keys) (Accepted, error) {
	var res Accepted
	err := r.locked(func(dir *os.Root) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := loadState(dir)
		if err != nil {
			return err
		}
		d, accepted, err := r.examine(s, doc)
		if err != nil {
			return err
		}
		res = accepted
		if res.Already {
			return nil
		}
		return r.commit(dir, d, keys, false)
	})
	if err != nil {
		return Accepted{}, fmt.Errorf("proposal for %s: %w", doc.App, err)
	}
	return res, nil
}

// Examine tells what Propose would do, and does nothing.
func (r *Repository) Examine(doc Document) (Accepted, error) {
	s, err := r.load()
	if err != nil {
		return Accepted{}, err
	}
	_, res, err := r.examine(s, doc)
	if err != nil {
		return Accepted{}, fmt.Errorf("proposal for %s: %w", doc.App, err)
	}
	return res, nil
}

func (r *Repository) examine(s *state, doc Document) (d *draft, res Accepted, err error) {
	defer func() {
		if p := recover(); p != nil { // the library panics on some documents that no repository makes
			d, res, err = nil, Accepted{}, fmt.Errorf("%w: it cannot be processed: %v", ErrRefused, p)
		}
	}()
	current, err := s.releaseRole(doc.App)
	if err != nil {
		return nil, res, err
	}
	m, err := parseTargets(doc.Bytes)
	if err != nil {
		return nil, res, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	res.Version = m.Signed.Version
	if same, err := sameContent(m, current); err != nil || same {
		res.Already = same
		return nil, res, err
	}
	role := release.Role(doc.App)
	d = newDraft(s)
	d.roles[role], d.exact[role] = m, doc.Bytes
	if l := d.lacks(); len(l) > 0 {
		return nil, res, unsigned(l)
	}
	switch want, err := next(current.Signed.Version); {
	case err != nil:
		return nil, res, err
	case m.Signed.Version != want:
		return nil, res, fmt.Errorf("it is version %d, and %d must follow: %w", m.Signed.Version, want, ErrStale)
	case !m.Signed.Expires.After(r.now()):
		return nil, res, fmt.Errorf("%w: it expired on %s", ErrRefused, m.Signed.Expires.Format("2006-01-02"))
	}
	res.Added, err = s.additions(doc, m)
	return d, res, err
}

func parseTargets(data []byte) (*targetsDoc, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(data), maxDocument)
	}
	m, err := metadata.Targets().FromBytes(data)
	if err != nil {
		return nil, err
	}
	if d := m.Signed.Delegations; d != nil && (len(d.Roles) > 0 || d.SuccinctRoles != nil) {
		return nil, errors.New("it delegates to others")
	}
	// Clients refuse the whole document for any of these.
	if major, _, _ := strings.Cut(m.Signed.SpecVersion, "."); major != "1" {
		return nil, fmt.Errorf("it follows version %.16q of the specification, clients know 1", m.Signed.SpecVersion)
	}
	for name, target := range m.Signed.Targets {
		if target == nil || target.Length < 0 {
			return nil, fmt.Errorf("target %.80q is empty or of negative length", name)
		}
	}
	return m, nil
}

func sameContent(a, b *targetsDoc) (bool, error) {
	x, err := json.Marshal(a.Signed)
	if err != nil {
		return false, err
	}
	y, err := json.Marshal(b.Signed)
	return bytes.Equal(x, y), err
}

// additions checks every target against what is published and returns the new releases.
func (s *state) additions(doc Document, m *targetsDoc) ([]release.Release, error) {
	before, err := s.releaseRole(doc.App)
	if err != nil {
		return nil, err
	}
	catalogue, err := catalogueOf(doc.App, &before.Signed, nil)
	if err != nil {
		return nil, err
	}
	trusted := delegation(&s.top().Signed, release.Role(doc.App))
	var added []release.Release
	for name, target := range m.Signed.Targets {
		if ok, err := trusted.IsDelegatedPath(name); err != nil || !ok {
			return nil, fmt.Errorf("%w: the role is not trusted with %.80q", ErrRefused, name)
		}
		if name == release.FloorPath(doc.App) {
			continue
		}
		rel, err := decodeRelease(name, target)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		if rel.App != doc.App {
			return nil, fmt.Errorf("%w: %s is of another app", ErrRefused, name)
		}
		if sameTarget(before.Signed.Targets[name], target) {
			continue
		}
		if before.Signed.Targets[name] != nil && !doc.Removals {
			return nil, fmt.Errorf("%w: it changes %s", ErrRefused, name)
		}
		if _, err := vcm.Admit(catalogue.Releases, rel); err != nil && !doc.Removals {
			return nil, err
		}
		added = append(added, rel)
	}
	return added, s.removals(doc, before, m)
}

// removals refuses a document that lacks what is published, or lowers the floor, where that is not allowed.
func (s *state) removals(doc Document, before, after *targetsDoc) error {
	for name := range before.Signed.Targets {
		if _, kept := after.Signed.Targets[name]; !kept && !doc.Removals {
			return fmt.Errorf("%w: it lacks %s, which is published", ErrRefused, name)
		}
	}
	was, err := floorOf(doc.App, &before.Signed)
	if err != nil {
		return err
	}
	is, err := floorOf(doc.App, &after.Signed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if is.Compare(was) < 0 && !doc.Removals {
		return fmt.Errorf("%w: it lowers the version floor from %s", ErrRefused, was)
	}
	return nil
}

func floorOf(app string, signed *metadata.TargetsType) (release.Version, error) {
	target, ok := signed.Targets[release.FloorPath(app)]
	if !ok {
		return release.Version{}, nil
	}
	custom, err := customOf(release.FloorPath(app), target)
	if err != nil {
		return release.Version{}, err
	}
	return release.DecodeFloor(custom)
}

func sameTarget(a, b *metadata.TargetFiles) bool {
	if a == nil || b == nil {
		return false
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// addRelease puts rel into the draft; false where it is there already.
func (d *draft) addRelease(rel release.Release) (added bool, err error) {
	custom, err := release.Encode(rel)
	if err != nil {
		return false, err
	}
	role := release.Role(rel.App)
	current := d.current(role)
	if current == nil {
		_, err := d.base.releaseRole(rel.App)
		return false, err
	}
	catalogue, err := catalogueOf(rel.App, &current.Signed, nil)
	if err != nil {
		return false, err
	}
	known, err := vcm.Admit(catalogue.Releases, rel)
	if err != nil || known {
		return false, err
	}
	signed, err := d.edit(role)
	if err != nil {
		return false, err
	}
	signed.Targets[rel.TargetPath()] = &metadata.TargetFiles{
		Length: rel.Length, Hashes: metadata.Hashes{"sha256": rel.SHA256[:]}, Custom: &custom,
	}
	return true, nil
}

// emptyTarget is a target that is only its custom field.
func emptyTarget(custom json.RawMessage) *metadata.TargetFiles {
	sum := sha256.Sum256(nil)
	return &metadata.TargetFiles{Hashes: metadata.Hashes{"sha256": sum[:]}, Custom: &custom}
}
