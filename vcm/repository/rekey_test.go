package repository_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// reader is an app somewhere, which trusts the feed's first root and keeps what it saw.
type reader struct {
	t      testing.TB
	client *feed.Client
}

func newReader(t testing.TB, r *repository.Repository, clock *clock) reader {
	t.Helper()
	root, err := r.Root()
	if err != nil {
		t.Fatal(err)
	}
	files := http.FileServerFS(os.DirFS(r.Dir()))
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	client, err := feed.New(feed.Options{URL: server.URL + "/feed", Root: root, Dir: t.TempDir() + "/state", App: app, Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return reader{t, client}
}

// sees checks and returns the versions on offer.
func (r reader) sees() (string, error) {
	res, err := r.client.Check(context.Background())
	var versions []string
	for _, rel := range res.Releases {
		versions = append(versions, rel.Version.String())
	}
	slices.Sort(versions)
	return strings.Join(versions, " "), err
}

func (r reader) mustSee(want string) {
	r.t.Helper()
	if got, err := r.sees(); err != nil || got != want {
		r.t.Errorf("a client sees %q, %v; want %q", got, err, want)
	}
}

// replace is a change that gives a role one new key for all that it had.
func replace(t testing.TB, r *repository.Repository, keys ring, role string) repository.Rekey {
	t.Helper()
	return repository.Rekey{Role: role, Remove: status(t, r)[role].Keys, Add: []ed25519.PublicKey{keys.add(t, role)}}
}

func TestEveryRoleCanBeRotated(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, _, clock := create(t, keys.keys)
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		t.Fatal(err)
	}
	asleep, awake := newReader(t, r, clock), newReader(t, r, clock)
	asleep.mustSee("1.0.0")
	published := "1.0.0"
	for round := range 3 {
		for _, role := range allRoles {
			before := status(t, r)[role]
			if err := r.Rekey(context.Background(), []repository.Rekey{replace(t, r, keys, role)}, keys.keys); err != nil {
				t.Fatalf("%s: %v", role, err)
			}
			after := status(t, r)[role]
			if len(after.Keys) != 1 || after.Keys[0] == before.Keys[0] {
				t.Errorf("%s: keys went from %v to %v", role, before.Keys, after.Keys)
			}
			keys[role] = keys[role][1:]
			awake.mustSee(published)
		}
		clock.now = clock.now.Add(24 * time.Hour)
		version := fmt.Sprintf("1.%d.0", round+1)
		if _, err := r.Add(context.Background(), rel(t, version, release.Stable, byte(round+2)), keys.keys); err != nil {
			t.Fatal(err)
		}
		published += " " + version
		if _, err := r.Renew(context.Background(), keys.keys); err != nil {
			t.Fatal(err)
		}
		awake.mustSee(published)
	}
	// root, targets, snapshot and timestamp: four roots in each round.
	if root := status(t, r)["root"]; root.Version != 13 {
		t.Errorf("root %d", root.Version)
	}
	asleep.mustSee("1.0.0 1.1.0 1.2.0 1.3.0")
}

// The process may die at any write of a change of keys: clients never notice, and the next operation goes on from
// there.
func TestKilledWhileRotating(t *testing.T) {
	for _, role := range append([]string{"online"}, allRoles...) {
		for n := 1; ; n++ {
			keys := newRing(t, allRoles...)
			r, dir, clock := create(t, keys.keys)
			if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
				t.Fatal(err)
			}
			client := newReader(t, r, clock)
			client.mustSee("1.0.0")
			var changes []repository.Rekey
			for _, one := range allRoles {
				if one == role || role == "online" && slices.Contains([]string{"snapshot", "timestamp", release.RolloutRole(app)}, one) {
					changes = append(changes, replace(t, r, keys, one))
				}
			}
			writes := r.DieAt(n)
			err := r.Rekey(context.Background(), changes, keys.keys)
			if err == nil && *writes < n {
				break // it had no nth write
			}
			if !errors.Is(err, repository.ErrKilled) {
				t.Fatalf("%s, write %d: %v", role, n, err)
			}
			client.mustSee("1.0.0")
			fresh := newReader(t, r, clock)
			fresh.mustSee("1.0.0")

			next, err := repository.Open(repository.Options{Dir: dir, Now: clock.Now})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := next.Add(context.Background(), rel(t, "1.1.0", release.Stable, 2), keys.keys); err != nil {
				t.Fatalf("%s, write %d: afterwards: %v", role, n, err)
			}
			client.mustSee("1.0.0 1.1.0")
			fresh.mustSee("1.0.0 1.1.0")
			if n > 20 {
				t.Fatalf("%s: no end", role)
			}
		}
	}
}

func TestRekeyRefuses(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, _, _ := create(t, keys.keys)
	ids := status(t, r)
	one := keys.add(t, "root")
	stamp := keys["timestamp"][0].Public().(ed25519.PublicKey)
	for name, c := range map[string]struct {
		change repository.Rekey
		want   string
	}{
		"an unknown role":         {repository.Rekey{Role: "maps-releases", Threshold: 1}, "no role"},
		"the last key":            {repository.Rekey{Role: "root", Remove: ids["root"].Keys}, "would need 1 signatures and have 0 keys"},
		"too high a threshold":    {repository.Rekey{Role: "root", Add: []ed25519.PublicKey{one}, Threshold: 3}, "would need 3 signatures and have 2 keys"},
		"a negative threshold":    {repository.Rekey{Role: "targets", Threshold: -1}, "would need -1"},
		"a key that is not there": {repository.Rekey{Role: "root", Remove: []string{ids["targets"].Keys[0]}}, "0 keys have an id"},
		"too short an id":         {repository.Rekey{Role: "root", Remove: []string{ids["root"].Keys[0][:4]}}, "first eight"},
		"another role's key":      {repository.Rekey{Role: "root", Add: []ed25519.PublicKey{stamp}}, "signs for timestamp already"},
		"the last of an app":      {repository.Rekey{Role: "notes-releases", Remove: ids["notes-releases"].Keys}, "have 0 keys"},
	} {
		err := r.Rekey(context.Background(), []repository.Rekey{c.change}, keys.keys)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := versions(t, r); got != "1 1 1 1 1" {
		t.Errorf("versions %s", got)
	}
}

// A revoked key signs nothing any more.
func TestRevoked(t *testing.T) {
	role := release.Role(app)
	keys := newRing(t, allRoles...)
	r, _, _ := create(t, keys.keys)
	second := keys.add(t, role)
	if err := r.Rekey(context.Background(), []repository.Rekey{{Role: role, Add: []ed25519.PublicKey{second}}}, keys.keys); err != nil {
		t.Fatal(err)
	}
	first := status(t, r)[role].Keys[0]
	if err := r.Rekey(context.Background(), []repository.Rekey{{Role: role, Remove: []string{first[:8]}}}, keys.keys); err != nil {
		t.Fatal(err)
	}
	lost := ring{"snapshot": keys["snapshot"], "timestamp": keys["timestamp"], role: keys[role][:1]}
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), lost.keys); !errors.Is(err, repository.ErrUnsigned) {
		t.Errorf("the revoked key: %v", err)
	}
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

// A power cut can bring the journal of a finished change back, and must not bring that change's timestamp back with it.
func TestJournalThatComesBack(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, dir, clock := create(t, keys.keys)
	var journal []byte
	r.Watch(func(name string, data []byte) {
		if name == "commit.json" {
			journal = data
		}
	})
	if err := r.Rekey(context.Background(), []repository.Rekey{replace(t, r, keys, "root")}, keys.keys); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		t.Fatal(err)
	}
	client := newReader(t, r, clock)
	client.mustSee("1.0.0")
	if err := os.WriteFile(filepath.Join(dir, "commit.json"), journal, 0o600); err != nil || journal == nil {
		t.Fatal(err)
	}
	if _, err := r.Add(context.Background(), rel(t, "1.1.0", release.Stable, 2), keys.keys); err != nil {
		t.Fatal(err)
	}
	client.mustSee("1.0.0 1.1.0")
}
