package tuf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
)

const (
	maxVersion = 1<<53 - 1 // what every JSON reader counts exactly
	maxName    = 80        // bytes of a role's name
)

// sound decodes a role's file and refuses what the library would trip over:
// entries that are null, numbers out of range, names that stand for two things.
// It says nothing about signatures.
func sound(role string, data []byte) (err error) {
	defer rescue(&err)
	switch role {
	case metadata.ROOT:
		md, err := metadata.Root().FromBytes(data)
		if err != nil {
			return malformed(role, err)
		}
		return malformed(role, errors.Join(header(md.Signed.SpecVersion, md.Signed.Version), soundRoot(&md.Signed)))
	case metadata.TIMESTAMP:
		md, err := metadata.Timestamp().FromBytes(data)
		if err != nil {
			return malformed(role, err)
		}
		return malformed(role, errors.Join(header(md.Signed.SpecVersion, md.Signed.Version), soundMeta(md.Signed.Meta, "snapshot.json")))
	case metadata.SNAPSHOT:
		md, err := metadata.Snapshot().FromBytes(data)
		if err != nil {
			return malformed(role, err)
		}
		return malformed(role, errors.Join(header(md.Signed.SpecVersion, md.Signed.Version), soundMeta(md.Signed.Meta, "targets.json")))
	}
	md, err := metadata.Targets().FromBytes(data)
	if err != nil {
		return malformed(role, err)
	}
	return malformed(role, errors.Join(header(md.Signed.SpecVersion, md.Signed.Version), soundTargets(&md.Signed)))
}

// rescue turns a panic of the library into an error.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: metadata that cannot be processed: %v", fault.ErrMalformed, p)
	}
}

func malformed(role string, err error) error {
	if err == nil {
		return nil
	}
	if fault.Known(err) {
		return fmt.Errorf("%s: %w", role, err)
	}
	return fmt.Errorf("%w: %s: %w", fault.ErrMalformed, role, err)
}

func header(spec string, version int64) error {
	if major, _, _ := strings.Cut(spec, "."); major != "1" {
		return fmt.Errorf("follows version %.16q of the specification; this client knows version 1", spec)
	}
	return soundVersion(version)
}

func soundVersion(version int64) error {
	if version < 1 || version > maxVersion {
		return fmt.Errorf("version %d: must be 1 to %d", version, int64(maxVersion))
	}
	return nil
}

func soundRoot(root *metadata.RootType) error {
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		if root.Roles[role] == nil {
			return fmt.Errorf("names no keys for %s", role)
		}
	}
	return soundKeys(root.Keys)
}

func soundKeys(keys map[string]*metadata.Key) error {
	for id, key := range keys {
		if key == nil {
			return fmt.Errorf("key %.16q is empty", id)
		}
	}
	return nil
}

func soundMeta(meta map[string]*metadata.MetaFiles, must string) error {
	if meta[must] == nil {
		return fmt.Errorf("does not list %s", must)
	}
	for name, file := range meta {
		if file == nil {
			return fmt.Errorf("entry %.80q is empty", name)
		}
		if err := soundVersion(file.Version); err != nil {
			return fmt.Errorf("entry %.80q: %w", name, err)
		}
		if file.Length < 0 {
			return fmt.Errorf("entry %.80q: length %d is negative", name, file.Length)
		}
	}
	return nil
}

func soundTargets(signed *metadata.TargetsType) error {
	for name, target := range signed.Targets {
		if target == nil || target.Length < 0 {
			return fmt.Errorf("target %.80q is empty or of negative length", name)
		}
	}
	d := signed.Delegations
	if d == nil {
		return nil
	}
	if err := soundKeys(d.Keys); err != nil {
		return err
	}
	if d.SuccinctRoles != nil {
		if len(d.Roles) > 0 {
			return errors.New("delegates by name and by hash at once")
		}
		return soundName(d.SuccinctRoles.NamePrefix)
	}
	seen := make(map[string]bool, len(d.Roles))
	for i := range d.Roles {
		if err := soundName(d.Roles[i].Name); err != nil {
			return err
		}
		// The library verifies by the first and searches both.
		if seen[d.Roles[i].Name] {
			return fmt.Errorf("%w: delegates to role %q twice", fault.ErrSignature, d.Roles[i].Name)
		}
		seen[d.Roles[i].Name] = true
	}
	return nil
}

// soundName refuses names that would share a file with a top-level role.
func soundName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("delegates to a role with a name of %d bytes: must be 1 to %d", len(name), maxName)
	}
	if slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], name) {
		return fmt.Errorf("%w: delegates to %q, which only root may name", fault.ErrSignature, name)
	}
	return nil
}
