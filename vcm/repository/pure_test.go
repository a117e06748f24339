package repository

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// holder is a key with all its names.
type holder struct {
	private ed25519.PrivateKey
	public  ed25519.PublicKey
	id      string
	key     *metadata.Key
}

func newHolder(t testing.TB) holder {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	id, err := key.ID()
	if err != nil {
		t.Fatal(err)
	}
	return holder{private, public, id, key}
}

// rootOf is a root that names one key for all roles.
func rootOf(h holder) *rootDoc {
	root := metadata.Root()
	root.Signed.Keys[h.id] = h.key
	for _, role := range root.Signed.Roles {
		role.KeyIDs = []string{h.id}
	}
	return root
}

func TestNext(t *testing.T) {
	for v, want := range map[int64]int64{
		0: 1, 41: 42, plausible: plausible + 1, maxVersion - 1: maxVersion,
		maxVersion: 0, math.MaxInt64: 0, -1: 0, math.MinInt64: 0,
	} {
		got, err := next(v)
		if got != want || (err != nil) != (want == 0) || err != nil && !errors.Is(err, ErrExhausted) {
			t.Errorf("after %d: %d, %v", v, got, err)
		}
	}
}

// Versions start anew only where they were driven up and clients forget what they saw.
func TestVersionAfter(t *testing.T) {
	former, new := newHolder(t), newHolder(t)
	for name, c := range map[string]struct {
		role     string
		seen     int64
		replaced bool // the keys
		want     int64
	}{
		"as ever":               {"snapshot", 7, false, 8},
		"new keys go on":        {"snapshot", 7, true, 8},
		"driven up, same keys":  {"snapshot", plausible, false, plausible + 1},
		"driven up, new keys":   {"snapshot", plausible, true, 6},
		"to the end, same keys": {"timestamp", math.MaxInt64, false, 0},
		"to the end, new keys":  {"timestamp", math.MaxInt64, true, 6},
		"never an offline role": {"targets", plausible, true, plausible + 1},
	} {
		s := &state{
			root: rootOf(former), snapshot: metadata.Snapshot(), timestamp: metadata.Timestamp(),
			highest: func(string) int64 { return 5 },
		}
		for _, sign := range []func(signer) (*metadata.Signature, error){
			func(k signer) (*metadata.Signature, error) { return s.snapshot.Sign(k) },
			func(k signer) (*metadata.Signature, error) { return s.timestamp.Sign(k) },
		} {
			if _, err := sign(signer{former.private}); err != nil {
				t.Fatal(err)
			}
		}
		d := newDraft(s)
		if c.replaced {
			d.root = rootOf(new)
		}
		got, err := d.versionAfter(c.role, c.seen)
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%s: %d, %v; want %d", name, got, err, c.want)
		}
	}
}

func TestRekeyApply(t *testing.T) {
	a, b, c := newHolder(t), newHolder(t), newHolder(t)
	for name, row := range map[string]struct {
		has       []holder
		threshold int
		change    Rekey
		want      []holder
		need      int
		fails     bool
	}{
		"one more":             {[]holder{a}, 1, Rekey{Add: []ed25519.PublicKey{b.public}}, []holder{a, b}, 1, false},
		"one for another":      {[]holder{a}, 1, Rekey{Add: []ed25519.PublicKey{b.public}, Remove: []string{a.id}}, []holder{b}, 1, false},
		"two for one, both":    {[]holder{a}, 1, Rekey{Add: []ed25519.PublicKey{b.public, c.public}, Threshold: 2}, []holder{a, b, c}, 2, false},
		"it is there already":  {[]holder{a, b}, 2, Rekey{Add: []ed25519.PublicKey{b.public}}, []holder{a, b}, 2, false},
		"twice the same":       {[]holder{a}, 1, Rekey{Add: []ed25519.PublicKey{b.public, b.public}, Threshold: 3}, nil, 0, true},
		"one away":             {[]holder{a, b, c}, 2, Rekey{Remove: []string{strings.ToUpper(b.id[:8])}}, []holder{a, c}, 2, false},
		"one too many away":    {[]holder{a, b}, 2, Rekey{Remove: []string{b.id}}, nil, 0, true},
		"away, and one enough": {[]holder{a, b}, 2, Rekey{Remove: []string{b.id}, Threshold: 1}, []holder{a}, 1, false},
		"removed and added":    {[]holder{a}, 1, Rekey{Add: []ed25519.PublicKey{a.public}, Remove: []string{a.id}}, []holder{a}, 1, false},
		"nothing":              {[]holder{a, b}, 2, Rekey{}, []holder{a, b}, 2, false},
		"the last one away":    {[]holder{a}, 1, Rekey{Remove: []string{a.id}}, nil, 0, true},
		"a stranger away":      {[]holder{a}, 1, Rekey{Remove: []string{b.id}}, nil, 0, true},
		"nobody away":          {[]holder{a}, 1, Rekey{Remove: []string{""}}, nil, 0, true},
	} {
		keys, ids := map[string]*metadata.Key{}, []string{}
		for _, h := range row.has {
			keys[h.id] = h.key
			ids = append(ids, h.id)
		}
		got, need, err := row.change.apply(keys, ids, row.threshold)
		if (err != nil) != row.fails || need != row.need || len(got) != len(row.want) {
			t.Errorf("%s: %d of %d keys, %v", name, need, len(got), err)
			continue
		}
		for i, h := range row.want {
			if got[i] != h.id || keys[h.id] == nil {
				t.Errorf("%s: key %d is %.8s, want %.8s", name, i, got[i], h.id)
			}
		}
	}
}

// Signed or not: these would let one person count as two, or lock everybody out.
func TestUnsoundRoots(t *testing.T) {
	a, b := newHolder(t), newHolder(t)
	if err := soundRoot(&rootOf(a).Signed); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(r *metadata.RootType){
		"a key under two ids": func(r *metadata.RootType) {
			r.Keys["00"+a.id[2:]] = a.key
			r.Roles["root"].KeyIDs = append(r.Roles["root"].KeyIDs, "00"+a.id[2:])
			r.Roles["root"].Threshold = 2
		},
		"an id twice": func(r *metadata.RootType) {
			r.Roles["root"] = &metadata.Role{KeyIDs: []string{a.id, a.id}, Threshold: 2}
		},
		"no threshold":            func(r *metadata.RootType) { r.Roles["targets"].Threshold = 0 },
		"a negative threshold":    func(r *metadata.RootType) { r.Roles["targets"].Threshold = -1 },
		"too high a threshold":    func(r *metadata.RootType) { r.Roles["timestamp"].Threshold = 2 },
		"no keys":                 func(r *metadata.RootType) { r.Roles["snapshot"].KeyIDs = nil },
		"a key that is not there": func(r *metadata.RootType) { r.Roles["snapshot"].KeyIDs = []string{b.id} },
		"a role too few":          func(r *metadata.RootType) { delete(r.Roles, "snapshot") },
		"a role too many":         func(r *metadata.RootType) { r.Roles["mirrors"] = r.Roles["root"] },
		"nobody for a role":       func(r *metadata.RootType) { r.Roles["snapshot"] = nil },
		"no key":                  func(r *metadata.RootType) { r.Keys[a.id] = nil },
		"a key of another kind":   func(r *metadata.RootType) { r.Keys[a.id] = &metadata.Key{Type: "rsa", Scheme: "rsassa-pss-sha256"} },
		"half a key": func(r *metadata.RootType) {
			r.Keys[a.id] = &metadata.Key{Type: "ed25519", Scheme: "ed25519", Value: metadata.KeyVal{PublicKey: "00"}}
		},
	} {
		root := rootOf(a).Signed
		spoil(&root)
		if err := soundRoot(&root); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestUnsoundDelegations(t *testing.T) {
	a := newHolder(t)
	top := func() *metadata.TargetsType {
		return &metadata.TargetsType{Delegations: &metadata.Delegations{
			Keys:  map[string]*metadata.Key{a.id: a.key},
			Roles: []metadata.DelegatedRole{{Name: "notes-releases", KeyIDs: []string{a.id}, Threshold: 1}},
		}}
	}
	if err := soundDelegations(top()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(t *metadata.TargetsType){
		"none":    func(t *metadata.TargetsType) { t.Delegations = nil },
		"by hash": func(t *metadata.TargetsType) { t.Delegations.SuccinctRoles = &metadata.SuccinctRoles{} },
		"twice the same": func(t *metadata.TargetsType) {
			t.Delegations.Roles = append(t.Delegations.Roles, t.Delegations.Roles[0])
		},
		"a top-level role":   func(t *metadata.TargetsType) { t.Delegations.Roles[0].Name = "snapshot" },
		"a path":             func(t *metadata.TargetsType) { t.Delegations.Roles[0].Name = "../notes-releases" },
		"no name":            func(t *metadata.TargetsType) { t.Delegations.Roles[0].Name = "" },
		"no threshold":       func(t *metadata.TargetsType) { t.Delegations.Roles[0].Threshold = 0 },
		"a key that is lost": func(t *metadata.TargetsType) { delete(t.Delegations.Keys, a.id) },
	} {
		doc := top()
		spoil(doc)
		if err := soundDelegations(doc); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Whatever a change of keys leaves untrusted is signed again, and nothing else is.
func TestSettle(t *testing.T) {
	all := map[string]holder{}
	keys := func(role string) ([]crypto.Signer, error) {
		if _, ok := all[role]; !ok {
			all[role] = newHolder(t)
		}
		return []crypto.Signer{all[role].private}, nil
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	o := Options{Dir: "x"}
	if err := o.validate(); err != nil {
		t.Fatal(err)
	}
	first, err := genesis("notes", keys)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.settle(now, o.Lifetimes); err != nil {
		t.Fatal(err)
	}
	if _, err := first.sign(keys); err != nil {
		t.Fatal(err)
	}
	base := &state{root: first.root, snapshot: metadata.Snapshot(), timestamp: metadata.Timestamp(), targets: first.roles}
	for role, want := range map[string][]string{
		"root":           {"root"},
		"timestamp":      {"root"},
		"snapshot":       {"root"},
		"targets":        {"root", "targets"},
		"notes-releases": {"targets", "notes-releases"},
		"notes-rollout":  {"targets", "notes-rollout"},
	} {
		d := newDraft(base)
		more := newHolder(t)
		if err := d.rekey(Rekey{Role: role, Remove: []string{all[role].id}, Add: []ed25519.PublicKey{more.public}}); err != nil {
			t.Fatal(err)
		}
		if err := d.settle(now.Add(time.Hour), o.Lifetimes); err != nil {
			t.Fatal(err)
		}
		if got := d.changed(); !slices.Equal(got, want) {
			t.Errorf("%s: %v are to be signed, want %v", role, got, want)
		}
		for name, doc := range d.roles {
			if !doc.Signed.Expires.Equal(now.Add(time.Hour + o.Lifetimes.of(name))) {
				t.Errorf("%s: %s expires at %v", role, name, doc.Signed.Expires)
			}
		}
		// One more key beside the first leaves what is signed as it is.
		d = newDraft(base)
		if err := d.rekey(Rekey{Role: role, Add: []ed25519.PublicKey{more.public}}); err != nil {
			t.Fatal(err)
		}
		if err := d.settle(now, o.Lifetimes); err != nil {
			t.Fatal(err)
		}
		if got := d.changed(); !slices.Equal(got, want[:1]) {
			t.Errorf("%s, one more key: %v are to be signed, want %v", role, got, want[:1])
		}
	}
	if got := slices.Sorted(maps.Keys(base.targets)); len(got) != 3 || base.root.Signed.Version != 1 {
		t.Errorf("the base was changed: %v", got)
	}
}
