package repository

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// authority is who must sign for a role, by the word of one document.
type authority struct {
	By        string // the document, e.g. "root 3"
	ids       []string
	keys      map[string]*metadata.Key
	threshold int
	// former: it was in charge before the change. Clients that do not know of the change yet need its signatures
	// to go on meanwhile; what is committed does not.
	former bool
}

func rootAuthority(r *rootDoc, role string) authority {
	a := authority{By: fmt.Sprintf("root %d", r.Signed.Version), keys: r.Signed.Keys}
	if named := r.Signed.Roles[role]; named != nil {
		a.ids, a.threshold = named.KeyIDs, named.Threshold
	}
	return a
}

func targetsAuthority(top *targetsDoc, role string) authority {
	a := authority{By: fmt.Sprintf("targets %d", top.Signed.Version)}
	if d := delegation(&top.Signed, role); d != nil {
		a.keys, a.ids, a.threshold = top.Signed.Delegations.Keys, d.KeyIDs, d.Threshold
	}
	return a
}

// authorities lists who is in charge of a role. A root is signed by the keys of the root before it and by its own.
func (d *draft) authorities(role string) []authority {
	var all []authority
	switch {
	case slices.Contains(metadata.TOP_LEVEL_ROLE_NAMES[:], role):
		all = append(all, rootAuthority(d.currentRoot(), role))
		if d.base != nil && d.root != nil {
			old := rootAuthority(d.base.root, role)
			old.former = role != metadata.ROOT
			all = append(all, old)
		}
	default:
		all = append(all, targetsAuthority(d.top(), role))
		if d.base != nil && d.roles[metadata.TARGETS] != nil && delegation(&d.base.top().Signed, role) != nil {
			old := targetsAuthority(d.base.top(), role)
			old.former = true
			all = append(all, old)
		}
	}
	return all
}

// accepts tells whether clients will take a role's document once the draft is published.
func (d *draft) accepts(role string, doc any) error {
	for _, a := range d.authorities(role) {
		if a.former {
			continue
		}
		if err := a.verify(role, doc); err != nil {
			return err
		}
	}
	return nil
}

func (a authority) verify(role string, doc any) error {
	if err := a.with(role, a.ids, a.threshold).VerifyDelegate(role, doc); err != nil {
		return fmt.Errorf("%s by %s: %w", role, a.By, err)
	}
	return nil
}

// with is a delegator for the library that asks for so many of the keys.
func (a authority) with(role string, ids []string, threshold int) *rootDoc {
	doc := metadata.Root()
	doc.Signed.Keys = a.keys
	doc.Signed.Roles = map[string]*metadata.Role{role: {KeyIDs: ids, Threshold: threshold}}
	return doc
}

// signed names the authority's keys whose signatures the document carries.
func (a authority) signed(role string, doc any) []string {
	var ids []string
	for _, id := range a.ids {
		if a.with(role, []string{id}, 1).VerifyDelegate(role, doc) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// Lack is what a document needs before clients take it.
type Lack struct {
	Role string   `json:"role"`
	By   string   `json:"by"`   // the document that asks for it, e.g. "root 3"
	Have int      `json:"have"` // signatures
	Need int      `json:"need"`
	Keys []string `json:"keys"` // ids of the keys that have not signed and may
}

// lacks lists what is missing before the draft can be committed.
func (d *draft) lacks() []Lack {
	var all []Lack
	for _, role := range d.changed() {
		all = append(all, d.lacksOf(role, d.document(role))...)
	}
	return all
}

func (d *draft) lacksOf(role string, doc any) []Lack {
	var all []Lack
	for _, a := range d.authorities(role) {
		if a.former {
			continue
		}
		have := a.signed(role, doc)
		if len(have) >= a.threshold && a.threshold > 0 {
			continue
		}
		l := Lack{Role: role, By: a.By, Have: len(have), Need: a.threshold, Keys: []string{}}
		for _, id := range a.ids {
			if !slices.Contains(have, id) {
				l.Keys = append(l.Keys, id)
			}
		}
		all = append(all, l)
	}
	return all
}

// document is what the draft holds for a role.
func (d *draft) document(role string) any {
	if role == metadata.ROOT {
		return d.root
	}
	return d.roles[role]
}

// sign adds the signatures of all keys at hand that somebody in charge names, to every document of the draft.
// It returns how many it added.
func (d *draft) sign(keys Keys) (added int, err error) {
	for _, role := range d.changed() {
		var n int
		if role == metadata.ROOT {
			n, err = signDocument(d, role, d.root, keys)
		} else {
			n, err = signDocument(d, role, d.roles[role], keys)
		}
		if err != nil {
			return added, err
		}
		added += n
	}
	return added, nil
}

func signDocument[T metadata.Roles](d *draft, role string, m *metadata.Metadata[T], keys Keys) (added int, err error) {
	signers, err := atHand(keys, role)
	if err != nil {
		return 0, err
	}
	for _, s := range signers {
		id, err := keyID(s)
		if err != nil {
			return added, err
		}
		named := slices.ContainsFunc(d.authorities(role), func(a authority) bool { return slices.Contains(a.ids, id) })
		has := slices.ContainsFunc(m.Signatures, func(sig metadata.Signature) bool { return sig.KeyID == id })
		if !named || has {
			continue
		}
		if _, err := m.Sign(signer{s}); err != nil {
			return added, fmt.Errorf("sign %s: %w", role, err)
		}
		added++
	}
	return added, nil
}

// able tells whether the keys at hand suffice for a role.
func (d *draft) able(role string, keys Keys) (bool, error) {
	signers, err := atHand(keys, role)
	if err != nil {
		return false, err
	}
	for _, a := range d.authorities(role) {
		mine := map[string]bool{}
		for _, s := range signers {
			id, err := keyID(s)
			if err != nil {
				return false, err
			}
			mine[id] = slices.Contains(a.ids, id)
		}
		count := 0
		for _, named := range mine {
			if named {
				count++
			}
		}
		if !a.former && (a.threshold < 1 || count < a.threshold) {
			return false, nil
		}
	}
	return true, nil
}

// atHand are the keys for a role, none where none is kept here. Any other trouble with them is an error.
func atHand(keys Keys, role string) ([]crypto.Signer, error) {
	signers, err := keys(role)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return signers, err
}

func keyID(s crypto.Signer) (string, error) {
	key, err := metadata.KeyFromPublicKey(s.Public())
	if err != nil {
		return "", err
	}
	return key.ID()
}

// signer lets the library sign with any ed25519 key, wherever it is kept.
type signer struct{ key crypto.Signer }

func (s signer) PublicKey(...signature.PublicKeyOption) (crypto.PublicKey, error) {
	return s.key.Public(), nil
}

func (s signer) SignMessage(message io.Reader, _ ...signature.SignOption) ([]byte, error) {
	if _, ok := s.key.Public().(ed25519.PublicKey); !ok {
		return nil, errors.New("not an ed25519 key")
	}
	var data bytes.Buffer
	if _, err := io.Copy(&data, message); err != nil {
		return nil, err
	}
	return s.key.Sign(nil, data.Bytes(), crypto.Hash(0))
}
