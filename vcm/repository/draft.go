package repository

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// draft is what a change makes of the documents that people sign: root, targets and the delegated roles. It is pure.
//
//	edit* ──▶ settle ──▶ sign (here, or elsewhere, any number of times) ──▶ lacks nothing ──▶ commit
//
// A document is in the draft once it is edited, as the version after the one that clients have. Editing drops its
// signatures, so that nobody has signed what they did not see.
type draft struct {
	base  *state // nil: nothing is there yet
	root  *rootDoc
	roles map[string]*targetsDoc
	exact map[string][]byte // documents that are to be published byte for byte
}

func newDraft(base *state) *draft {
	return &draft{base: base, roles: map[string]*targetsDoc{}, exact: map[string][]byte{}}
}

// next is the version after v. The highest possible version has none: whoever signed it wanted that.
func next(v int64) (int64, error) {
	if v < 0 || v >= maxVersion {
		return 0, fmt.Errorf("version %d cannot be followed: %w", v, ErrExhausted)
	}
	return v + 1, nil
}

// maxVersion is the highest version that a document is given. A stolen online key can sign any, up to the highest
// number; clients that saw it come back when the key is replaced.
const maxVersion = 1 << 52

// editRoot is the next root, to be changed.
func (d *draft) editRoot() (*metadata.RootType, error) {
	if d.root == nil {
		doc := metadata.Root()
		if d.base != nil {
			var err error
			if doc, err = clone(d.base.root); err != nil {
				return nil, err
			}
			if doc.Signed.Version, err = next(doc.Signed.Version); err != nil {
				return nil, fmt.Errorf("root: %w", err)
			}
		}
		d.root = doc
	}
	d.root.ClearSignatures()
	return &d.root.Signed, nil
}

// edit is the next document of targets or of a delegated role, to be changed.
func (d *draft) edit(role string) (*metadata.TargetsType, error) {
	doc := d.roles[role]
	if doc == nil {
		doc = metadata.Targets()
		if d.base != nil && d.base.targets[role] != nil {
			var err error
			if doc, err = clone(d.base.targets[role]); err != nil {
				return nil, err
			}
			if doc.Signed.Version, err = next(doc.Signed.Version); err != nil {
				return nil, fmt.Errorf("%s: %w", role, err)
			}
		}
		d.roles[role] = doc
	}
	doc.ClearSignatures()
	delete(d.exact, role)
	return &doc.Signed, nil
}

// clone copies a document so that nothing is shared.
func clone[T metadata.Roles](m *metadata.Metadata[T]) (*metadata.Metadata[T], error) {
	data, err := m.ToBytes(false)
	if err != nil {
		return nil, err
	}
	return new(metadata.Metadata[T]).FromBytes(data)
}

// currentRoot, current and apps see the change as if it were made.
func (d *draft) currentRoot() *rootDoc {
	if d.root != nil || d.base == nil {
		return d.root
	}
	return d.base.root
}

func (d *draft) current(role string) *targetsDoc {
	if doc := d.roles[role]; doc != nil || d.base == nil {
		return doc
	}
	return d.base.targets[role]
}

func (d *draft) top() *targetsDoc { return d.current(metadata.TARGETS) }

// settle completes the draft: whatever would no longer be trusted under the keys that it names is to be signed
// again, and everything in it is valid from now on.
func (d *draft) settle(now time.Time, l Lifetimes) error {
	if d.root != nil {
		if err := soundRoot(&d.root.Signed); err != nil {
			return err
		}
	}
	if err := d.settleRole(metadata.TARGETS); err != nil {
		return err
	}
	if err := soundDelegations(&d.top().Signed); err != nil {
		return err
	}
	for _, role := range delegated(&d.top().Signed) {
		if err := d.settleRole(role.Name); err != nil {
			return err
		}
	}
	if d.root != nil && len(d.root.Signatures) == 0 {
		d.root.Signed.Expires = now.Add(l.of(metadata.ROOT))
	}
	for role, doc := range d.roles {
		if len(doc.Signatures) == 0 {
			doc.Signed.Expires = now.Add(l.of(role))
		}
	}
	return nil
}

func (d *draft) settleRole(role string) error {
	doc := d.current(role)
	if d.roles[role] != nil || doc != nil && d.accepts(role, doc) == nil {
		return nil
	}
	_, err := d.edit(role)
	return err
}

// changed names the roles in the draft, the most powerful first.
func (d *draft) changed() []string {
	var roles []string
	if d.root != nil {
		roles = append(roles, metadata.ROOT)
	}
	if d.roles[metadata.TARGETS] != nil {
		roles = append(roles, metadata.TARGETS)
	}
	for _, role := range slices.Sorted(maps.Keys(d.roles)) {
		if role != metadata.TARGETS {
			roles = append(roles, role)
		}
	}
	return roles
}

// delegate makes targets trust a role with paths, by keys of which one must sign.
func delegate(top *metadata.TargetsType, role string, paths []string, keys []*metadata.Key) error {
	if top.Delegations == nil {
		top.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	d := metadata.DelegatedRole{Name: role, Threshold: 1, Terminating: true, Paths: paths, KeyIDs: []string{}}
	for _, key := range keys {
		id, err := key.ID()
		if err != nil {
			return err
		}
		top.Delegations.Keys[id] = key
		d.KeyIDs = append(d.KeyIDs, id)
	}
	top.Delegations.Roles = append(top.Delegations.Roles, d)
	return nil
}

// releasePaths and rolloutPaths are what the two roles of an app are trusted with.
func releasePaths(app string) []string {
	return []string{app + "/*/*/*", release.FloorPath(app)}
}

func rolloutPaths(app string) []string { return []string{app + "/rollout/*"} }

// addApp delegates to the two roles of an app.
func (d *draft) addApp(app string, keys Keys) error {
	top, err := d.edit(metadata.TARGETS)
	if err != nil {
		return err
	}
	for _, role := range []struct {
		name  string
		paths []string
	}{{release.Role(app), releasePaths(app)}, {release.RolloutRole(app), rolloutPaths(app)}} {
		if delegation(top, role.name) != nil {
			continue
		}
		public, err := publicKeys(keys, role.name)
		if err != nil {
			return err
		}
		if err := delegate(top, role.name, role.paths, public); err != nil {
			return err
		}
	}
	return nil
}

// publicKeys are those at hand for a role; none is an error.
func publicKeys(keys Keys, role string) ([]*metadata.Key, error) {
	signers, err := keys(role)
	if err != nil {
		return nil, err
	}
	var all []*metadata.Key
	for _, s := range signers {
		key, err := metadata.KeyFromPublicKey(s.Public())
		if err != nil {
			return nil, err
		}
		all = append(all, key)
	}
	if len(all) == 0 {
		return nil, errors.New("no key for " + role)
	}
	return all, nil
}

// versionAfter is the next version of snapshot or timestamp.
func (d *draft) versionAfter(role string, v int64) (int64, error) {
	n, err := next(v)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", role, err)
	}
	return n, nil
}
