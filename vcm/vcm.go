// Package vcm holds what the rooms of the Version Management Centre agree on;
// each of them, below this folder, gives one guarantee and knows the others only
// through here.
//
// Parties. A publisher turns files into releases (publish), signs them (keys)
// and adds them to a feed's metadata (repository). Clients read the feed as
// plain files (static).
//
// Guarantees. This package is pure: rules over releases, without I/O and clock.
// A crash leaves nothing.
package vcm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

var (
	// ErrConflict means that the version exists with other bytes.
	ErrConflict = errors.New("version exists with other bytes")
	// ErrOlder means that the version is not newer than what is published.
	ErrOlder = errors.New("version is not newer than the newest published")
)

// Admit tells whether rel may join what is published: true when it is there
// already, ErrConflict when its version has other bytes on any channel, and
// ErrOlder when a newer version is on the same channel and platform.
func Admit(all []release.Release, rel release.Release) (known bool, err error) {
	for _, other := range all {
		if other.App != rel.App || other.Platform != rel.Platform {
			continue
		}
		order := rel.Version.Compare(other.Version)
		same := other.SHA256 == rel.SHA256 && other.Length == rel.Length
		switch {
		case order == 0 && !same:
			return false, fmt.Errorf("%s on %s has SHA-256 %s: %w; choose a new version", other.Version, other.Channel, other.SHA256, ErrConflict)
		case order == 0 && other.Channel == rel.Channel:
			return true, nil
		case order < 0 && other.Channel == rel.Channel:
			err = fmt.Errorf("%s is published on %s: %w; no client would take it", other.Version, other.Channel, ErrOlder)
		}
	}
	return false, err
}

// Bases chooses the releases from which rel is worth a patch: the newest n that
// users of its channel can have, and the newest of each less stable channel,
// whose users are offered rel too. All are older than rel, for the same
// platform, and have different bytes; the newest comes first.
func Bases(all []release.Release, rel release.Release, n int) []release.Release {
	older := slices.DeleteFunc(slices.Clone(all), func(r release.Release) bool {
		return r.App != rel.App || r.Platform != rel.Platform || r.SHA256 == rel.SHA256 || r.Version.Compare(rel.Version) >= 0
	})
	slices.SortStableFunc(older, func(a, b release.Release) int { return b.Version.Compare(a.Version) })
	var bases []release.Release
	taken := map[release.Digest]bool{}
	others := map[release.Channel]bool{}
	for _, r := range older {
		near := rel.Channel.Accepts(r.Channel)
		switch {
		case n <= 0 || taken[r.SHA256]:
			continue
		case near && len(bases)-len(others) >= n:
			continue
		case !near && others[r.Channel]:
			continue
		case !near:
			others[r.Channel] = true
		}
		taken[r.SHA256] = true
		bases = append(bases, r)
	}
	return bases
}
