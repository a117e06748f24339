package repository_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

func version(t testing.TB, text string) release.Version {
	t.Helper()
	v, err := release.ParseVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRolloutAndFloor(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, _, clock := create(t, keys.keys)
	for i, v := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		if _, err := r.Add(context.Background(), rel(t, v, release.Stable, byte(i+1)), keys.keys); err != nil {
			t.Fatal(err)
		}
	}
	client := newReader(t, r, clock)
	if err := r.SetFloor(context.Background(), app, version(t, "1.1.0"), only(keys.keys, release.Role(app), "snapshot", "timestamp")); err != nil {
		t.Fatal(err)
	}
	good := release.Rollout{Channel: release.Stable, Target: version(t, "1.2.0"), Previous: version(t, "1.1.0"), Salt: "x", Share: 500}
	online := only(keys.keys, onlineRoles...)
	if err := r.SetRollout(context.Background(), app, good, online); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(r *release.Rollout)
		want   string
	}{
		"not published":            {func(r *release.Rollout) { r.Target = version(t, "1.3.0") }, "not published"},
		"previous not published":   {func(r *release.Rollout) { r.Previous = version(t, "1.1.5") }, "not published"},
		"on another channel":       {func(r *release.Rollout) { r.Channel = release.Beta }, "not published on beta"},
		"below the floor":          {func(r *release.Rollout) { r.Previous = version(t, "1.0.0") }, "below the version floor"},
		"the wrong way round":      {func(r *release.Rollout) { r.Target, r.Previous = r.Previous, r.Target }, "recall it"},
		"no salt":                  {func(r *release.Rollout) { r.Salt = "" }, "salt"},
		"more than everybody":      {func(r *release.Rollout) { r.Share = release.Shares + 1 }, "share"},
		"no channel that there is": {func(r *release.Rollout) { r.Channel = "edge" }, "channel"},
	} {
		bad := good
		c.change(&bad)
		if err := r.SetRollout(context.Background(), app, bad, online); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	before := status(t, r)["timestamp"].Version
	if err := r.SetRollout(context.Background(), app, good, online); err != nil || status(t, r)["timestamp"].Version != before {
		t.Errorf("the same again made a new version, %v", err)
	}
	res, err := client.client.Check(context.Background())
	if err != nil || res.Floor != version(t, "1.1.0") || len(res.Rollouts) != 1 || res.Rollouts[0].Share != 500 || len(res.Releases) != 3 {
		t.Errorf("a client sees %+v, %v", res.Catalogue, err)
	}
	if c, err := r.Catalogue(app); err != nil || c.Floor != res.Floor || len(c.Rollouts) != 1 {
		t.Errorf("catalogue %+v, %v", c, err)
	}
	if err := r.SetFloor(context.Background(), app, version(t, "2.0.0"), keys.keys); err == nil {
		t.Error("a floor above everything")
	}
	if err := r.SetFloor(context.Background(), "maps", version(t, "1.0.0"), keys.keys); err == nil {
		t.Error("a floor for an app that is not there")
	}
}

// A change that people are being asked to sign is not overtaken by a renewal of the same role.
func TestRenewWaitsForPeople(t *testing.T) {
	r, rings := threeHolders(t)
	clock := start.Add(200 * 24 * time.Hour)
	later, err := repository.Open(repository.Options{Dir: r.Dir(), Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	all := ring{}
	for role, signers := range rings[0] {
		all[role] = signers
	}
	all["root"] = append(all["root"], rings[1]["root"]...)
	p := pendingOf(t, later.Rekey(context.Background(), []repository.Rekey{{Role: "root", Threshold: 1}}, rings[0].keys))
	renewed, err := later.Renew(context.Background(), all.keys)
	if err != nil || strings.Contains(strings.Join(renewed, " "), "root") || len(renewed) != 5 {
		t.Errorf("renewed %v, %v", renewed, err)
	}
	sign(t, p, rings[1])
	merge(t, later, p, ring{}, rings[0])
	if root := status(t, later)["root"]; root.Version != 3 || root.Threshold != 1 || root.Due {
		t.Errorf("root %+v", root)
	}
}

// Changes of the same roles are made upon each other, and become one.
func TestChangesMeet(t *testing.T) {
	keys := newRing(t, allRoles...)
	r, _, _ := create(t, keys.keys)
	nobody := only(keys.keys)
	if _, err := r.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), keys.keys); err != nil {
		t.Fatal(err)
	}
	pendingOf(t, r.SetFloor(context.Background(), app, version(t, "1.0.0"), nobody))
	pendingOf(t, r.AddApp(context.Background(), "maps", newRing(t, "maps-releases", "maps-rollout").keys))
	if all, err := r.Pending(); err != nil || len(all) != 2 {
		t.Fatalf("%d changes, %v", len(all), err)
	}
	// New keys for releases concern targets, and the release role's document that waits.
	p := pendingOf(t, r.Rekey(context.Background(), []repository.Rekey{replace(t, r, keys, release.Role(app))}, nobody))
	all, err := r.Pending()
	if err != nil || len(all) != 1 {
		t.Fatalf("%d changes, %v", len(all), err)
	}
	words := strings.Join(p.Words(), "\n")
	for _, want := range []string{"a new role maps-releases", "nothing older than 1.0.0", "may sign for notes-releases from now on"} {
		if !strings.Contains(words, want) {
			t.Errorf("lacks %q in\n%s", want, words)
		}
	}
	// Somebody else publishes with the present key meanwhile: the change has been overtaken, and says so.
	if _, err := r.Merge(context.Background(), p, nobody); !errors.Is(err, repository.ErrUnsigned) {
		t.Errorf("merged without signatures: %v", err)
	}
}
