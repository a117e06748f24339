package repository_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

const app = "notes"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ring is a set of keys in memory.
type ring map[string][]crypto.Signer

func (r ring) keys(role string) ([]crypto.Signer, error) {
	if len(r[role]) == 0 {
		return nil, fmt.Errorf("key for %s: %w", role, fs.ErrNotExist)
	}
	return r[role], nil
}

// add makes one more key for a role.
func (r ring) add(t testing.TB, role string) ed25519.PublicKey {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r[role] = append(r[role], key)
	return public
}

// newRing has a key for each of the roles.
func newRing(t testing.TB, roles ...string) ring {
	t.Helper()
	r := ring{}
	for _, role := range roles {
		r.add(t, role)
	}
	return r
}

var allRoles = []string{"root", "targets", "snapshot", "timestamp", release.Role(app), release.RolloutRole(app)}

// keyring has one key for each role.
func keyring(t testing.TB) repository.Keys {
	t.Helper()
	return newRing(t, allRoles...).keys
}

func only(keys repository.Keys, roles ...string) repository.Keys {
	return func(role string) ([]crypto.Signer, error) {
		if !slices.Contains(roles, role) {
			return nil, fmt.Errorf("key for %s: %w", role, fs.ErrNotExist)
		}
		return keys(role)
	}
}

type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func create(t testing.TB, keys repository.Keys) (*repository.Repository, string, *clock) {
	t.Helper()
	dir, c := filepath.Join(t.TempDir(), "vcm"), &clock{start}
	r, err := repository.Create(repository.Options{Dir: dir, Now: c.Now}, app, keys)
	if err != nil {
		t.Fatal(err)
	}
	return r, dir, c
}

func rel(t testing.TB, version string, channel release.Channel, content byte) release.Release {
	t.Helper()
	v, err := release.ParseVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	sum := release.Digest{content}
	return release.Release{
		App: app, Version: v, Channel: channel, Platform: release.Platform{OS: "linux", Arch: "amd64"},
		Length: 10, SHA256: sum, Published: start,
		Full: release.Blob{Path: release.ArtifactPath(sum), Length: 5, SHA256: release.Digest{2}},
	}
}

func status(t testing.TB, r *repository.Repository) map[string]repository.Role {
	t.Helper()
	list, err := r.Status()
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]repository.Role{}
	for _, role := range list {
		roles[role.Name] = role
	}
	return roles
}

func versions(t testing.TB, r *repository.Repository) string {
	s := status(t, r)
	return fmt.Sprint(s["root"].Version, s["targets"].Version, s[release.Role(app)].Version, s["snapshot"].Version, s["timestamp"].Version)
}

func published(t testing.TB, r *repository.Repository) []string {
	t.Helper()
	all, err := r.Releases(app)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, rel := range all {
		list = append(list, rel.TargetPath())
	}
	slices.Sort(list)
	return list
}

func TestCreate(t *testing.T) {
	keys := keyring(t)
	r, dir, _ := create(t, keys)
	if got := versions(t, r); got != "1 1 1 1 1" {
		t.Errorf("versions %s", got)
	}
	if apps, err := r.Apps(); err != nil || !slices.Equal(apps, []string{app}) {
		t.Errorf("apps %v, %v", apps, err)
	}
	root, err := r.Root()
	if err != nil || !strings.Contains(string(root), `"_type":"root"`) {
		t.Errorf("root %s, %v", root, err)
	}
	if _, err := repository.Create(repository.Options{Dir: dir}, app, keys); !errors.Is(err, repository.ErrExists) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := repository.Open(repository.Options{Dir: t.TempDir()}); !errors.Is(err, repository.ErrMissing) {
		t.Errorf("open nothing: %v", err)
	}
	if _, err := repository.Create(repository.Options{Dir: t.TempDir()}, app, only(keys, "root")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without keys: %v", err)
	}
	if _, err := repository.Create(repository.Options{Dir: t.TempDir()}, "../x", keys); err == nil {
		t.Error("an app that is a path was accepted")
	}
}

func TestAdd(t *testing.T) {
	keys := keyring(t)
	r, _, _ := create(t, keys)
	add := func(rel release.Release) (bool, error) { return r.Add(context.Background(), rel, keys) }
	for _, good := range []release.Release{
		rel(t, "1.0.0", release.Stable, 1), rel(t, "1.1.0-beta.1", release.Beta, 2), rel(t, "1.1.0", release.Beta, 3),
		rel(t, "1.1.0", release.Stable, 3),
	} {
		if added, err := add(good); err != nil || !added {
			t.Fatalf("%s: %v %v", good.TargetPath(), added, err)
		}
	}
	before := versions(t, r)
	for name, c := range map[string]struct {
		rel release.Release
		err error
	}{
		"again":                           {rel(t, "1.1.0", release.Stable, 3), nil},
		"an older one again":              {rel(t, "1.0.0", release.Stable, 1), nil},
		"other bytes":                     {rel(t, "1.1.0", release.Stable, 9), vcm.ErrConflict},
		"other bytes of an older one":     {rel(t, "1.0.0", release.Stable, 9), vcm.ErrConflict},
		"other bytes on another channel":  {rel(t, "1.1.0-beta.1", release.Nightly, 9), vcm.ErrConflict},
		"older":                           {rel(t, "1.0.5", release.Stable, 9), vcm.ErrOlder},
		"a pre-release of what is there":  {rel(t, "1.1.0-rc.1", release.Stable, 9), vcm.ErrOlder},
		"a release that cannot be a file": {release.Release{App: app}, nil},
	} {
		added, err := add(c.rel)
		if added {
			t.Errorf("%s: added", name)
		}
		if c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: got %v, want %v", name, err, c.err)
		}
	}
	if got := versions(t, r); got != before {
		t.Errorf("refused releases changed the versions from %s to %s", before, got)
	}
	want := []string{
		"notes/beta/linux-amd64/1.1.0", "notes/beta/linux-amd64/1.1.0-beta.1",
		"notes/stable/linux-amd64/1.0.0", "notes/stable/linux-amd64/1.1.0",
	}
	if got := published(t, r); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if _, err := r.Releases("other"); err == nil {
		t.Error("an app that the feed does not carry has releases")
	}
}

func TestRenew(t *testing.T) {
	day := 24 * time.Hour
	keys := keyring(t)
	online := only(keys, "snapshot", "timestamp")
	for _, c := range []struct {
		after time.Duration
		keys  repository.Keys
		want  string
	}{
		{3 * day, keys, ""},
		{4 * day, online, "timestamp"},
		{8 * day, online, "snapshot timestamp"},
		{183 * day, online, "snapshot timestamp"},
		{183 * day, keys, "root targets notes-releases notes-rollout snapshot timestamp"},
		{800 * day, keys, "root targets notes-releases notes-rollout snapshot timestamp"},
		{4 * day, only(keys), ""},
	} {
		r, _, clock := create(t, keys)
		clock.now = start.Add(c.after)
		renewed, err := r.Renew(context.Background(), c.keys)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(renewed, " "); got != c.want {
			t.Errorf("after %v: renewed %q, want %q", c.after, got, c.want)
		}
		s := status(t, r)
		for _, role := range renewed {
			if s[role].Version != 2 || s[role].Expires.Before(clock.now) {
				t.Errorf("after %v: %+v", c.after, s[role])
			}
		}
		if again, err := r.Renew(context.Background(), c.keys); err != nil || len(again) != 0 {
			t.Errorf("after %v: renewed %v twice, %v", c.after, again, err)
		}
	}
}

func TestForeignKeysChangeNothing(t *testing.T) {
	r, _, clock := create(t, keyring(t))
	strangers := keyring(t)
	before := versions(t, r)
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), strangers); err == nil {
		t.Error("added with a stranger's keys")
	}
	clock.now = start.Add(30 * 24 * time.Hour)
	if _, err := r.Renew(context.Background(), strangers); err == nil {
		t.Error("renewed with a stranger's keys")
	}
	if got := versions(t, r); got != before {
		t.Errorf("versions went from %s to %s", before, got)
	}
}

// A crash in the middle of a change leaves files that nothing refers to.
func TestLeftoversAreOverwritten(t *testing.T) {
	keys := keyring(t)
	r, dir, _ := create(t, keys)
	for _, name := range []string{"2.notes-releases.json", "2.snapshot.json"} {
		if err := os.WriteFile(filepath.Join(dir, "feed/metadata", name), []byte("half of a fi"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := published(t, r); len(got) != 0 {
		t.Errorf("leftovers count: %v", got)
	}
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys); err != nil {
		t.Fatal(err)
	}
	if got := published(t, r); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

// A change that fails at any of its files leaves what was there before.
func TestFailedChange(t *testing.T) {
	for _, name := range []string{"2.notes-releases.json", "2.snapshot.json"} {
		keys := keyring(t)
		r, dir, _ := create(t, keys)
		obstacle := filepath.Join(dir, "feed/metadata", name, "x")
		if err := os.MkdirAll(obstacle, 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys); err == nil {
			t.Fatalf("%s could not be written, and nobody noticed", name)
		}
		if got := versions(t, r); got != "1 1 1 1 1" {
			t.Errorf("versions %s", got)
		}
		if err := os.RemoveAll(filepath.Dir(obstacle)); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}

func TestDamageIsNoticed(t *testing.T) {
	keys := keyring(t)
	for _, name := range []string{"1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "1.notes-releases.json"} {
		for _, garbage := range []string{"", "{}", "null", `{"signed":{"_type":"timestamp","meta":{}}}`} {
			r, dir, _ := create(t, keys)
			if err := os.WriteFile(filepath.Join(dir, "feed/metadata", name), []byte(garbage), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys); err == nil {
				t.Errorf("built upon %s with content %q", name, garbage)
			}
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	keys := keyring(t)
	_, dir, _ := create(t, keys)
	var wg sync.WaitGroup
	channels := release.Channels()
	for i := range 12 {
		wg.Go(func() {
			r, err := repository.Open(repository.Options{Dir: dir, Now: func() time.Time { return start.Add(100 * 24 * time.Hour) }})
			if err != nil {
				t.Error(err)
				return
			}
			one := rel(t, fmt.Sprintf("%d.0.0", i+1), channels[i%3], byte(i+1))
			one.Platform.Arch = fmt.Sprintf("cpu%d", i)
			if _, err := r.Add(context.Background(), one, keys); err != nil {
				t.Error(err)
			}
			if _, err := r.Renew(context.Background(), keys); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r, err := repository.Open(repository.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := published(t, r); len(got) != 12 {
		t.Errorf("%d releases: %v", len(got), got)
	}
}
