package feed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

func TestRollback(t *testing.T) {
	r := published(t)
	old := r.state()
	c := client(t, r.options())
	r.add("1.1.0", release.Stable)
	r.next()
	r.publish()
	check(t, c)
	r.restore(old)
	refused(t, c, feed.ErrSignature)
}

// Only the timestamp is newer, and names an older snapshot.
func TestMixAndMatch(t *testing.T) {
	r := published(t)
	c := client(t, r.options())
	r.next()
	r.publish()
	check(t, c)
	r.stamp.Signed.Version++
	r.stamp.Signed.Meta["snapshot.json"].Version = 1
	r.put("timestamp.json", sign(t, r.stamp, r.keys[metadata.TIMESTAMP]))
	refused(t, c, feed.ErrSignature)
}

func TestExpiry(t *testing.T) {
	for name, expire := range map[string]func(r *repository, at time.Time){
		"root":      func(r *repository, at time.Time) { r.root.Signed.Expires = at },
		"timestamp": func(r *repository, at time.Time) { r.stamp.Signed.Expires = at },
		"snapshot":  func(r *repository, at time.Time) { r.snap.Signed.Expires = at },
		"targets":   func(r *repository, at time.Time) { r.top.Signed.Expires = at },
		"releases":  func(r *repository, at time.Time) { r.role.Signed.Expires = at },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			expire(r, start.Add(-time.Second))
			r.publish()
			refused(t, client(t, r.options()), feed.ErrExpired)
		})
	}
}

func TestClockSetBackCannotFreeze(t *testing.T) {
	r := published(t)
	now := start.Add(6 * 24 * time.Hour)
	o := r.options()
	o.Now = func() time.Time { return now }
	check(t, client(t, o))

	// The user's clock goes back a year. The server keeps serving a timestamp
	// that was long expired at the highest time seen.
	now = start.AddDate(-1, 0, 0)
	r.next()
	r.stamp.Signed.Expires = start.Add(24 * time.Hour)
	r.publish()
	refused(t, client(t, o), feed.ErrExpired)

	r.next()
	r.stamp.Signed.Expires = start.Add(8 * 24 * time.Hour)
	r.snap.Signed.Expires = r.stamp.Signed.Expires
	r.publish()
	if got := check(t, client(t, o)).At; !got.Equal(start.Add(6 * 24 * time.Hour)) {
		t.Fatalf("time went to %v", got)
	}
}

func TestClockSetForwardHeals(t *testing.T) {
	r := published(t)
	now := start.AddDate(1, 0, 0)
	o := r.options()
	o.Now = func() time.Time { return now }
	c := client(t, o)
	refused(t, c, feed.ErrExpired)
	now = start
	if got := check(t, c).At; !got.Equal(start) {
		t.Fatalf("the wrong time was kept: %v", got)
	}
}

func TestRootRotation(t *testing.T) {
	r := published(t)
	o := r.options()
	c := client(t, o)
	check(t, c)

	r.rotate(metadata.ROOT)
	r.rotate(metadata.TIMESTAMP)
	r.next()
	r.publish()
	check(t, c)
	r.asked()
	check(t, c)
	if got := r.asked(); !slices.Equal(got, []string{"4.root.json", "timestamp.json"}) {
		t.Fatalf("the chain of roots was not kept: asked for %v", got)
	}

	t.Run("another client of the same folder goes on from the newest", func(t *testing.T) {
		check(t, client(t, o))
		if got := r.asked(); got[0] != "4.root.json" {
			t.Fatalf("asked for %v", got)
		}
	})
	t.Run("a damaged chain is fetched again", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(o.Dir, "roots", "2.root.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, c)
		if got := r.asked(); got[0] != "2.root.json" {
			t.Fatalf("asked for %v", got)
		}
	})
	t.Run("the revoked key is worth nothing", func(t *testing.T) {
		key, _ := newKey(t)
		r.keys[metadata.TIMESTAMP] = append(r.keys[metadata.TIMESTAMP][:0], key)
		r.next()
		r.publish()
		refused(t, c, feed.ErrSignature)
	})
}

func TestRootOfAStranger(t *testing.T) {
	r := published(t)
	o := r.options()
	stranger := published(t)
	stranger.rotate(metadata.ROOT)
	r.put("2.root.json", stranger.get("2.root.json"))
	refused(t, client(t, o), feed.ErrSignature)
	r.mu.Lock()
	delete(r.files, "2.root.json")
	r.mu.Unlock()
	check(t, client(t, o))
}

// A feed made anew, as in development, must not be shadowed by what is cached
// from the one before.
func TestAnotherTrustRootStartsAnew(t *testing.T) {
	before, after := published(t), newRepository(t)
	o := before.options()
	before.rotate(metadata.ROOT)
	before.next()
	before.publish()
	check(t, client(t, o))

	after.add("3.0.0", release.Stable)
	after.publish()
	o.Root, o.URL = after.trustRoot(), after.server.URL+"/feed/"
	if got := versions(check(t, client(t, o))); !slices.Equal(got, []string{"3.0.0"}) {
		t.Fatalf("got %v", got)
	}
}

func TestDamagedCacheHeals(t *testing.T) {
	r := published(t)
	o := r.options()
	check(t, client(t, o))
	entries, err := os.ReadDir(filepath.Join(o.Dir, "metadata"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 4 {
		t.Fatalf("%d files in the cache", len(entries))
	}
	for _, garbage := range []string{"", "{", "\x00\x00\x00", `{"signed":{}}`} {
		for _, e := range entries {
			if err := os.WriteFile(filepath.Join(o.Dir, "metadata", e.Name()), []byte(garbage), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(o.Dir, "time.json"), []byte(garbage), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := check(t, client(t, o)); len(got.Releases) != 1 {
			t.Fatalf("after %q: %+v", garbage, got)
		}
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	r := published(t)
	o := r.options()
	check(t, client(t, o))
	old := time.Now().Add(-2 * time.Hour)
	for _, name := range []string{"metadata/.durable-1.tmp", "metadata/.durable-2.tmp", "roots/.durable-1.tmp"} {
		name = filepath.Join(o.Dir, name)
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "2.tmp") {
			continue // another process is at it
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	check(t, client(t, o))
	for name, want := range map[string]bool{"metadata/.durable-1.tmp": false, "metadata/.durable-2.tmp": true, "roots/.durable-1.tmp": false} {
		if _, err := os.Stat(filepath.Join(o.Dir, name)); (err == nil) != want {
			t.Errorf("%s: should be there: %v", name, want)
		}
	}
}

// FuzzAnswers replaces one file of a good feed by anything at all.
func FuzzAnswers(f *testing.F) {
	r := published(f)
	o := r.options()
	o.Client = &http.Client{Transport: direct{r}}
	names := []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json", "1.notes-releases.json"}
	good := r.state()
	for i, name := range names {
		f.Add(uint8(i), good[name])
	}
	f.Add(uint8(1), []byte(`{"signed":{"_type":"timestamp","meta":{"snapshot.json":null}},"signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		name := names[int(which)%len(names)]
		files := maps.Clone(good)
		files[name] = data
		r.restore(files)
		o := o
		o.Dir = t.TempDir()
		res, err := client(t, o).Check(context.Background())
		if err == nil && len(res.Releases) != 1 {
			t.Fatalf("%s as %q gives %+v", name, data, res)
		}
	})
}

// direct answers requests without a network, which fuzzing has no time for.
type direct struct{ r *repository }

func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.r.serve(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func TestDelegations(t *testing.T) {
	role := release.Role(app)
	for name, change := range map[string]func(r *repository){
		"none": func(r *repository) { r.top.Signed.Delegations = nil },
		"to another app": func(r *repository) {
			r.top.Signed.Delegations.Roles[0].Name = "other-releases"
		},
		"twice": func(r *repository) {
			d := r.top.Signed.Delegations
			d.Roles = append(d.Roles, d.Roles[0])
		},
		"from a second parent": func(r *repository) {
			r.role.Signed.Delegations = r.top.Signed.Delegations
		},
		"to a path": func(r *repository) {
			second := r.top.Signed.Delegations.Roles[0]
			second.Name = "../../x"
			r.top.Signed.Delegations.Roles = append(r.top.Signed.Delegations.Roles, second)
		},
		"to a top-level role": func(r *repository) {
			second := r.top.Signed.Delegations.Roles[0]
			second.Name = metadata.SNAPSHOT
			r.top.Signed.Delegations.Roles = append(r.top.Signed.Delegations.Roles, second)
		},
		"threshold not met": func(r *repository) {
			d := r.top.Signed.Delegations
			_, public := newKey(r.t)
			id := keyID(r.t, public)
			d.Keys[id] = public
			d.Roles[0].KeyIDs = append(d.Roles[0].KeyIDs, id)
			d.Roles[0].Threshold = 2
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			r.add("1.0.0", release.Stable)
			change(r)
			r.publish()
			refused(t, client(t, r.options()), feed.ErrSignature)
		})
	}
	t.Run("the same key counts once", func(t *testing.T) {
		r := newRepository(t)
		r.top.Signed.Delegations.Roles[0].Threshold = 2
		r.keys[role] = append(r.keys[role], r.keys[role][0])
		r.publish()
		refused(t, client(t, r.options()), feed.ErrMalformed)
	})
}

// What one target says must neither escape its role nor hide the others.
func TestSkipsTargets(t *testing.T) {
	r := newRepository(t)
	r.add("1.0.0", release.Stable)
	var custom json.RawMessage
	for _, target := range r.role.Signed.Targets {
		custom = *target.Custom
	}
	platform := release.Current().String()
	for i, name := range []string{
		"other/stable/" + platform + "/1.0.0",       // another app's
		app + "/stable/" + platform + "/1.0.1/more", // not within the role's paths
		app + "/edge/" + platform + "/1.0.2",        // no such channel
		app + "/stable/" + platform + "/one",        // no version
	} {
		r.target(name, custom)
		if got := len(r.role.Signed.Targets); got != i+2 {
			t.Fatalf("%d targets", got)
		}
	}
	r.target(app+"/stable/"+platform+"/9.0.0", json.RawMessage(`{"schema":9}`))
	r.target(app+"/stable/"+platform+"/9.0.1", json.RawMessage(strings.Replace(string(custom), "artifacts/", "../", 1)))
	r.publish()
	res := check(t, client(t, r.options()))
	if got := versions(res); !slices.Equal(got, []string{"1.0.0"}) || res.Skipped != 6 {
		t.Fatalf("got %v, skipped %d", got, res.Skipped)
	}
}

// A length in signed metadata is a claim, not a budget.
func TestClaimedLengths(t *testing.T) {
	for _, length := range []int64{1 << 60, -1, 1} {
		t.Run(fmt.Sprint(length), func(t *testing.T) {
			r := newRepository(t)
			r.snap.Signed.Meta["targets.json"].Length = length
			r.publish()
			c := client(t, r.options())
			if length == 1<<60 {
				refused(t, c, feed.ErrSignature)
				return
			}
			refused(t, c, feed.ErrMalformed)
		})
	}
}

// Metadata without the entry that it must have makes the library panic.
func TestMissingEntries(t *testing.T) {
	r := newRepository(t)
	r.publish()
	r.stamp.Signed.Meta = map[string]*metadata.MetaFiles{}
	r.put("timestamp.json", sign(t, r.stamp, r.keys[metadata.TIMESTAMP]))
	refused(t, client(t, r.options()), feed.ErrMalformed)
}
