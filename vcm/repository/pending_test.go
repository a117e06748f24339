package repository_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// threeHolders is a feed whose root needs two of three keys, each in somebody else's ring; the first ring holds all
// other keys, too.
func threeHolders(t testing.TB) (r *repository.Repository, rings [3]ring) {
	t.Helper()
	rings[0] = newRing(t, allRoles...)
	r, _, _ = create(t, rings[0].keys)
	change := repository.Rekey{Role: "root", Threshold: 2}
	for i := range 2 {
		rings[i+1] = ring{}
		change.Add = append(change.Add, rings[i+1].add(t, "root"))
	}
	err := r.Rekey(context.Background(), []repository.Rekey{change}, rings[0].keys)
	p := pendingOf(t, err)
	sign(t, p, rings[1])
	merge(t, r, p, ring{}, rings[0])
	return r, rings
}

// pendingOf reads the pending change that an error tells of, as another machine would.
func pendingOf(t testing.TB, err error) *repository.Pending {
	t.Helper()
	var waits *repository.PendingError
	if !errors.As(err, &waits) || len(waits.Lacks) == 0 || !errors.Is(err, repository.ErrUnsigned) {
		t.Fatalf("nothing is pending: %v", err)
	}
	data, err := os.ReadFile(waits.File)
	if err != nil {
		t.Fatal(err)
	}
	p, err := repository.DecodePending(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sign(t testing.TB, p *repository.Pending, keys ring) {
	t.Helper()
	if n, err := p.Sign(keys.keys); err != nil || n == 0 {
		t.Fatalf("%d signatures, %v", n, err)
	}
}

// merge brings a signed change home, through its text.
func merge(t testing.TB, r *repository.Repository, p *repository.Pending, offline, online ring) {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := repository.DecodePending(data)
	if err != nil {
		t.Fatal(err)
	}
	both := func(role string) ([]crypto.Signer, error) { return append(offline[role], online[role]...), nil }
	if already, err := r.Merge(context.Background(), back, both); err != nil || already {
		t.Fatalf("merge: %v, %v", already, err)
	}
}

func TestThresholdOfTwo(t *testing.T) {
	r, rings := threeHolders(t)
	root := status(t, r)["root"]
	if root.Version != 2 || root.Threshold != 2 || len(root.Keys) != 3 {
		t.Fatalf("root is %+v", root)
	}
	// One alone cannot change the root any more.
	change := repository.Rekey{Role: "timestamp", Threshold: 1, Add: []ed25519.PublicKey{rings[0].add(t, "timestamp")}}
	err := r.Rekey(context.Background(), []repository.Rekey{change}, rings[0].keys)
	p := pendingOf(t, err)
	if got := versions(t, r); got != "2 1 1 1 2" {
		t.Errorf("one signature of two was enough: versions %s", got)
	}
	words := strings.Join(p.Words(), "\n")
	if !strings.Contains(words, "root 3, valid until 2027-03-01:") || !strings.Contains(words, "may sign for timestamp from now on") {
		t.Errorf("words:\n%s", words)
	}
	if l := p.Lacks(); len(l) != 2 || l[0].Have != 1 || l[0].Need != 2 || len(l[0].Keys) != 2 {
		t.Errorf("lacks %+v", l)
	}
	// The third of the holders signs, a stranger's signature is of no use.
	if n, err := p.Sign(newRing(t, "root").keys); err != nil || n != 0 {
		t.Errorf("a stranger made %d signatures, %v", n, err)
	}
	sign(t, p, rings[2])
	if n, err := p.Sign(rings[2].keys); err != nil || n != 0 {
		t.Errorf("signed twice: %d, %v", n, err)
	}
	merge(t, r, p, ring{}, rings[0])
	if root := status(t, r)["root"]; root.Version != 3 {
		t.Errorf("root %d", root.Version)
	}
	if waiting, err := r.Pending(); err != nil || len(waiting) != 0 {
		t.Errorf("%d changes are pending, %v", len(waiting), err)
	}
	if already, err := r.Merge(context.Background(), p, rings[0].keys); err != nil || !already {
		t.Errorf("merged again: %v, %v", already, err)
	}
}

// Releases that need two signatures pile up in one change, which two people sign once.
func TestReleasesPileUp(t *testing.T) {
	a, b := newRing(t, allRoles...), ring{}
	r, _, _ := create(t, a.keys)
	role := release.Role(app)
	change := repository.Rekey{Role: role, Threshold: 2, Add: []ed25519.PublicKey{b.add(t, role)}}
	err := r.Rekey(context.Background(), []repository.Rekey{change}, a.keys)
	p := pendingOf(t, err)
	if !slices.Equal(p.Roles(), []string{"targets", role}) {
		t.Fatalf("changes %v", p.Roles())
	}
	sign(t, p, b)
	merge(t, r, p, ring{}, a)

	one, two := rel(t, "1.0.0", release.Stable, 1), rel(t, "1.0.0", release.Stable, 2)
	two.Platform.OS = "windows"
	_, err = r.Add(context.Background(), one, a.keys)
	first := pendingOf(t, err)
	_, err = r.Add(context.Background(), two, a.keys)
	both := pendingOf(t, err)
	if got := strings.Join(both.Words(), "\n"); strings.Count(got, "adds the release notes 1.0.0") != 2 {
		t.Errorf("words:\n%s", got)
	}
	if _, err := r.Add(context.Background(), two, a.keys); !errors.Is(err, repository.ErrUnsigned) {
		t.Errorf("again: %v", err)
	}
	again := pendingOf(t, err)
	if x, y := encode(t, again), encode(t, both); x != y {
		t.Error("adding the same again changed what people sign")
	}
	if got := published(t, r); len(got) != 0 {
		t.Errorf("published with one signature: %v", got)
	}
	sign(t, first, b)
	if _, err := r.Merge(context.Background(), first, a.keys); !errors.Is(err, repository.ErrStale) {
		t.Errorf("merged what another change took the place of: %v", err)
	}
	sign(t, both, b)
	merge(t, r, both, ring{}, a)
	if got := published(t, r); len(got) != 2 {
		t.Errorf("published %v", got)
	}
}

// A change that was not signed before its documents expired is no good to anybody; made again, it is.
func TestPendingTooLong(t *testing.T) {
	a := newRing(t, allRoles...)
	r, _, clock := create(t, a.keys)
	nobody, one := only(a.keys), rel(t, "1.0.0", release.Stable, 1)
	_, err := r.Add(context.Background(), one, nobody)
	p := pendingOf(t, err)
	sign(t, p, a)
	clock.now = status(t, r)[release.Role(app)].Expires.AddDate(0, 0, 1)
	if _, err := r.Merge(context.Background(), p, a.keys); !errors.Is(err, repository.ErrRefused) || !strings.Contains(err.Error(), "expired while it waited") {
		t.Errorf("merged: %v", err)
	}
	if got := published(t, r); len(got) != 0 {
		t.Errorf("published %v", got)
	}
	_, err = r.Add(context.Background(), one, nobody)
	again := pendingOf(t, err)
	sign(t, again, a)
	merge(t, r, again, ring{}, a)
	if role := status(t, r)[release.Role(app)]; len(published(t, r)) != 1 || !role.Expires.After(clock.now) {
		t.Errorf("made again: %+v", role)
	}
}

func encode(t testing.TB, p *repository.Pending) string {
	t.Helper()
	data, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPendingIsOfOneFeed(t *testing.T) {
	r, rings := threeHolders(t)
	err := r.Rekey(context.Background(), []repository.Rekey{{Role: "root", Threshold: 1}}, rings[0].keys)
	p := pendingOf(t, err)
	newest, err := r.NewestRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.TrustedBy(newest); err != nil {
		t.Errorf("its own root: %v", err)
	}
	first, err := r.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.TrustedBy(first); err != nil {
		t.Errorf("the first root: %v", err)
	}
	other, strangers := threeHolders(t)
	foreign, err := other.NewestRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.TrustedBy(foreign); !errors.Is(err, repository.ErrRefused) {
		t.Errorf("another feed's root: %v", err)
	}
	if _, err := other.Merge(context.Background(), p, strangers[0].keys); !errors.Is(err, repository.ErrRefused) {
		t.Errorf("merged into another feed: %v", err)
	}
	if p.FirstRoot() == "" || len(p.FirstRoot()) != 64 {
		t.Errorf("first root %q", p.FirstRoot())
	}
}

func TestDecodePendingRefuses(t *testing.T) {
	r, rings := threeHolders(t)
	err := r.Rekey(context.Background(), []repository.Rekey{{Role: "root", Threshold: 1}}, rings[0].keys)
	good := encode(t, pendingOf(t, err))
	for name, bad := range map[string]string{
		"nothing":           "",
		"null":              "null",
		"another schema":    strings.Replace(good, `"schema":1`, `"schema":2`, 1),
		"no roots":          strings.Replace(good, `"roots":[`, `"roots":[],"x":[`, 1),
		"a root missing":    strings.Replace(good, `"roots":[{`, `"roots":[null,{`, 1),
		"no base":           strings.Replace(good, `"current":{`, `"current":{},"x":{`, 1),
		"no changes":        strings.Replace(good, `"changes":[`, `"changes":[],"x":[`, 1),
		"another role":      strings.Replace(good, `"role":"root"`, `"role":"targets"`, 1),
		"an unknown role":   strings.Replace(good, `"role":"root"`, `"role":"../root"`, 1),
		"a skipped version": strings.Replace(good, `"version":3`, `"version":4`, 1),
		"a threshold of 0":  strings.ReplaceAll(good, `"threshold":1`, `"threshold":0`),
		"too high a one":    strings.ReplaceAll(good, `"threshold":1`, `"threshold":9`),
		"inconsistent":      strings.Replace(good, `"consistent_snapshot":true`, `"consistent_snapshot":false`, 3),
	} {
		if bad == good {
			t.Fatalf("%s: changes nothing", name)
		}
		if p, err := repository.DecodePending([]byte(bad)); err == nil {
			t.Errorf("%s: accepted as %v", name, p.Words())
		}
	}
}

// What a document says must come out in words, and nothing but words.
func TestWords(t *testing.T) {
	a := newRing(t, allRoles...)
	r, _, _ := create(t, a.keys)
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), a.keys); err != nil {
		t.Fatal(err)
	}
	nobody := only(a.keys)
	v := rel(t, "1.0.0", release.Stable, 1).Version
	pendingOf(t, r.SetFloor(context.Background(), app, v, nobody))
	pendingOf(t, r.SetRollout(context.Background(), app, release.Rollout{Channel: release.Stable, Target: v, Salt: "x", Share: 550}, nobody))
	pendingOf(t, r.AddApp(context.Background(), "maps", newRing(t, "maps-releases", "maps-rollout").keys))
	all, err := r.Pending()
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, p := range all {
		said = append(said, p.Words()...)
	}
	text := strings.Join(said, "\n")
	for _, want := range []string{
		"notes-releases 3, valid until 2027-03-01:", "  adds the version floor of notes: nothing older than 1.0.0",
		"notes-rollout 2, valid until 2026-03-15:", "  adds the rollout of notes on stable: 1.0.0 for 5.5 % of all clients, nothing for the others",
		"targets 2, valid until 2027-03-01:", "  a new role maps-releases, trusted with maps/*/*/* and maps/floor",
		"  maps-rollout needs 1 of 1 keys (before: 0 of 0)", "maps-releases 1, valid", "  nothing yet",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q in\n%s", want, text)
		}
	}
}

func TestPendingFilesThatAreDamaged(t *testing.T) {
	r, rings := threeHolders(t)
	err := r.Rekey(context.Background(), []repository.Rekey{{Role: "root", Threshold: 1}}, rings[0].keys)
	pendingOf(t, err)
	name := filepath.Join(r.Dir(), "pending/root.json")
	if err := os.WriteFile(name, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Pending(); err == nil || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("got %v", err)
	}
}
