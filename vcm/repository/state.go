package repository

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
)

// state is the whole of the current metadata, verified.
type state struct {
	trusted *trustedmetadata.TrustedMetadata
}

func newState(o Options, app string, keys Keys) (*state, error) {
	now := o.Now().UTC()
	root := metadata.Root(now)
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		public, err := publicKey(keys, role)
		if err != nil {
			return nil, err
		}
		if err := root.Signed.AddKey(public, role); err != nil {
			return nil, err
		}
	}
	role := release.Role(app)
	public, err := publicKey(keys, role)
	if err != nil {
		return nil, err
	}
	id, err := public.ID()
	if err != nil {
		return nil, err
	}
	top := metadata.Targets(now)
	top.Signed.Delegations = &metadata.Delegations{
		Keys: map[string]*metadata.Key{id: public},
		Roles: []metadata.DelegatedRole{{
			Name: role, KeyIDs: []string{id}, Threshold: 1, Terminating: true, Paths: []string{app + "/*/*/*"},
		}},
	}
	// Versions start at 0, so that the first commit makes them 1.
	releases, snapshot, timestamp := metadata.Targets(now), metadata.Snapshot(now), metadata.Timestamp(now)
	top.Signed.Version, releases.Signed.Version, snapshot.Signed.Version, timestamp.Signed.Version = 0, 0, 0, 0
	return &state{&trustedmetadata.TrustedMetadata{
		Root: root, Snapshot: snapshot, Timestamp: timestamp,
		Targets: map[string]*metadata.Metadata[metadata.TargetsType]{metadata.TARGETS: top, role: releases},
	}}, nil
}

func publicKey(keys Keys, role string) (*metadata.Key, error) {
	signer, err := keys(role)
	if err != nil {
		return nil, err
	}
	return metadata.KeyFromPublicKey(signer.Public())
}

// loadState reads what timestamp.json refers to and verifies all of it. The
// library panics on some files that no repository makes.
func loadState(root *os.Root) (s *state, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("metadata is damaged: %v", p)
		}
	}()
	first, err := read(root, "1.root.json")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	trusted, err := trustedmetadata.New(first)
	if err != nil {
		return nil, fmt.Errorf("1.root.json: %w", err)
	}
	trusted.RefTime = time.Time{} // nothing is expired: renewing is our work
	if err := followRoots(root, trusted); err != nil {
		return nil, err
	}
	s = &state{trusted}
	if err := s.loadOnline(root); err != nil {
		return nil, err
	}
	if err := s.loadTargets(root, metadata.TARGETS, metadata.ROOT); err != nil {
		return nil, err
	}
	for _, app := range s.apps() {
		if err := s.loadTargets(root, release.Role(app), metadata.TARGETS); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func followRoots(root *os.Root, trusted *trustedmetadata.TrustedMetadata) error {
	for {
		name := versioned(metadata.ROOT, trusted.Root.Signed.Version+1)
		data, err := read(root, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := trusted.UpdateRoot(data); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

func (s *state) loadOnline(root *os.Root) error {
	data, err := read(root, "timestamp.json")
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if _, err := s.trusted.UpdateTimestamp(data); err != nil {
		return fmt.Errorf("timestamp.json: %w", err)
	}
	name := versioned(metadata.SNAPSHOT, s.trusted.Timestamp.Signed.Meta["snapshot.json"].Version)
	if data, err = read(root, name); err != nil {
		return err
	}
	if _, err := s.trusted.UpdateSnapshot(data, false); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (s *state) loadTargets(root *os.Root, role, parent string) error {
	meta, ok := s.trusted.Snapshot.Signed.Meta[role+".json"]
	if !ok {
		return fmt.Errorf("snapshot does not know %s", role)
	}
	name := versioned(role, meta.Version)
	data, err := read(root, name)
	if err != nil {
		return err
	}
	if _, err := s.trusted.UpdateDelegatedTargets(data, role, parent); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func versioned(role string, version int64) string { return fmt.Sprintf("%d.%s.json", version, role) }

func read(root *os.Root, name string) ([]byte, error) { return root.ReadFile(metadataDir + "/" + name) }

func (s *state) apps() []string {
	var apps []string
	d := s.trusted.Targets[metadata.TARGETS].Signed.Delegations
	if d == nil {
		return nil
	}
	for _, role := range d.Roles {
		if app, ok := appOf(role.Name); ok {
			apps = append(apps, app)
		}
	}
	slices.Sort(apps)
	return apps
}

func (s *state) releases(app string) ([]release.Release, error) {
	role := s.trusted.Targets[release.Role(app)]
	if role == nil {
		return nil, fmt.Errorf("the feed does not carry the app %q, it has %q", app, s.apps())
	}
	var all []release.Release
	for name, target := range role.Signed.Targets {
		if target == nil || target.Custom == nil {
			return nil, fmt.Errorf("target %s has no custom field", name)
		}
		sum, err := release.ParseDigest(hex.EncodeToString(target.Hashes["sha256"]))
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", name, err)
		}
		r, err := release.Decode(name, target.Length, sum, *target.Custom)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func (s *state) status() []Role {
	t := s.trusted
	list := []Role{{metadata.ROOT, t.Root.Signed.Version, t.Root.Signed.Expires}}
	names := []string{metadata.TARGETS}
	for _, app := range s.apps() {
		names = append(names, release.Role(app))
	}
	for _, name := range names {
		list = append(list, Role{name, t.Targets[name].Signed.Version, t.Targets[name].Signed.Expires})
	}
	return append(list,
		Role{metadata.SNAPSHOT, t.Snapshot.Signed.Version, t.Snapshot.Signed.Expires},
		Role{metadata.TIMESTAMP, t.Timestamp.Signed.Version, t.Timestamp.Signed.Expires})
}

func rawMessage(data []byte) *json.RawMessage {
	raw := json.RawMessage(data)
	return &raw
}
