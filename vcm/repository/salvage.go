package repository

import (
	"fmt"
	"os"
	"slices"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// salvage reads a folder without a word of snapshot and timestamp: of each role, the newest document that is signed as
// it must be. Whoever holds the online keys can have taken the newest away; a publisher's own copy is worth more.
func salvage(dir *os.Root) (s *state, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = nil, fmt.Errorf("metadata is damaged: %v", p)
		}
	}()
	trusted, err := loadRoots(dir)
	if err != nil {
		return nil, err
	}
	s = &state{root: trusted.Root, targets: map[string]*targetsDoc{}, highest: highestOf(dir)}
	if err := soundRoot(&s.root.Signed); err != nil {
		return nil, err
	}
	if err := s.salvageRole(dir, metadata.TARGETS, rootAuthority(s.root, metadata.TARGETS)); err != nil {
		return nil, err
	}
	if err := soundDelegations(&s.top().Signed); err != nil {
		return nil, err
	}
	s.snapshot, s.timestamp = metadata.Snapshot(), metadata.Timestamp()
	s.snapshot.Signed.Version, s.timestamp.Signed.Version = plausible, plausible // to start anew
	s.snapshot.Signed.Meta["targets.json"].Version = s.top().Signed.Version
	for _, d := range delegated(&s.top().Signed) {
		if err := s.salvageRole(dir, d.Name, targetsAuthority(s.top(), d.Name)); err != nil {
			return nil, err
		}
		s.snapshot.Signed.Meta[d.Name+".json"] = metadata.MetaFile(s.targets[d.Name].Signed.Version)
	}
	return s, nil
}

// salvageRole takes the role's newest document that its authority accepts.
func (s *state) salvageRole(dir *os.Root, role string, by authority) error {
	versions := versionsOf(dir, role)
	slices.Sort(versions)
	for _, v := range slices.Backward(versions) {
		data, err := read(dir, versioned(role, v))
		if err != nil {
			continue
		}
		doc, err := metadata.Targets().FromBytes(data)
		if err == nil && doc.Signed.Version == v && by.verify(role, doc) == nil {
			s.targets[role] = doc
			return nil
		}
	}
	return fmt.Errorf("no document of %s is signed as %s asks for", role, by.By)
}
