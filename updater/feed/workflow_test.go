package feed_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// ways are how a check can reach a feed. Through the endpoint, the files beside it
// are out of order, so that nothing can come from there.
var ways = map[string]func(r *repository) feed.Options{
	"files": (*repository).options,
	"endpoint": func(r *repository) feed.Options {
		r.intercept(func(w http.ResponseWriter, req *http.Request) bool {
			if req.URL.Path != "/v1/check" {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
			return false
		})
		return r.checking()
	},
}

// step is what a repository does to a client that has seen it once, sound and at
// version 1 of everything.
type step struct {
	does func(r *repository)
	want error // nil: the client goes along
}

// up signs everything anew, at the next version.
func up(change func(r *repository)) func(r *repository) {
	return func(r *repository) {
		r.next()
		change(r)
		r.publish()
	}
}

// stampOnly signs a new timestamp over what is there.
func stampOnly(change func(r *repository)) func(r *repository) {
	return func(r *repository) {
		r.stamp.Signed.Version++
		change(r)
		r.put("timestamp.json", sign(r.t, r.stamp, r.keys[metadata.TIMESTAMP]))
	}
}

// snapAndStamp signs a new snapshot, and a timestamp that names it.
func snapAndStamp(change func(r *repository)) func(r *repository) {
	return stampOnly(func(r *repository) {
		r.snap.Signed.Version++
		r.stamp.Signed.Meta["snapshot.json"].Version = r.snap.Signed.Version
		change(r)
		r.put(fmt.Sprintf("%d.snapshot.json", r.snap.Signed.Version), sign(r.t, r.snap, r.keys[metadata.SNAPSHOT]))
	})
}

// root signs a new root with the given keys.
func (r *repository) newRoot(version int64, keys string) {
	r.root.Signed.Version = version
	r.put("2.root.json", sign(r.t, r.root, r.keys[keys]))
}

// foreign replaces a role's keys by one that nobody knows.
func foreign(role string) func(r *repository) {
	return func(r *repository) {
		key, _ := newKey(r.t)
		r.keys[role] = append(r.keys[role][:0:0], key)
	}
}

func hashOf(s string) metadata.Hashes {
	sum := sha256.Sum256([]byte(s))
	return metadata.Hashes{"sha256": sum[:]}
}

// The names are the steps of the client workflow in the TUF specification.
var workflow = map[string]step{
	"5.3.3 no newer root": {does: up(func(*repository) {})},
	"5.3.4 root that the old keys did not sign": {func(r *repository) {
		foreign("root")(r)
		r.newRoot(2, "root")
	}, feed.ErrSignature},
	"5.3.4 root that its own keys did not sign": {func(r *repository) {
		old := r.keys["root"]
		r.addKey("root")
		_ = r.root.Signed.RevokeKey(r.root.Signed.Roles["root"].KeyIDs[0], "root")
		r.keys["root"] = old
		r.newRoot(2, "root")
	}, feed.ErrSignature},
	"5.3.4 root below its threshold": {func(r *repository) {
		r.addKey("root")
		r.root.Signed.Roles["root"].Threshold = 2
		r.keys["root"] = r.keys["root"][:1]
		r.newRoot(2, "root")
	}, feed.ErrSignature},
	"5.3.4 one key listed twice for a threshold of two": {func(r *repository) {
		k := r.root.Signed.Roles["timestamp"]
		k.KeyIDs, k.Threshold = append(k.KeyIDs, k.KeyIDs[0]), 2
		r.newRoot(2, "root")
	}, feed.ErrSignature},
	"5.3.5 root of an old version":     {func(r *repository) { r.newRoot(1, "root") }, feed.ErrRollback},
	"5.3.5 root that skips a version":  {func(r *repository) { r.newRoot(3, "root") }, feed.ErrRollback},
	"5.3.5 root of an absurd version":  {func(r *repository) { r.newRoot(1<<60, "root") }, feed.ErrMalformed},
	"5.3.5 root without a role's keys": {func(r *repository) { delete(r.root.Signed.Roles, "snapshot"); r.newRoot(2, "root") }, feed.ErrMalformed},
	"5.3.9 three roots at once": {does: func(r *repository) {
		r.rotate("root")
		r.rotate("targets")
		r.rotate("root")
		up(func(*repository) {})(r)
	}},
	"5.3.10 expired root": {func(r *repository) {
		r.root.Signed.Expires = start
		r.newRoot(2, "root")
	}, feed.ErrExpired},
	"5.3.11 timestamp goes back after its keys were replaced": {does: func(r *repository) {
		r.stamp.Signed.Version = 1000
		r.rotate("timestamp")
		r.stamp.Signed.Version = 1
		r.publish()
	}},
	"5.3.11 snapshot goes back after its keys were replaced": {does: func(r *repository) {
		r.rotate("snapshot")
		r.stamp.Signed.Version++
		r.role.Signed.Version, r.snap.Signed.Version = 1, 1
		r.publish()
	}},
	"5.4.2 timestamp of a stranger":              {up(foreign("timestamp")), feed.ErrSignature},
	"5.4.2 timestamp signed by the snapshot key": {up(func(r *repository) { r.keys["timestamp"] = r.keys["snapshot"] }), feed.ErrSignature},
	"5.4.2 snapshot for a timestamp": {func(r *repository) {
		r.put("timestamp.json", sign(r.t, r.snap, r.keys["timestamp"]))
	}, feed.ErrMalformed},
	"5.4.3 timestamp goes back": {stampOnly(func(r *repository) { r.stamp.Signed.Version = 1 }), feed.ErrRollback},
	"5.4.3 timestamp names an old snapshot": {stampOnly(func(r *repository) {
		r.stamp.Signed.Meta["snapshot.json"].Version = 1
	}), feed.ErrRollback},
	"5.4.3 timestamp names no snapshot": {stampOnly(func(r *repository) { r.stamp.Signed.Meta = map[string]*metadata.MetaFiles{} }), feed.ErrMalformed},
	"5.4.3 another timestamp of the same version": {does: func(r *repository) {
		r.stamp.Signed.Meta["snapshot.json"].Version = 100
		r.put("timestamp.json", sign(r.t, r.stamp, r.keys["timestamp"]))
	}},
	"5.4.4 expired timestamp":               {stampOnly(func(r *repository) { r.stamp.Signed.Expires = start.Add(-1) }), feed.ErrExpired},
	"5.4.4 timestamp that expires just now": {stampOnly(func(r *repository) { r.stamp.Signed.Expires = start }), feed.ErrExpired},
	"5.5.2 snapshot with another hash": {snapAndStamp(func(r *repository) {
		r.stamp.Signed.Meta["snapshot.json"].Hashes = hashOf("another")
	}), feed.ErrSignature},
	"5.5.2 snapshot longer than signed": {snapAndStamp(func(r *repository) {
		r.stamp.Signed.Meta["snapshot.json"].Length = 10
	}), feed.ErrMalformed},
	"5.5.3 snapshot of a stranger": {up(foreign("snapshot")), feed.ErrSignature},
	"5.5.4 snapshot of another version under that name": {func(r *repository) {
		stampOnly(func(r *repository) { r.stamp.Signed.Meta["snapshot.json"].Version = 4 })(r)
		r.put("4.snapshot.json", r.get("2.snapshot.json"))
	}, feed.ErrRollback},
	"5.5.5 targets go back":   {snapAndStamp(func(r *repository) { r.snap.Signed.Meta["targets.json"].Version = 1 }), feed.ErrRollback},
	"5.5.5 releases go back":  {snapAndStamp(func(r *repository) { r.snap.Signed.Meta["notes-releases.json"].Version = 1 }), feed.ErrRollback},
	"5.5.5 rollouts go back":  {snapAndStamp(func(r *repository) { r.snap.Signed.Meta["notes-rollout.json"].Version = 1 }), feed.ErrRollback},
	"5.5.5 a role disappears": {snapAndStamp(func(r *repository) { delete(r.snap.Signed.Meta, "notes-rollout.json") }), feed.ErrSignature},
	"5.5.5 an entry is empty": {snapAndStamp(func(r *repository) { r.snap.Signed.Meta["notes-rollout.json"] = nil }), feed.ErrMalformed},
	"5.5.6 expired snapshot":  {up(func(r *repository) { r.snap.Signed.Expires = start }), feed.ErrExpired},
	"5.6.2 targets with another hash": {up(func(r *repository) {
		r.snap.Signed.Meta["targets.json"].Hashes = hashOf("another")
	}), feed.ErrSignature},
	"5.6.2 releases with another hash": {up(func(r *repository) {
		r.snap.Signed.Meta["notes-releases.json"].Hashes = hashOf("another")
	}), feed.ErrSignature},
	"5.6.3 targets of a stranger":  {up(foreign("targets")), feed.ErrSignature},
	"5.6.3 releases of a stranger": {up(foreign("notes-releases")), feed.ErrSignature},
	"5.6.3 rollout of a stranger":  {up(foreign("notes-rollout")), feed.ErrSignature},
	"5.6.3 releases signed by the rollout key": {up(func(r *repository) {
		r.keys["notes-releases"] = r.keys["notes-rollout"]
	}), feed.ErrSignature},
	"5.6.4 targets of another version under that name": {func(r *repository) {
		snapAndStamp(func(r *repository) { r.snap.Signed.Meta["targets.json"].Version = 3 })(r)
		r.put("3.targets.json", r.get("2.targets.json"))
	}, feed.ErrRollback},
	"5.6.5 expired targets":  {up(func(r *repository) { r.top.Signed.Expires = start }), feed.ErrExpired},
	"5.6.5 expired releases": {up(func(r *repository) { r.role.Signed.Expires = start }), feed.ErrExpired},
	"5.6.5 expired rollout":  {up(func(r *repository) { r.roll.Signed.Expires = start }), feed.ErrExpired},
	"5.6.7 a role delegated twice": {up(func(r *repository) {
		d := r.top.Signed.Delegations
		d.Roles = append(d.Roles, d.Roles[1])
	}), feed.ErrSignature},
	"5.6.7 rollouts delegated by releases, too": {up(func(r *repository) { r.role.Signed.Delegations = r.top.Signed.Delegations }), feed.ErrSignature},
	"5.6.7 releases delegated by rollouts, too": {up(func(r *repository) { r.roll.Signed.Delegations = r.top.Signed.Delegations }), feed.ErrSignature},
	"5.6.7 releases delegated to the online key": {up(func(r *repository) {
		d := r.top.Signed.Delegations
		d.Roles[0].KeyIDs = d.Roles[1].KeyIDs // by somebody who has not the key of targets
		foreign("targets")(r)
	}), feed.ErrSignature},
	"5.6.7 threshold of releases raised":             {up(func(r *repository) { r.top.Signed.Delegations.Roles[0].Threshold = 2 }), feed.ErrSignature},
	"6.3 another major version of the specification": {stampOnly(func(r *repository) { r.stamp.Signed.SpecVersion = "2.0.0" }), feed.ErrMalformed},
}

func TestWorkflow(t *testing.T) {
	for way, options := range ways {
		for name, step := range workflow {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				r := newRepository(t).withRollouts()
				r.add("1.0.0", release.Stable)
				r.publish()
				r.next() // so that there is a version to go back to
				r.publish()
				o := options(r)
				c := client(t, o)
				check(t, c)
				step.does(r)
				if step.want == nil {
					if res := check(t, c); way == "endpoint" && res.Requests != 1 {
						t.Errorf("took %d requests", res.Requests)
					}
					return
				}
				refused(t, c, step.want)
				// A client that keeps nothing in memory refuses as well.
				refused(t, client(t, o), step.want)
			})
		}
	}
}

// A feed that stands still is as dangerous as one that goes back.
func TestFreeze(t *testing.T) {
	for way, options := range ways {
		t.Run(way, func(t *testing.T) {
			r := published(t)
			o, now := options(r), start
			o.Now = func() time.Time { return now }
			c := client(t, o)
			check(t, c)
			now = start.Add(7*24*time.Hour - time.Second)
			check(t, c)
			now = start.Add(7 * 24 * time.Hour)
			refused(t, c, feed.ErrExpired)
			now = start // setting the clock back does not make it current for ever
			if got := check(t, c).At; !got.Equal(start.Add(7*24*time.Hour - time.Second)) {
				t.Errorf("time went back to %v", got)
			}
		})
	}
}

// Of what two sound states of a feed hold, none can be put into the other.
func TestMixAndMatchOfFiles(t *testing.T) {
	roles := []string{"snapshot", "targets", "notes-releases", "notes-rollout"}
	for way, options := range ways {
		for _, role := range roles {
			t.Run(way+"/"+role, func(t *testing.T) {
				r := newRepository(t).withRollouts()
				r.publish()
				o := options(r)
				c := client(t, o)
				check(t, c)
				r.next()
				r.publish()
				r.put("2."+role+".json", r.get("1."+role+".json"))
				refused(t, c, feed.ErrRollback)
			})
		}
	}
}

// The library's own client goes on trusting a role of which it has a copy when
// whoever delegates it names other keys.
func TestRevokedReleaseKey(t *testing.T) {
	for way, options := range ways {
		t.Run(way, func(t *testing.T) {
			r := published(t)
			c := client(t, options(r))
			check(t, c)
			d := r.top.Signed.Delegations
			_, public := newKey(t)
			d.Keys[keyID(t, public)] = public
			d.Roles[0].KeyIDs = []string{keyID(t, public)}
			r.top.Signed.Version++
			r.snap.Signed.Version++
			r.stamp.Signed.Version++
			r.publish()
			refused(t, c, feed.ErrSignature)
		})
	}
}

func TestOldFeedHasNoRollouts(t *testing.T) {
	for way, options := range ways {
		t.Run(way, func(t *testing.T) {
			r := newRepository(t)
			r.top.Signed.Delegations.Roles[0].Paths = []string{app + "/*/*/*"} // no floor either
			r.add("1.0.0", release.Stable)
			r.publish()
			res := check(t, client(t, options(r)))
			if len(res.Releases) != 1 || len(res.Rollouts) != 0 || !res.Floor.IsZero() {
				t.Fatalf("got %+v", res.Catalogue)
			}
		})
	}
}

func TestAnotherKeyTypeAndThreshold(t *testing.T) {
	r := newRepository(t)
	r.addKey("timestamp")
	r.addKey("timestamp")
	r.root.Signed.Roles["timestamp"].Threshold = 2
	r.publish()
	c := client(t, r.options())
	check(t, c)
	r.keys["timestamp"] = r.keys["timestamp"][1:] // any two of three will do
	r.next()
	r.publish()
	check(t, c)
	r.keys["timestamp"] = slices.Repeat(r.keys["timestamp"][:1], 2)
	r.next()
	r.publish()
	refused(t, c, feed.ErrMalformed) // the same key twice is not even metadata
	if !strings.HasPrefix(string(r.get("timestamp.json")), "{") {
		t.Fatal("the timestamp was not served")
	}
}
