package repository

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

var (
	roleName  = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	publicHex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// soundRoot refuses roots that carry signatures and yet would let one key count as several, or name roles that
// nobody could ever sign for.
func soundRoot(r *metadata.RootType) error {
	if err := soundKeys(r.Keys); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if len(r.Roles) != len(metadata.TOP_LEVEL_ROLE_NAMES) {
		return fmt.Errorf("root names %d roles, want %d", len(r.Roles), len(metadata.TOP_LEVEL_ROLE_NAMES))
	}
	for _, name := range metadata.TOP_LEVEL_ROLE_NAMES {
		role := r.Roles[name]
		if role == nil {
			return fmt.Errorf("root does not name %s", name)
		}
		if err := soundThreshold(r.Keys, role.KeyIDs, role.Threshold); err != nil {
			return fmt.Errorf("root: %s: %w", name, err)
		}
	}
	return nil
}

// soundDelegations does the same for what targets delegates. A role that is delegated twice would be trusted on the
// word of the weaker delegation.
func soundDelegations(top *metadata.TargetsType) error {
	d := top.Delegations
	if d == nil || d.SuccinctRoles != nil {
		return errors.New("targets does not delegate to roles by name")
	}
	if err := soundKeys(d.Keys); err != nil {
		return fmt.Errorf("targets: %w", err)
	}
	seen := map[string]bool{}
	for _, role := range d.Roles {
		if !roleName.MatchString(role.Name) || slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], role.Name) {
			return fmt.Errorf("targets delegates to a role that cannot be named %.40q", role.Name)
		}
		if seen[role.Name] {
			return fmt.Errorf("targets delegates to %s twice", role.Name)
		}
		seen[role.Name] = true
		if err := soundThreshold(d.Keys, role.KeyIDs, role.Threshold); err != nil {
			return fmt.Errorf("targets: %s: %w", role.Name, err)
		}
	}
	return nil
}

func soundKeys(keys map[string]*metadata.Key) error {
	for id, key := range keys {
		if key == nil || key.Type != metadata.KeyTypeEd25519 || !publicHex.MatchString(key.Value.PublicKey) {
			return fmt.Errorf("key %.8s is not an ed25519 key", id)
		}
		if own, err := key.ID(); err != nil || own != id {
			return fmt.Errorf("key %.8s goes by an id that is not its own", id)
		}
	}
	return nil
}

func soundThreshold(keys map[string]*metadata.Key, ids []string, threshold int) error {
	distinct := map[string]bool{}
	for _, id := range ids {
		if keys[id] == nil {
			return fmt.Errorf("key %.8s is named and not there", id)
		}
		distinct[id] = true
	}
	if threshold < 1 || threshold > len(distinct) || len(distinct) != len(ids) {
		return fmt.Errorf("needs %d signatures and has %d keys", threshold, len(distinct))
	}
	return nil
}
