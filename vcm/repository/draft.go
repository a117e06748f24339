package repository

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
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
	fresh map[string]bool   // roles that were edited, and not adopted from a pending change as they are
}

func newDraft(base *state) *draft {
	return &draft{base: base, roles: map[string]*targetsDoc{}, exact: map[string][]byte{}, fresh: map[string]bool{}}
}

// plausible is a version that no feed reaches honestly: one each second for thirty years. Somebody with a stolen key
// can sign any number, so that clients which saw it refuse everything that follows ("fast-forward").
const plausible = 1_000_000_000

// maxVersion is the highest version that a document is given.
const maxVersion = 1 << 52

// next is the version after v.
func next(v int64) (int64, error) {
	if v < 0 || v >= maxVersion {
		return 0, fmt.Errorf("version %d cannot be followed: %w", v, ErrExhausted)
	}
	return v + 1, nil
}

// versionAfter is the version of a role's next document. Where somebody drove it up and the keys are being replaced,
// it starts anew: clients drop what is signed by the former keys, and with it the number that they saw.
func (d *draft) versionAfter(role string, v int64) (int64, error) {
	if v >= plausible && d.forgotten(role) {
		return d.highest(role) + 1, nil
	}
	n, err := next(v)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", role, err)
	}
	return n, nil
}

// forgotten tells whether clients drop the version that they saw of an online role, once they have the draft's keys.
// A delegated role's is in the snapshot, too.
func (d *draft) forgotten(role string) bool {
	switch role {
	case metadata.SNAPSHOT:
		return d.accepts(role, d.base.snapshot) != nil
	case metadata.TIMESTAMP:
		return d.accepts(role, d.base.timestamp) != nil
	}
	return online(role) && d.accepts(role, d.base.targets[role]) != nil && d.forgotten(metadata.SNAPSHOT)
}

// highest is the highest plausible version of a role that was ever in the folder. The timestamp's leaves no trace;
// any number will do.
func (d *draft) highest(role string) int64 {
	if d.base.highest == nil {
		return 0
	}
	return d.base.highest(role)
}

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
	d.fresh[metadata.ROOT] = true
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
			if doc.Signed.Version, err = d.versionAfter(role, doc.Signed.Version); err != nil {
				return nil, err
			}
		}
		d.roles[role] = doc
	}
	doc.ClearSignatures()
	delete(d.exact, role)
	d.fresh[role] = true
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

// settle completes the draft: whatever would no longer be trusted under the keys that it names, or expired while it
// waited for signatures, is to be signed again, and everything that was edited is valid from now on.
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
	for _, role := range d.expired(now) {
		if err := d.again(role); err != nil {
			return err
		}
	}
	if d.fresh[metadata.ROOT] {
		d.root.Signed.Expires = now.Add(l.of(metadata.ROOT))
	}
	for role, doc := range d.roles {
		if d.fresh[role] {
			doc.Signed.Expires = now.Add(l.of(role))
		}
	}
	return nil
}

// expired names the roles whose documents in the draft waited for signatures until clients would not take them any more.
func (d *draft) expired(now time.Time) (roles []string) {
	if d.root != nil && !d.fresh[metadata.ROOT] && !d.root.Signed.Expires.After(now) {
		roles = append(roles, metadata.ROOT)
	}
	for role, doc := range d.roles {
		if !d.fresh[role] && !doc.Signed.Expires.After(now) {
			roles = append(roles, role)
		}
	}
	slices.Sort(roles)
	return roles
}

// again has a document of the draft signed anew.
func (d *draft) again(role string) (err error) {
	if role == metadata.ROOT {
		_, err = d.editRoot()
	} else {
		_, err = d.edit(role)
	}
	return err
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
