package repository

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Short names for what the library calls them.
type (
	rootDoc      = metadata.Metadata[metadata.RootType]
	targetsDoc   = metadata.Metadata[metadata.TargetsType]
	snapshotDoc  = metadata.Metadata[metadata.SnapshotType]
	timestampDoc = metadata.Metadata[metadata.TimestampType]
)

// maxDocument is the longest metadata file that clients read.
const maxDocument = 8 << 20

// state is the whole of the current metadata, verified. It is never changed: a draft is made from it.
type state struct {
	root      *rootDoc
	timestamp *timestampDoc
	snapshot  *snapshotDoc
	targets   map[string]*targetsDoc  // targets and the delegated roles
	highest   func(role string) int64 // the highest plausible version among the files of a role
}

// loadState reads what timestamp.json refers to and verifies all of it. The
// library panics on some files that no repository makes.
func loadState(root *os.Root) (s *state, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("metadata is damaged: %v", p)
		}
	}()
	trusted, err := loadRoots(root)
	if err != nil {
		return nil, err
	}
	if err := loadOnline(root, trusted); err != nil {
		return nil, err
	}
	if err := loadTargets(root, trusted, metadata.TARGETS, metadata.ROOT); err != nil {
		return nil, err
	}
	s = &state{trusted.Root, trusted.Timestamp, trusted.Snapshot, trusted.Targets, highestOf(root)}
	if err := soundRoot(&s.root.Signed); err != nil {
		return nil, err
	}
	if err := soundDelegations(&s.top().Signed); err != nil {
		return nil, err
	}
	for _, d := range delegated(&s.top().Signed) {
		if err := loadTargets(root, trusted, d.Name, metadata.TARGETS); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// loadRoots follows the chain from the first root to the last.
func loadRoots(root *os.Root) (*trustedmetadata.TrustedMetadata, error) {
	first, err := read(root, "1.root.json")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	trusted, err := trustedmetadata.New(first)
	if err != nil {
		return nil, fmt.Errorf("1.root.json: %w", err)
	}
	trusted.RefTime = time.Time{} // nothing is expired: renewing is our work
	for {
		name := versioned(metadata.ROOT, trusted.Root.Signed.Version+1)
		data, err := read(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return trusted, nil
		}
		if err != nil {
			return nil, err
		}
		if _, err := trusted.UpdateRoot(data); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

func loadOnline(root *os.Root, trusted *trustedmetadata.TrustedMetadata) error {
	data, err := read(root, timestampFile)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if _, err := trusted.UpdateTimestamp(data); err != nil {
		return fmt.Errorf("%s: %w", timestampFile, err)
	}
	name := versioned(metadata.SNAPSHOT, trusted.Timestamp.Signed.Meta["snapshot.json"].Version)
	if data, err = read(root, name); err != nil {
		return err
	}
	if _, err := trusted.UpdateSnapshot(data, false); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func loadTargets(root *os.Root, trusted *trustedmetadata.TrustedMetadata, role, parent string) error {
	meta, ok := trusted.Snapshot.Signed.Meta[role+".json"]
	if !ok {
		return fmt.Errorf("snapshot does not know %s", role)
	}
	name := versioned(role, meta.Version)
	data, err := read(root, name)
	if err != nil {
		return err
	}
	if _, err := trusted.UpdateDelegatedTargets(data, role, parent); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

const timestampFile = "timestamp.json"

func versioned(role string, version int64) string { return fmt.Sprintf("%d.%s.json", version, role) }

// read returns a file of the metadata, refusing one longer than any that clients read.
func read(root *os.Root, name string) ([]byte, error) {
	return readFile(root, metadataDir+"/"+name, maxDocument)
}

func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return data, err
}

// highestOf looks through the names in the metadata folder.
func highestOf(root *os.Root) func(role string) int64 {
	return func(role string) int64 {
		highest := int64(0)
		for _, v := range versionsOf(root, role) {
			if v < plausible {
				highest = max(highest, v)
			}
		}
		return highest
	}
}

// versionsOf lists the versions of a role's files, in no order.
func versionsOf(root *os.Root, role string) []int64 {
	entries, err := fs.ReadDir(root.FS(), metadataDir)
	if err != nil {
		return nil
	}
	var versions []int64
	for _, e := range entries {
		number, ok := strings.CutSuffix(e.Name(), "."+role+".json")
		if v, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			versions = append(versions, v)
		}
	}
	return versions
}

func (s *state) top() *targetsDoc { return s.targets[metadata.TARGETS] }

func delegated(top *metadata.TargetsType) []metadata.DelegatedRole {
	if top.Delegations == nil {
		return nil
	}
	return top.Delegations.Roles
}

func delegation(top *metadata.TargetsType, role string) *metadata.DelegatedRole {
	roles := delegated(top)
	for i := range roles {
		if roles[i].Name == role {
			return &roles[i]
		}
	}
	return nil
}

func appsOf(top *metadata.TargetsType) []string {
	var apps []string
	for _, d := range delegated(top) {
		if app, ok := appOf(d.Name); ok {
			apps = append(apps, app)
		}
	}
	slices.Sort(apps)
	return apps
}

// releaseRole is the document of an app's release role.
func (s *state) releaseRole(app string) (*targetsDoc, error) {
	doc := s.targets[release.Role(app)]
	if doc == nil {
		return nil, fmt.Errorf("the feed does not carry the app %q, it has %q", app, appsOf(&s.top().Signed))
	}
	return doc, nil
}

// catalogueOf is what a release role's document and, where there is one, a rollout role's say.
func catalogueOf(app string, releases, rollouts *metadata.TargetsType) (release.Catalogue, error) {
	var c release.Catalogue
	for name, target := range releases.Targets {
		custom, err := customOf(name, target)
		if err != nil {
			return c, err
		}
		if name == release.FloorPath(app) {
			if c.Floor, err = release.DecodeFloor(custom); err != nil {
				return c, err
			}
			continue
		}
		r, err := decodeRelease(name, target)
		if err != nil {
			return c, err
		}
		c.Releases = append(c.Releases, r)
	}
	if rollouts == nil {
		return c, nil
	}
	for name, target := range rollouts.Targets {
		custom, err := customOf(name, target)
		if err != nil {
			return c, err
		}
		r, err := release.DecodeRollout(app, name, custom)
		if err != nil {
			return c, err
		}
		c.Rollouts = append(c.Rollouts, r)
	}
	return c, nil
}

func customOf(name string, target *metadata.TargetFiles) ([]byte, error) {
	if target == nil || target.Custom == nil {
		return nil, fmt.Errorf("target %s has no custom field", name)
	}
	return *target.Custom, nil
}

func decodeRelease(name string, target *metadata.TargetFiles) (release.Release, error) {
	custom, err := customOf(name, target)
	if err != nil {
		return release.Release{}, err
	}
	sum, err := release.ParseDigest(hex.EncodeToString(target.Hashes["sha256"]))
	if err != nil {
		return release.Release{}, fmt.Errorf("target %s: %w", name, err)
	}
	return release.Decode(name, target.Length, sum, custom)
}

func (s *state) catalogue(app string) (release.Catalogue, error) {
	releases, err := s.releaseRole(app)
	if err != nil {
		return release.Catalogue{}, err
	}
	var rollouts *metadata.TargetsType
	if doc := s.targets[release.RolloutRole(app)]; doc != nil {
		rollouts = &doc.Signed
	}
	return catalogueOf(app, &releases.Signed, rollouts)
}

func (s *state) status() []Role {
	list := []Role{roleOf(rootAuthority(s.root, metadata.ROOT), metadata.ROOT, s.root.Signed.Version, s.root.Signed.Expires)}
	t := s.top().Signed
	list = append(list, roleOf(rootAuthority(s.root, metadata.TARGETS), metadata.TARGETS, t.Version, t.Expires))
	for _, d := range delegated(&t) {
		doc := s.targets[d.Name].Signed
		list = append(list, roleOf(targetsAuthority(s.top(), d.Name), d.Name, doc.Version, doc.Expires))
	}
	slices.SortStableFunc(list[2:], func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	return append(list,
		roleOf(rootAuthority(s.root, metadata.SNAPSHOT), metadata.SNAPSHOT, s.snapshot.Signed.Version, s.snapshot.Signed.Expires),
		roleOf(rootAuthority(s.root, metadata.TIMESTAMP), metadata.TIMESTAMP, s.timestamp.Signed.Version, s.timestamp.Signed.Expires))
}

func roleOf(a authority, name string, version int64, expires time.Time) Role {
	return Role{Name: name, Version: version, Expires: expires, Keys: a.ids, Threshold: a.threshold}
}
