package repository

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Rekey changes who signs for a role, and how many of them must.
type Rekey struct {
	Role      string
	Add       []ed25519.PublicKey
	Remove    []string // key ids, or at least their first eight digits
	Threshold int      // 0: as it is
}

// Rekey changes the keys of roles in one transaction, and signs anew whatever was signed by keys that do not count any
// more. Keys of root, targets, snapshot and timestamp are named by root, all others by targets. A change of root is
// signed by the former root keys and by the new ones.
//
// After an online key was stolen, replace the keys of snapshot and timestamp together, and of the rollout roles whose
// keys lay beside them: clients then forget the versions that the thief made them believe in, however high. This works
// also where the thief has ruined snapshot and timestamp in the folder.
func (r *Repository) Rekey(ctx context.Context, changes []Rekey, keys Keys) error {
	_, err := r.applyTo(ctx, keys, salvaging(changes), func(d *draft) error {
		for _, c := range changes {
			if err := d.rekey(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("change keys: %w", err)
	}
	return nil
}

// AddApp makes the feed carry one more app, by the keys at hand for its two roles.
func (r *Repository) AddApp(ctx context.Context, app string, keys Keys) error {
	if err := release.CheckApp(app); err != nil {
		return err
	}
	_, err := r.apply(ctx, keys, func(d *draft) error {
		if delegation(&d.top().Signed, release.Role(app)) != nil {
			return fmt.Errorf("the feed carries it: %w", ErrExists)
		}
		return d.addApp(app, keys)
	})
	if err != nil {
		return fmt.Errorf("add the app %s: %w", app, err)
	}
	return nil
}

// Upgrade gives apps of feeds that were made before there were rollouts and version floors what these need. It returns
// the apps that lacked it.
func (r *Repository) Upgrade(ctx context.Context, keys Keys) (apps []string, err error) {
	_, err = r.apply(ctx, keys, func(d *draft) error {
		apps = outdated(&d.top().Signed)
		for _, app := range apps {
			if err := d.addApp(app, keys); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return apps, fmt.Errorf("upgrade the feed: %w", err)
	}
	return apps, nil
}

// Outdated names the apps that Upgrade would change.
func (r *Repository) Outdated() ([]string, error) {
	s, err := r.load()
	if err != nil {
		return nil, err
	}
	return outdated(&s.top().Signed), nil
}

func outdated(top *metadata.TargetsType) []string {
	var apps []string
	for _, app := range appsOf(top) {
		if delegation(top, release.RolloutRole(app)) == nil || !slices.Contains(delegation(top, release.Role(app)).Paths, release.FloorPath(app)) {
			apps = append(apps, app)
		}
	}
	return apps
}

// addApp delegates to the two roles of an app, as far as that is not so already.
func (d *draft) addApp(app string, keys Keys) error {
	top, err := d.edit(metadata.TARGETS)
	if err != nil {
		return err
	}
	for _, role := range []struct {
		name  string
		paths []string
	}{
		{release.Role(app), []string{app + "/*/*/*", release.FloorPath(app)}},
		{release.RolloutRole(app), []string{app + "/rollout/*"}},
	} {
		if there := delegation(top, role.name); there != nil {
			there.Paths = role.paths
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

// delegate makes targets trust a role with paths, by keys of which one must sign.
func delegate(top *metadata.TargetsType, role string, paths []string, public []*metadata.Key) error {
	if top.Delegations == nil {
		top.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	d := metadata.DelegatedRole{Name: role, Threshold: 1, Terminating: true, Paths: paths, KeyIDs: []string{}}
	for _, key := range public {
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

// rekey makes one change of keys in the document that names them.
func (d *draft) rekey(c Rekey) error {
	if other := d.usedElsewhere(c); other != "" {
		return fmt.Errorf("a key that is to sign for %s signs for %s already; make one of its own", c.Role, other)
	}
	if slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], c.Role) {
		root, err := d.editRoot()
		if err != nil {
			return err
		}
		named := root.Roles[c.Role]
		if named.KeyIDs, named.Threshold, err = c.apply(root.Keys, named.KeyIDs, named.Threshold); err != nil {
			return err
		}
		dropUnused(root.Keys, func(yield func([]string) bool) {
			for _, role := range root.Roles {
				if !yield(role.KeyIDs) {
					return
				}
			}
		})
		return nil
	}
	if delegation(&d.top().Signed, c.Role) == nil {
		return fmt.Errorf("the feed has no role %q", c.Role)
	}
	top, err := d.edit(metadata.TARGETS)
	if err != nil {
		return err
	}
	named := delegation(top, c.Role)
	if named.KeyIDs, named.Threshold, err = c.apply(top.Delegations.Keys, named.KeyIDs, named.Threshold); err != nil {
		return err
	}
	dropUnused(top.Delegations.Keys, func(yield func([]string) bool) {
		for _, role := range top.Delegations.Roles {
			if !yield(role.KeyIDs) {
				return
			}
		}
	})
	return nil
}

// apply is the change's outcome for a role with these keys.
func (c Rekey) apply(keys map[string]*metadata.Key, ids []string, threshold int) ([]string, int, error) {
	ids = slices.Clone(ids)
	for _, want := range c.Remove {
		id, err := matching(ids, want)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", c.Role, err)
		}
		ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
	}
	for _, public := range c.Add {
		key, err := metadata.KeyFromPublicKey(public)
		if err != nil {
			return nil, 0, err
		}
		id, err := key.ID()
		if err != nil {
			return nil, 0, err
		}
		keys[id] = key
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if c.Threshold != 0 {
		threshold = c.Threshold
	}
	if threshold < 1 || threshold > len(ids) {
		return nil, 0, fmt.Errorf("%s would need %d signatures and have %d keys; add keys or choose another threshold", c.Role, threshold, len(ids))
	}
	return ids, threshold, nil
}

// matching is the id that begins with what somebody typed.
func matching(ids []string, want string) (string, error) {
	var found []string
	for _, id := range ids {
		if len(want) >= 8 && strings.HasPrefix(id, strings.ToLower(want)) {
			found = append(found, id)
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("%d keys have an id that begins with %.64q; give at least its first eight digits", len(found), want)
	}
	return found[0], nil
}

// usedElsewhere names another role that one of the new keys signs for: thresholds count people, so a key has one use.
func (d *draft) usedElsewhere(c Rekey) string {
	for _, public := range c.Add {
		key, err := metadata.KeyFromPublicKey(public)
		if err != nil {
			return ""
		}
		id, err := key.ID()
		if err != nil {
			return ""
		}
		for name, role := range d.currentRoot().Signed.Roles {
			if name != c.Role && slices.Contains(role.KeyIDs, id) {
				return name
			}
		}
		for _, role := range delegated(&d.top().Signed) {
			if role.Name != c.Role && slices.Contains(role.KeyIDs, id) {
				return role.Name
			}
		}
	}
	return ""
}

func dropUnused(keys map[string]*metadata.Key, used func(yield func([]string) bool)) {
	named := map[string]bool{}
	for ids := range used {
		for _, id := range ids {
			named[id] = true
		}
	}
	for id := range keys {
		if !named[id] {
			delete(keys, id)
		}
	}
}

// salvaging is how a change of keys reads the folder: where it replaces all keys of snapshot and timestamp, it can do
// without what these keys signed.
func salvaging(changes []Rekey) func(dir *os.Root) (*state, error) {
	return func(dir *os.Root) (*state, error) {
		s, err := loadState(dir)
		if err == nil {
			return s, nil
		}
		salvaged, salvageErr := salvage(dir)
		if salvageErr != nil {
			return nil, errors.Join(err, salvageErr)
		}
		for _, role := range []string{metadata.SNAPSHOT, metadata.TIMESTAMP} {
			if !replacesAll(changes, role, salvaged.root.Signed.Roles[role].KeyIDs) {
				return nil, fmt.Errorf("%w; if an online key was stolen, replace all keys of snapshot and timestamp in one step", err)
			}
		}
		return salvaged, nil
	}
}

func replacesAll(changes []Rekey, role string, ids []string) bool {
	for _, c := range changes {
		if c.Role != role {
			continue
		}
		left, _, err := c.apply(map[string]*metadata.Key{}, ids, 1)
		return err == nil && !slices.ContainsFunc(left, func(id string) bool { return slices.Contains(ids, id) })
	}
	return false
}
