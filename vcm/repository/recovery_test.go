package repository_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// thief has the online keys and writes what he likes into a copy of the feed, or into the feed itself.
type thief struct {
	t    testing.TB
	dir  string
	keys ring
}

// steal copies what the online keys are at the moment.
func steal(t testing.TB, dir string, keys ring) thief {
	stolen := ring{}
	for _, role := range onlineRoles {
		stolen[role] = keys[role][:1:1]
	}
	return thief{t, dir, stolen}
}

var onlineRoles = []string{"snapshot", "timestamp", release.RolloutRole(app)}

func load[T metadata.Roles](c thief, name string, m *metadata.Metadata[T]) *metadata.Metadata[T] {
	c.t.Helper()
	data, err := os.ReadFile(filepath.Join(c.dir, "feed/metadata", name))
	if err != nil {
		c.t.Fatal(err)
	}
	if m, err = m.FromBytes(data); err != nil {
		c.t.Fatal(err)
	}
	return m
}

func forge[T metadata.Roles](c thief, role, name string, m *metadata.Metadata[T]) int64 {
	c.t.Helper()
	m.ClearSignatures()
	s, err := signature.LoadED25519Signer(c.keys[role][0].(ed25519.PrivateKey))
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := m.Sign(s); err != nil {
		c.t.Fatal(err)
	}
	data, err := m.ToBytes(false)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "feed/metadata", name), data, 0o644); err != nil {
		c.t.Fatal(err)
	}
	return int64(len(data))
}

// fastForward drives the versions of all that the thief can sign up, with a rollout that offers nothing.
func (c thief) fastForward(version int64) {
	c.t.Helper()
	role := release.RolloutRole(app)
	stamp := load(c, "timestamp.json", metadata.Timestamp())
	snap := load(c, fmt.Sprintf("%d.snapshot.json", stamp.Signed.Meta["snapshot.json"].Version), metadata.Snapshot())
	rollout := load(c, fmt.Sprintf("%d.%s.json", snap.Signed.Meta[role+".json"].Version, role), metadata.Targets())
	v, err := release.ParseVersion("0.0.1")
	if err != nil {
		c.t.Fatal(err)
	}
	custom, err := release.EncodeRollout(release.Rollout{Channel: release.Stable, Target: v, Salt: "mine", Halted: true})
	if err != nil {
		c.t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	rollout.Signed.Targets[release.RolloutPath(app, release.Stable)] = &metadata.TargetFiles{Hashes: metadata.Hashes{"sha256": sum[:]}, Custom: &custom}
	rollout.Signed.Version, snap.Signed.Version, stamp.Signed.Version = version, version, version
	length := forge(c, role, fmt.Sprintf("%d.%s.json", version, role), rollout)
	snap.Signed.Meta[role+".json"] = &metadata.MetaFiles{Version: version, Length: length}
	length = forge(c, "snapshot", fmt.Sprintf("%d.snapshot.json", version), snap)
	stamp.Signed.Meta["snapshot.json"] = &metadata.MetaFiles{Version: version, Length: length}
	forge(c, "timestamp", "timestamp.json", stamp)
}

// After the online keys were stolen, changing them brings every client back, whatever the thief made it believe.
func TestRecovery(t *testing.T) {
	for name, attack := range map[string]func(c thief){
		"a few versions ahead":   func(c thief) { c.fastForward(1000) },
		"as far as numbers go":   func(c thief) { c.fastForward(math.MaxInt64) },
		"just below our limit":   func(c thief) { c.fastForward(1<<52 - 1) },
		"twice":                  func(c thief) { c.fastForward(999_999_999); c.fastForward(math.MaxInt64) },
		"and then ruins it":      func(c thief) { c.fastForward(math.MaxInt64); c.ruin() },
		"nothing but destroying": func(c thief) { c.ruin() },
	} {
		for _, where := range []string{"on the way", "in the folder"} {
			t.Run(name+", "+where, func(t *testing.T) { recovery(t, attack, where == "in the folder") })
		}
	}
}

func (c thief) ruin() {
	c.t.Helper()
	for _, name := range []string{"timestamp.json", "1.snapshot.json", "2.snapshot.json"} {
		if err := os.WriteFile(filepath.Join(c.dir, "feed/metadata", name), []byte("{}"), 0o644); err != nil {
			c.t.Fatal(err)
		}
	}
}

func recovery(t *testing.T, attack func(c thief), inFolder bool) {
	keys := newRing(t, allRoles...)
	r, dir, clock := create(t, keys.keys)
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		t.Fatal(err)
	}
	before := status(t, r)
	backup := t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	victim, lucky := newReader(t, r, clock), newReader(t, r, clock)
	victim.mustSee("1.0.0")
	lucky.mustSee("1.0.0")

	c := steal(t, dir, keys)
	attack(c)
	_, _ = victim.sees() // whether that is an error is the attack's affair
	if !inFolder {
		for _, name := range []string{"timestamp.json", "1.snapshot.json", "2.snapshot.json"} {
			data, err := os.ReadFile(filepath.Join(backup, "feed/metadata", name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "feed/metadata", name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}

	var changes []repository.Rekey
	for _, role := range onlineRoles {
		changes = append(changes, repository.Rekey{Role: role, Remove: before[role].Keys, Add: []ed25519.PublicKey{keys.add(t, role)}})
	}
	if err := r.Rekey(context.Background(), changes, keys.keys); err != nil {
		t.Fatal(err)
	}
	victim.mustSee("1.0.0")
	lucky.mustSee("1.0.0")
	newReader(t, r, clock).mustSee("1.0.0")

	// From here on it is a feed like any other.
	if _, err := r.Add(context.Background(), rel(t, "1.1.0", release.Stable, 2), keys.keys); err != nil {
		t.Fatal(err)
	}
	v := rel(t, "1.1.0", release.Stable, 2).Version
	if err := r.SetRollout(context.Background(), app, release.Rollout{Channel: release.Stable, Target: v, Salt: "x", Share: release.Shares}, keys.keys); err != nil {
		t.Fatal(err)
	}
	victim.mustSee("1.0.0 1.1.0")
	for _, role := range status(t, r) {
		if role.Version > 1_000_000_010 {
			t.Errorf("%s goes on at version %d", role.Name, role.Version)
		}
	}
	// And the stolen keys are of no use any more.
	stolen, err := os.ReadFile(filepath.Join(dir, "feed/metadata/timestamp.json"))
	if err != nil {
		t.Fatal(err)
	}
	stamp := load(c, "timestamp.json", metadata.Timestamp())
	stamp.Signed.Version += 5
	forge(c, "timestamp", "timestamp.json", stamp)
	if got, err := victim.sees(); err == nil {
		t.Errorf("the thief can still sign: %q", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "feed/metadata/timestamp.json"), stolen, 0o644); err != nil {
		t.Fatal(err)
	}
	victim.mustSee("1.0.0 1.1.0")
}

// A ruined folder is mended only by a change that makes clients forget what they saw.
func TestSalvageNeedsNewKeys(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, dir, _ := create(t, keys.keys)
	before := status(t, r)
	thief{t, dir, keys}.ruin()
	replaced := func(role string) repository.Rekey {
		return repository.Rekey{Role: role, Remove: before[role].Keys, Add: []ed25519.PublicKey{keys.add(t, role)}}
	}
	for name, changes := range map[string][]repository.Rekey{
		"other keys": {replaced("root"), replaced("targets")},
		"one of two": {replaced("snapshot")},
		"one more":   {replaced("snapshot"), {Role: "timestamp", Add: []ed25519.PublicKey{keys.add(t, "timestamp")}}},
	} {
		if err := r.Rekey(context.Background(), changes, keys.keys); err == nil {
			t.Errorf("%s: mended", name)
		}
	}
	if err := r.Rekey(context.Background(), []repository.Rekey{replaced("snapshot"), replaced("timestamp")}, keys.keys); err != nil {
		t.Error(err)
	}
	if _, err := r.Status(); err != nil {
		t.Error(err)
	}
}
