package feed

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// roleName is what an app's feed calls its roles.
var roleName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// prove runs TUF's client workflow once and loads the app's own roles.
func (c *Client) prove(kept *state, files source, now time.Time) (*trustedmetadata.TrustedMetadata, error) {
	client, err := tuf.New(tuf.Options{
		Root: kept.newestRoot(c.opts.Root), Folder: kept.folder(), Fetch: files, Keep: kept.keepRoot, Now: now, Log: c.opts.Log,
	})
	if err != nil {
		return nil, err
	}
	if err := client.Refresh(); err != nil {
		return nil, err
	}
	top := client.Trusted().Targets[metadata.TARGETS]
	if err := soundDelegations(top); err != nil {
		return nil, err
	}
	if delegationOf(top, release.Role(c.opts.App)) == nil {
		return nil, fmt.Errorf("%w: no role %s; the feed does not carry this app", ErrSignature, release.Role(c.opts.App))
	}
	// A feed that was made before there were rollouts has only the first.
	for _, role := range []string{release.Role(c.opts.App), release.RolloutRole(c.opts.App)} {
		if delegationOf(top, role) == nil {
			continue
		}
		signed, err := client.Load(role, metadata.TARGETS)
		if err != nil {
			return nil, err
		}
		if err := soundLeaf(signed, role); err != nil {
			return nil, err
		}
	}
	return client.Trusted(), nil
}

// soundDelegations refuses what would make it unclear who is trusted with a
// role. That nobody is delegated twice, or has the name of a top-level role, the
// workflow has seen to; roles of other apps are never loaded, so what they
// delegate counts for nothing.
func soundDelegations(top *metadata.Metadata[metadata.TargetsType]) error {
	d := top.Signed.Delegations
	if d == nil || len(d.Roles) == 0 || d.SuccinctRoles != nil {
		return fmt.Errorf("%w: targets does not delegate to roles by name", ErrSignature)
	}
	for _, r := range d.Roles {
		if !roleName.MatchString(r.Name) {
			return fmt.Errorf("%w: targets delegates to a role that cannot be named %q", ErrSignature, r.Name)
		}
	}
	return nil
}

// soundLeaf refuses an app's role that delegates further: it has no need to, and
// a role with two parents would be trusted on the word of the weaker one.
func soundLeaf(signed *metadata.Metadata[metadata.TargetsType], role string) error {
	d := signed.Signed.Delegations
	if d != nil && (len(d.Roles) > 0 || d.SuccinctRoles != nil) {
		return fmt.Errorf("%w: role %s delegates to others", ErrSignature, role)
	}
	return nil
}

func delegationOf(top *metadata.Metadata[metadata.TargetsType], role string) *metadata.DelegatedRole {
	i := slices.IndexFunc(top.Signed.Delegations.Roles, func(d metadata.DelegatedRole) bool { return d.Name == role })
	if i < 0 {
		return nil
	}
	return &top.Signed.Delegations.Roles[i]
}

// catalogue reads what the app's roles say.
func (c *Client) catalogue(trusted *trustedmetadata.TrustedMetadata) (all release.Catalogue, skipped int, err error) {
	top := trusted.Targets[metadata.TARGETS]
	for name, custom := range c.targets(trusted, top, release.Role(c.opts.App), &skipped) {
		if name == release.FloorPath(c.opts.App) {
			// Not to know the floor would be to have none.
			if all.Floor, err = release.DecodeFloor(custom.json); err != nil {
				return release.Catalogue{}, 0, fmt.Errorf("%w: %w", ErrMalformed, err)
			}
			continue
		}
		r, err := c.decodeRelease(name, custom)
		if err != nil {
			// One that was written for newer clients must not hide the others.
			c.opts.Log.Warn("release skipped", "target", name, "err", err)
			skipped++
			continue
		}
		all.Releases = append(all.Releases, r)
	}
	for name, custom := range c.targets(trusted, top, release.RolloutRole(c.opts.App), &skipped) {
		r, err := release.DecodeRollout(c.opts.App, name, custom.json)
		if err != nil {
			skipped++
			channel, known := release.ParseChannel(strings.TrimPrefix(name, c.opts.App+"/rollout/"))
			c.opts.Log.Warn("rollout not readable, its channel offers nothing", "target", name, "err", err)
			if known != nil {
				continue
			}
			r = release.Rollout{Channel: channel, Halted: true}
		}
		all.Rollouts = append(all.Rollouts, r)
	}
	return all, skipped, nil
}

// target is what a role says of a name, as far as it can be read at all.
type target struct {
	json []byte
	*metadata.TargetFiles
}

// targets are those of a role that lie within what it is trusted with; the
// others are counted.
func (c *Client) targets(trusted *trustedmetadata.TrustedMetadata, top *metadata.Metadata[metadata.TargetsType], role string, skipped *int) map[string]target {
	delegation, signed := delegationOf(top, role), trusted.Targets[role]
	if delegation == nil || signed == nil {
		return nil
	}
	within := map[string]target{}
	for name, t := range signed.Signed.Targets {
		if !tuf.Trusts(delegation, name) {
			c.opts.Log.Warn("target skipped", "target", name, "err", "role "+role+" is not trusted with this name")
			*skipped++
			continue
		}
		within[name] = target{TargetFiles: t}
		if t.Custom != nil {
			within[name] = target{*t.Custom, t}
		}
	}
	return within
}

func (c *Client) decodeRelease(name string, t target) (release.Release, error) {
	if t.json == nil {
		return release.Release{}, errors.New("has no custom field")
	}
	sum, err := release.ParseDigest(hex.EncodeToString(t.Hashes["sha256"]))
	if err != nil {
		return release.Release{}, err
	}
	r, err := release.Decode(name, t.Length, sum, t.json)
	if err == nil && r.App != c.opts.App {
		err = errors.New("is of another app")
	}
	return r, err
}
