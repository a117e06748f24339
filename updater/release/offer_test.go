package release

import (
	"fmt"
	"testing"
)

var linux, windows = Platform{"linux", "amd64"}, Platform{"windows", "amd64"}

func offers(t *testing.T, versions ...string) []Release {
	var all []Release
	for _, v := range versions {
		r := Release{App: "a", Version: version(t, v), Channel: Stable, Platform: linux}
		switch r.Version.Prerelease() {
		case "":
		case "nightly":
			r.Channel = Nightly
		default:
			r.Channel = Beta
		}
		all = append(all, r)
	}
	return all
}

func TestOffer(t *testing.T) {
	all := append(offers(t, "1.0.0", "1.10.0", "1.9.0", "2.0.0-beta.2", "2.0.0-beta.10", "2.0.0-nightly"),
		Release{App: "a", Version: version(t, "9.0.0"), Channel: Stable, Platform: windows},
		Release{App: "a", Version: version(t, "1.10.0"), Channel: Beta, Platform: linux})
	for name, c := range map[string]struct {
		channel Channel
		current string
		want    string
		from    Channel
	}{
		"numbers, not letters":         {Stable, "1.0.0", "1.10.0", Stable},
		"nothing newer":                {Stable, "1.10.0", "", ""},
		"never older":                  {Stable, "3.0.0", "", ""},
		"beta takes beta":              {Beta, "1.10.0", "2.0.0-beta.10", Beta},
		"nightly takes all":            {Nightly, "2.0.0-beta.10", "2.0.0-nightly", Nightly},
		"pre-release is older":         {Nightly, "2.0.0", "", ""},
		"unknown channel gets nothing": {"edge", "1.0.0", "", ""},
		"first install":                {Stable, "", "1.10.0", Stable},
	} {
		t.Run(name, func(t *testing.T) {
			me := Client{Channel: c.channel, Platform: linux}
			if c.current != "" {
				me.Current = version(t, c.current)
			}
			got, ok := Catalogue{Releases: all}.Offer(me)
			if ok != (c.want != "") || got.Version.String() != c.want || got.Channel != c.from {
				t.Fatalf("got %v %q on %q", ok, got.Version, got.Channel)
			}
		})
	}
}

func TestOfferByRollout(t *testing.T) {
	full := Rollout{Channel: Stable, Target: version(t, "1.2.0"), Previous: version(t, "1.1.0"), Salt: "s", Share: Shares}
	with := func(change func(*Rollout)) Rollout { r := full; change(&r); return r }
	recalled := with(func(r *Rollout) { r.Halted, r.Recalled = true, []Version{version(t, "1.2.0")} })
	for name, c := range map[string]struct {
		rollout Rollout
		current string
		floor   string
		channel Channel
		want    string
	}{
		"in":                             {full, "1.0.0", "", Stable, "1.2.0"},
		"newer releases wait":            {full, "1.2.0", "", Stable, ""},
		"out gets the one before":        {with(func(r *Rollout) { r.Share = 0 }), "1.0.0", "", Stable, "1.1.0"},
		"out, and on the one before":     {with(func(r *Rollout) { r.Share = 0 }), "1.1.0", "", Stable, ""},
		"out never goes back":            {with(func(r *Rollout) { r.Share = 0 }), "1.2.0", "", Stable, ""},
		"halted":                         {with(func(r *Rollout) { r.Halted = true }), "1.0.0", "", Stable, "1.1.0"},
		"halted, nothing before":         {with(func(r *Rollout) { r.Halted, r.Previous = true, Version{} }), "1.0.0", "", Stable, ""},
		"recalled goes back":             {recalled, "1.2.0", "", Stable, "1.1.0"},
		"recalled, at the floor":         {recalled, "1.2.0", "1.1.0", Stable, "1.1.0"},
		"recalled, below the floor":      {recalled, "1.2.0", "1.1.1", Stable, ""},
		"recalled on to another channel": {recalled, "1.2.0", "", Beta, "1.3.0-beta"},
		"not what is recalled":           {recalled, "1.3.0", "", Stable, ""},
		"recalled before it is taken":    {with(func(r *Rollout) { r.Recalled = []Version{r.Target} }), "1.0.0", "", Stable, "1.1.0"},
		"floor above everything":         {full, "1.0.0", "5.0.0", Stable, ""},
		"another platform has it":        {with(func(r *Rollout) { r.Target = version(t, "1.2.5") }), "1.0.0", "", Stable, "1.2.0"},
		"of another channel":             {with(func(r *Rollout) { r.Channel = Beta }), "1.0.0", "", Stable, "1.4.0"},
	} {
		t.Run(name, func(t *testing.T) {
			all := Catalogue{Releases: offers(t, "1.0.0", "1.1.0", "1.2.0", "1.4.0", "1.3.0-beta"), Rollouts: []Rollout{c.rollout}}
			if c.floor != "" {
				all.Floor = version(t, c.floor)
			}
			got, ok := all.Offer(Client{Channel: c.channel, Platform: linux, Current: version(t, c.current), ID: "id"})
			if ok != (c.want != "") || got.Version.String() != c.want {
				t.Fatalf("got %v %q, want %q", ok, got.Version, c.want)
			}
		})
	}
}

// A share takes the same clients whenever it is asked for, grows without losing any, and another salt takes others.
func TestShares(t *testing.T) {
	in := func(salt string, share int) (ids map[int]bool) {
		ids = map[int]bool{}
		for id := range 20_000 {
			if Bucket(salt, fmt.Sprint(id)) < share {
				ids[id] = true
			}
		}
		return ids
	}
	small, large, other := in("a", 500), in("a", 2000), in("b", 2000)
	if n := len(small); n < 900 || n > 1100 {
		t.Errorf("5 %% of 20,000 took %d", n)
	}
	both := 0
	for id := range large {
		if other[id] {
			both++
		}
	}
	for id := range small {
		if !large[id] {
			t.Fatalf("client %d left as the share grew", id)
		}
	}
	if both < 600 || both > 1000 {
		t.Errorf("two salts at 20 %% have %d of 20,000 in common, want about 800", both)
	}
	if in("a", Shares)[0] != true || len(in("a", 0)) != 0 {
		t.Error("all and nothing are not exact")
	}
}
