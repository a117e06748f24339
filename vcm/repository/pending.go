package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// Pending is a change that waits for signatures. Its text, made by [Pending.Encode], travels to the machines that hold
// the keys and back. It brings along what it is based on, signed, so that a machine without the feed can say in words
// what the change is, and prove that it is one of this feed.
type Pending struct {
	Made  time.Time
	d     *draft
	roots []json.RawMessage // from the first to the one that the change is based on
}

// MaxPending limits the text of a pending change, in bytes.
const MaxPending = 32 << 20

type pendingDocument struct {
	Schema  int                        `json:"schema"`
	Made    time.Time                  `json:"made"`
	Roots   []json.RawMessage          `json:"roots"`
	Current map[string]json.RawMessage `json:"current"`
	Changes []pendingChange            `json:"changes"`
}

type pendingChange struct {
	Role     string          `json:"role"`
	Document json.RawMessage `json:"document"`
}

const pendingSchema = 1

// Encode writes the text of p.
func (p *Pending) Encode() ([]byte, error) {
	doc := pendingDocument{Schema: pendingSchema, Made: p.Made, Roots: p.roots, Current: map[string]json.RawMessage{}}
	for role, m := range p.d.base.targets {
		if role != metadata.TARGETS && p.d.roles[role] == nil {
			continue
		}
		data, err := m.ToBytes(false)
		if err != nil {
			return nil, err
		}
		doc.Current[role] = data
	}
	for _, role := range p.d.changed() {
		data, err := json.Marshal(p.d.document(role))
		if err != nil {
			return nil, err
		}
		doc.Changes = append(doc.Changes, pendingChange{role, data})
	}
	data, err := json.Marshal(doc)
	return append(data, '\n'), err
}

// DecodePending reads it. What it is based on is proven from its first root on; whether that root is one to trust, see
// [Pending.TrustedBy]. Signatures that are not valid are dropped.
func DecodePending(text []byte) (p *Pending, err error) {
	defer func() {
		if panicked := recover(); panicked != nil { // the library panics on some documents that no repository makes
			p, err = nil, fmt.Errorf("pending change: it cannot be processed: %v", panicked)
		}
	}()
	p, err = decodePending(text)
	if err != nil {
		return nil, fmt.Errorf("pending change: %w", err)
	}
	return p, nil
}

func decodePending(text []byte) (*Pending, error) {
	var doc pendingDocument
	if len(text) > MaxPending {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", len(text), MaxPending)
	}
	if err := json.Unmarshal(text, &doc); err != nil || doc.Schema == 0 {
		return nil, errors.New("the file is not one; vcm keys rotate and others make them in DIR/pending")
	}
	if doc.Schema != pendingSchema {
		return nil, fmt.Errorf("it was written by another version of this program (schema %d, want %d)", doc.Schema, pendingSchema)
	}
	base, err := baseOf(doc)
	if err != nil {
		return nil, fmt.Errorf("what it is based on: %w", err)
	}
	d := newDraft(base)
	for _, c := range doc.Changes {
		if err := d.take(c); err != nil {
			return nil, fmt.Errorf("%.60s: %w", c.Role, err)
		}
	}
	if len(d.changed()) == 0 {
		return nil, errors.New("it changes nothing")
	}
	if err := d.sound(); err != nil {
		return nil, err
	}
	d.prune()
	return &Pending{Made: doc.Made, d: d, roots: doc.Roots}, nil
}

// baseOf proves what a change is based on.
func baseOf(doc pendingDocument) (*state, error) {
	if len(doc.Roots) == 0 {
		return nil, errors.New("no root")
	}
	trusted, err := trustedmetadata.New(doc.Roots[0])
	if err != nil {
		return nil, err
	}
	for _, data := range doc.Roots[1:] {
		if _, err := trusted.UpdateRoot(data); err != nil {
			return nil, err
		}
	}
	s := &state{root: trusted.Root, targets: map[string]*targetsDoc{}}
	if err := soundRoot(&s.root.Signed); err != nil {
		return nil, err
	}
	top, err := metadata.Targets().FromBytes(doc.Current[metadata.TARGETS])
	if err != nil {
		return nil, fmt.Errorf("targets: %w", err)
	}
	if err := rootAuthority(s.root, metadata.TARGETS).verify(metadata.TARGETS, top); err != nil {
		return nil, err
	}
	if err := soundDelegations(&top.Signed); err != nil {
		return nil, err
	}
	s.targets[metadata.TARGETS] = top
	for role, data := range doc.Current {
		if role == metadata.TARGETS {
			continue
		}
		m, err := parseTargets(data)
		if err != nil {
			return nil, fmt.Errorf("%.60s: %w", role, err)
		}
		if err := targetsAuthority(top, role).verify(role, m); err != nil {
			return nil, err
		}
		s.targets[role] = m
	}
	return s, nil
}

// take puts a document from elsewhere into the draft.
func (d *draft) take(c pendingChange) error {
	switch {
	case c.Role == metadata.ROOT:
		m, err := metadata.Root().FromBytes(c.Document)
		if err != nil {
			return err
		}
		d.root = m
	case d.roles[c.Role] != nil:
		return errors.New("it is there twice")
	case c.Role == metadata.TARGETS:
		m, err := metadata.Targets().FromBytes(c.Document)
		if err != nil {
			return err
		}
		d.roles[c.Role] = m
	default:
		m, err := parseTargets(c.Document)
		if err != nil {
			return err
		}
		d.roles[c.Role] = m
	}
	return nil
}

// sound tells whether the draft's documents may follow what they are based on.
func (d *draft) sound() error {
	if d.root != nil {
		if err := soundRoot(&d.root.Signed); err != nil {
			return err
		}
		if !d.root.Signed.ConsistentSnapshot {
			return errors.New("root: without consistent snapshots, clients would not find the files")
		}
		if want, err := next(d.base.root.Signed.Version); err != nil || d.root.Signed.Version != want {
			return fmt.Errorf("root %d, and %d must follow: %w", d.root.Signed.Version, want, ErrStale)
		}
	}
	if err := soundDelegations(&d.top().Signed); err != nil {
		return err
	}
	for role, doc := range d.roles {
		if role != metadata.TARGETS && delegation(&d.top().Signed, role) == nil {
			return fmt.Errorf("nobody is trusted with the role %.60q", role)
		}
		was := int64(0)
		if base := d.base.targets[role]; base != nil {
			was = base.Signed.Version
		}
		follows := doc.Signed.Version == was+1 || was >= plausible && doc.Signed.Version < plausible
		if !follows || doc.Signed.Version < 1 || doc.Signed.Version > maxVersion {
			return fmt.Errorf("%s %d, and %d must follow: %w", role, doc.Signed.Version, was+1, ErrStale)
		}
	}
	return nil
}

// prune drops signatures that are not those of anybody in charge.
func (d *draft) prune() {
	for _, role := range d.changed() {
		valid := map[string]bool{}
		for _, a := range d.authorities(role) {
			for _, id := range a.signed(role, d.document(role)) {
				valid[id] = true
			}
		}
		keep := func(all []metadata.Signature) []metadata.Signature {
			return slices.DeleteFunc(all, func(s metadata.Signature) bool { return !valid[s.KeyID] })
		}
		if role == metadata.ROOT {
			d.root.Signatures = keep(d.root.Signatures)
		} else {
			d.roles[role].Signatures = keep(d.roles[role].Signatures)
		}
	}
}

// Roles names the roles whose documents change, the most powerful first.
func (p *Pending) Roles() []string { return p.d.changed() }

// Lacks lists what is missing before clients would take the change.
func (p *Pending) Lacks() []Lack { return p.d.lacks() }

// Sign adds the signatures of all keys at hand that somebody in charge names, and returns how many. Look at
// [Pending.Words] before.
func (p *Pending) Sign(keys Keys) (added int, err error) { return p.d.sign(keys) }

// FirstRoot is the SHA-256, in hexadecimal digits, of the root that the feed began with.
func (p *Pending) FirstRoot() string { return fingerprint(p.roots[0]) }

// TrustedBy tells whether the feed that the change is for is the one of a trusted root.json, as apps have it built in:
// that root must be one of those which the change is based on.
func (p *Pending) TrustedBy(root []byte) error {
	want, err := metadata.Root().FromBytes(root)
	if err != nil {
		return fmt.Errorf("the trusted root is not a root.json: %w", err)
	}
	for _, data := range p.roots {
		m, err := metadata.Root().FromBytes(data)
		if err != nil {
			return err
		}
		if m.Signed.Version != want.Signed.Version {
			continue
		}
		x, errX := json.Marshal(m.Signed)
		y, errY := json.Marshal(want.Signed)
		if err := errors.Join(errX, errY); err != nil {
			return err
		}
		if bytes.Equal(x, y) {
			return nil
		}
	}
	return fmt.Errorf("the change is for another feed than the trusted root's, or the root is newer than the change: %w", ErrRefused)
}

// merge takes over the signatures of a draft that has the same documents; false where they differ.
func (d *draft) merge(other *draft) (bool, error) {
	if !slices.Equal(d.changed(), other.changed()) {
		return false, nil
	}
	for _, role := range d.changed() {
		x, err := contentOf(d.document(role))
		if err != nil {
			return false, err
		}
		y, err := contentOf(other.document(role))
		if err != nil || !bytes.Equal(x, y) {
			return false, err
		}
	}
	if d.root != nil {
		d.root.Signatures = union(d.root.Signatures, other.root.Signatures)
	}
	for role, doc := range d.roles {
		doc.Signatures = union(doc.Signatures, other.roles[role].Signatures)
	}
	return true, nil
}

func union(a, b []metadata.Signature) []metadata.Signature {
	all := slices.Clone(a)
	for _, s := range b {
		if !slices.ContainsFunc(all, func(has metadata.Signature) bool { return has.KeyID == s.KeyID }) {
			all = append(all, s)
		}
	}
	return all
}

// contentOf is what of a document is signed.
func contentOf(doc any) ([]byte, error) {
	switch m := doc.(type) {
	case *rootDoc:
		return json.Marshal(m.Signed)
	case *targetsDoc:
		return json.Marshal(m.Signed)
	}
	return nil, fmt.Errorf("no document of a known kind: %T", doc)
}

// adopt takes over all documents of a pending change, for a base that may have moved on elsewhere.
func (d *draft) adopt(p *Pending) error {
	if p.d.root != nil {
		m, err := clone(p.d.root)
		if err != nil {
			return err
		}
		d.root = m
	}
	for _, role := range slices.Sorted(maps.Keys(p.d.roles)) {
		m, err := clone(p.d.roles[role])
		if err != nil {
			return err
		}
		d.roles[role] = m
	}
	return d.sound()
}

// published tells whether clients have all documents of the change already.
func (p *Pending) published(s *state) bool {
	for _, role := range p.Roles() {
		var there any
		switch {
		case role == metadata.ROOT:
			there = s.root
		case s.targets[role] != nil:
			there = s.targets[role]
		default:
			return false
		}
		x, errX := contentOf(p.d.document(role))
		y, errY := contentOf(there)
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}

func fingerprint(root []byte) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, root); err != nil {
		return ""
	}
	sum := sha256.Sum256(compact.Bytes())
	return hex.EncodeToString(sum[:])
}
