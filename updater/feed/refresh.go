package feed

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/config"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/updater"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// roleName keeps a delegated role from naming a file outside of the folder.
var roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// refresh runs TUF's client workflow once and loads the app's release role. The
// library may panic on metadata that no sound repository makes.
func (c *Client) refresh(kept *state, get *fetcher, now time.Time) (trusted trustedmetadata.TrustedMetadata, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: metadata that cannot be processed: %v", ErrMalformed, p)
		}
	}()
	role := release.Role(c.opts.App)
	kept.dropUnreadable(role)
	// The library takes the root it is given for the newest one.
	cfg, err := config.New(c.opts.URL+"metadata", kept.newestRoot(c.opts.Root))
	if err != nil {
		return trusted, err
	}
	cfg.Fetcher = get
	cfg.LocalMetadataDir = kept.metadataDir()
	cfg.LocalTargetsDir = kept.metadataDir() // never used, but the library wants one
	cfg.TargetsMaxLength = maxAnswer
	up, err := updater.New(cfg)
	if err != nil {
		return trusted, err
	}
	up.UnsafeSetRefTime(now)
	err = up.Refresh()
	trusted = up.GetTrustedMetadataSet()
	// Roots are worth keeping even when what follows them fails.
	if saveErr := kept.saveRoots(get.roots, trusted.Root.Signed.Version); saveErr != nil && err == nil {
		err = fmt.Errorf("%w: %w", ErrState, saveErr)
	}
	if err != nil {
		return trusted, err
	}
	top := trusted.Targets[metadata.TARGETS]
	if err := soundDelegations(top, role); err != nil {
		return trusted, err
	}
	// Looking up any name within the role's paths makes the library load and
	// verify the role; that the name itself does not exist is as expected.
	_, lookup := up.GetTargetInfo(probe(c.opts.App))
	signed := trusted.Targets[role]
	if signed == nil {
		if lookup == nil {
			lookup = fmt.Errorf("role %s is not reached from targets", role)
		}
		return trusted, lookup
	}
	if err := soundLeaf(signed, role); err != nil {
		return trusted, err
	}
	return trusted, nil
}

// probe is a target name that the release role of app must be trusted with.
func probe(app string) string {
	return app + "/" + string(release.Stable) + "/" + release.Current().String() + "/0.0.0-0"
}

// soundDelegations refuses what would make it unclear who is trusted with the
// role: a second delegation, names of top-level roles, names that are paths.
func soundDelegations(top *metadata.Metadata[metadata.TargetsType], role string) error {
	d := top.Signed.Delegations
	if d == nil || len(d.Roles) == 0 || d.SuccinctRoles != nil {
		return fmt.Errorf("%w: targets does not delegate to roles by name", ErrSignature)
	}
	seen := map[string]bool{}
	for _, r := range d.Roles {
		if !roleName.MatchString(r.Name) || slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], r.Name) {
			return fmt.Errorf("%w: targets delegates to a role that cannot be named %q", ErrSignature, r.Name)
		}
		if seen[r.Name] {
			return fmt.Errorf("%w: role %s is delegated twice", ErrSignature, r.Name)
		}
		seen[r.Name] = true
	}
	if !seen[role] {
		return fmt.Errorf("%w: no role %s; the feed does not carry this app", ErrSignature, role)
	}
	return nil
}

// soundLeaf refuses a release role that delegates further: it has no need to,
// and a role with two parents would be trusted on the word of the weaker one.
func soundLeaf(signed *metadata.Metadata[metadata.TargetsType], role string) error {
	d := signed.Signed.Delegations
	if d != nil && (len(d.Roles) > 0 || d.SuccinctRoles != nil) {
		return fmt.Errorf("%w: role %s delegates to others", ErrSignature, role)
	}
	return nil
}

// releases reads all targets of the release role. One that was written for
// newer clients, or lies outside of what the role is trusted with, is skipped:
// it must not keep the others from being found.
func (c *Client) releases(trusted trustedmetadata.TrustedMetadata) (found []release.Release, skipped int, err error) {
	role := release.Role(c.opts.App)
	delegation, err := delegationOf(trusted.Targets[metadata.TARGETS], role)
	if err != nil {
		return nil, 0, err
	}
	for name, target := range trusted.Targets[role].Signed.Targets {
		r, err := decodeTarget(delegation, name, target)
		if err == nil && r.App != c.opts.App {
			err = fmt.Errorf("is of another app")
		}
		if err != nil {
			c.opts.Log.Warn("release skipped", "target", name, "err", err)
			skipped++
			continue
		}
		found = append(found, r)
	}
	return found, skipped, nil
}

func delegationOf(top *metadata.Metadata[metadata.TargetsType], role string) (*metadata.DelegatedRole, error) {
	for i := range top.Signed.Delegations.Roles {
		if d := &top.Signed.Delegations.Roles[i]; d.Name == role {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%w: role %s is not delegated", ErrSignature, role)
}

func decodeTarget(delegation *metadata.DelegatedRole, name string, target *metadata.TargetFiles) (release.Release, error) {
	if ok, err := delegation.IsDelegatedPath(name); err != nil || !ok {
		return release.Release{}, fmt.Errorf("role %s is not trusted with this name", delegation.Name)
	}
	if target == nil || target.Custom == nil {
		return release.Release{}, fmt.Errorf("has no custom field")
	}
	sum, err := release.ParseDigest(hex.EncodeToString(target.Hashes["sha256"]))
	if err != nil {
		return release.Release{}, err
	}
	return release.Decode(name, target.Length, sum, *target.Custom)
}
