package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// ErrOutdated means that a feed was made before there were rollouts and version floors; see [Repository.Upgrade].
var ErrOutdated = errors.New("the feed was made before there were rollouts")

// SetRollout says who gets what on a channel of app. Target and previous version must be published there and not be
// below the floor. Setting the same again changes nothing.
func (r *Repository) SetRollout(ctx context.Context, app string, rollout release.Rollout, keys Keys) error {
	custom, err := release.EncodeRollout(rollout)
	if err != nil {
		return err
	}
	_, err = r.apply(ctx, keys, func(d *draft) error {
		c, err := d.catalogue(app)
		if err != nil {
			return err
		}
		if err := checkRollout(c, rollout); err != nil {
			return err
		}
		role := release.RolloutRole(app)
		if delegation(&d.top().Signed, role) == nil {
			return ErrOutdated
		}
		return d.setDocument(role, release.RolloutPath(app, rollout.Channel), custom)
	})
	if err != nil {
		return fmt.Errorf("set the rollout of %s on %s: %w", app, rollout.Channel, err)
	}
	return nil
}

// checkRollout refuses what would leave clients without an offer by mistake.
func checkRollout(c release.Catalogue, r release.Rollout) error {
	published := func(v release.Version) bool {
		return slices.ContainsFunc(c.Releases, func(rel release.Release) bool { return rel.Channel == r.Channel && rel.Version == v })
	}
	for _, v := range []release.Version{r.Target, r.Previous} {
		switch {
		case v.IsZero():
		case !published(v):
			return fmt.Errorf("%s is not published on %s", v, r.Channel)
		case v.Compare(c.Floor) < 0:
			return fmt.Errorf("%s is below the version floor, which is %s", v, c.Floor)
		}
	}
	if r.Previous.Compare(r.Target) > 0 {
		return fmt.Errorf("the previous version, %s, is newer than the target, %s; to take a version back, recall it", r.Previous, r.Target)
	}
	return nil
}

// SetFloor makes floor the oldest version of app that clients may be given. It is signed by the release role.
func (r *Repository) SetFloor(ctx context.Context, app string, floor release.Version, keys Keys) error {
	custom, err := release.EncodeFloor(floor)
	if err != nil {
		return err
	}
	_, err = r.apply(ctx, keys, func(d *draft) error {
		c, err := d.catalogue(app)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(c.Releases, func(rel release.Release) bool { return rel.Version.Compare(floor) >= 0 }) {
			return fmt.Errorf("no release is as new as %s, so that nobody would be offered anything", floor)
		}
		role := release.Role(app)
		if !slices.Contains(delegation(&d.top().Signed, role).Paths, release.FloorPath(app)) {
			return ErrOutdated
		}
		return d.setDocument(role, release.FloorPath(app), custom)
	})
	if err != nil {
		return fmt.Errorf("set the version floor of %s: %w", app, err)
	}
	return nil
}

// catalogue is what the feed would say of an app.
func (d *draft) catalogue(app string) (release.Catalogue, error) {
	releases := d.current(release.Role(app))
	if releases == nil {
		_, err := d.base.releaseRole(app)
		return release.Catalogue{}, err
	}
	var rollouts *metadata.TargetsType
	if doc := d.current(release.RolloutRole(app)); doc != nil {
		rollouts = &doc.Signed
	}
	return catalogueOf(app, &releases.Signed, rollouts)
}

// setDocument puts a target without content into a role's document, unless it is there.
func (d *draft) setDocument(role, name string, custom json.RawMessage) error {
	if doc := d.current(role); doc != nil {
		if there := doc.Signed.Targets[name]; there != nil && there.Custom != nil && bytes.Equal(*there.Custom, custom) {
			return nil
		}
	}
	signed, err := d.edit(role)
	if err != nil {
		return err
	}
	signed.Targets[name] = emptyTarget(custom)
	return nil
}
