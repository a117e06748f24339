package feed_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const app = "notes"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// repository is a feed in memory behind a real server. Its fields are the state
// that a publisher would hold; publish signs them and puts them up.
type repository struct {
	t     testing.TB
	keys  map[string][]ed25519.PrivateKey
	root  *metadata.Metadata[metadata.RootType]
	top   *metadata.Metadata[metadata.TargetsType]
	role  *metadata.Metadata[metadata.TargetsType]
	roll  *metadata.Metadata[metadata.TargetsType] // nil: a feed from before there were rollouts
	snap  *metadata.Metadata[metadata.SnapshotType]
	stamp *metadata.Metadata[metadata.TimestampType]

	mu       sync.Mutex
	files    map[string][]byte
	answer   func(w http.ResponseWriter, r *http.Request) bool // true: it has answered
	requests []string
	server   *httptest.Server
}

func newRepository(t testing.TB) *repository {
	expires := start.Add(7 * 24 * time.Hour)
	r := &repository{
		t: t, files: map[string][]byte{}, keys: map[string][]ed25519.PrivateKey{},
		root: metadata.Root(expires), top: metadata.Targets(expires), role: metadata.Targets(expires),
		snap: metadata.Snapshot(expires), stamp: metadata.Timestamp(expires),
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		r.addKey(role)
	}
	r.top.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	r.delegate(release.Role(app), app+"/*/*/*", release.FloorPath(app))
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	return r
}

// delegate makes a role of targets with a key of its own.
func (r *repository) delegate(role string, paths ...string) {
	r.t.Helper()
	key, public := newKey(r.t)
	r.keys[role] = []ed25519.PrivateKey{key}
	id := keyID(r.t, public)
	d := r.top.Signed.Delegations
	d.Keys[id] = public
	d.Roles = append(d.Roles, metadata.DelegatedRole{
		Name: role, KeyIDs: []string{id}, Threshold: 1, Terminating: true, Paths: paths,
	})
	r.snap.Signed.Meta[role+".json"] = metadata.MetaFile(1)
}

// withRollouts adds the app's online role.
func (r *repository) withRollouts() *repository {
	r.roll = metadata.Targets(r.role.Signed.Expires)
	r.delegate(release.RolloutRole(app), app+"/rollout/*")
	return r
}

// rollout puts a rollout of a channel into its role without signing anything.
func (r *repository) rollout(name string, custom json.RawMessage) {
	nothing := sha256.Sum256(nil)
	r.roll.Signed.Targets[name] = &metadata.TargetFiles{Hashes: metadata.Hashes{"sha256": nothing[:]}, Custom: &custom, Path: name}
}

func newKey(t testing.TB) (ed25519.PrivateKey, *metadata.Key) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := metadata.KeyFromPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return private, key
}

func keyID(t testing.TB, key *metadata.Key) string {
	t.Helper()
	id, err := key.ID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// addKey gives a top-level role a new key beside those it has.
func (r *repository) addKey(role string) {
	r.t.Helper()
	private, public := newKey(r.t)
	if err := r.root.Signed.AddKey(public, role); err != nil {
		r.t.Fatal(err)
	}
	r.keys[role] = append(r.keys[role], private)
}

// rotate replaces a top-level role's key. The new root is signed by both the
// old and the new root keys.
func (r *repository) rotate(role string) {
	r.t.Helper()
	old := r.root.Signed.Roles[role].KeyIDs[0]
	r.addKey(role)
	if err := r.root.Signed.RevokeKey(old, role); err != nil {
		r.t.Fatal(err)
	}
	r.root.Signed.Version++
	r.put(fmt.Sprintf("%d.root.json", r.root.Signed.Version), sign(r.t, r.root, r.keys[metadata.ROOT]))
	r.keys[role] = r.keys[role][1:]
}

func sign[T metadata.Roles](t testing.TB, m *metadata.Metadata[T], keys []ed25519.PrivateKey) []byte {
	t.Helper()
	m.ClearSignatures()
	for _, key := range keys {
		signer, err := signature.LoadED25519Signer(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Sign(signer); err != nil {
			t.Fatal(err)
		}
	}
	data, err := m.ToBytes(false)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// trustRoot is root 1 as an app would build it in.
func (r *repository) trustRoot() []byte { return sign(r.t, r.root, r.keys[metadata.ROOT]) }

// add puts a release into the role without signing anything.
func (r *repository) add(version string, channel release.Channel) {
	r.t.Helper()
	v, err := release.ParseVersion(version)
	if err != nil {
		r.t.Fatal(err)
	}
	sum := release.Digest{1}
	rel := release.Release{
		App: app, Version: v, Channel: channel, Platform: release.Current(), Length: 10, SHA256: sum,
		Full:      release.Blob{Path: release.ArtifactPath(sum), Length: 5, SHA256: release.Digest{2}},
		Published: start,
	}
	custom, err := release.Encode(rel)
	if err != nil {
		r.t.Fatal(err)
	}
	r.target(rel.TargetPath(), custom)
}

func (r *repository) target(name string, custom json.RawMessage) {
	sum := release.Digest{1}
	r.role.Signed.Targets[name] = &metadata.TargetFiles{
		Length: 10, Hashes: metadata.Hashes{"sha256": sum[:]}, Custom: &custom, Path: name,
	}
}

// next raises the version of everything below root.
func (r *repository) next() {
	r.role.Signed.Version++
	if r.roll != nil {
		r.roll.Signed.Version++
	}
	r.top.Signed.Version++
	r.snap.Signed.Version++
	r.stamp.Signed.Version++
}

// publish signs everything below root and puts it up.
func (r *repository) publish() {
	r.t.Helper()
	role := release.Role(app)
	r.snap.Signed.Meta[role+".json"].Version = r.role.Signed.Version
	r.snap.Signed.Meta["targets.json"].Version = r.top.Signed.Version
	r.stamp.Signed.Meta["snapshot.json"].Version = r.snap.Signed.Version
	r.put(fmt.Sprintf("%d.%s.json", r.role.Signed.Version, role), sign(r.t, r.role, r.keys[role]))
	if role := release.RolloutRole(app); r.roll != nil {
		r.snap.Signed.Meta[role+".json"].Version = r.roll.Signed.Version
		r.put(fmt.Sprintf("%d.%s.json", r.roll.Signed.Version, role), sign(r.t, r.roll, r.keys[role]))
	}
	r.put(fmt.Sprintf("%d.targets.json", r.top.Signed.Version), sign(r.t, r.top, r.keys[metadata.TARGETS]))
	r.put(fmt.Sprintf("%d.snapshot.json", r.snap.Signed.Version), sign(r.t, r.snap, r.keys[metadata.SNAPSHOT]))
	r.put("timestamp.json", sign(r.t, r.stamp, r.keys[metadata.TIMESTAMP]))
}

func (r *repository) put(name string, data []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files[name] = data
}

func (r *repository) get(name string) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.files[name]
}

// state and restore let a test serve an older feed again.
func (r *repository) state() map[string][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.files)
}

func (r *repository) restore(files map[string][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = files
}

// intercept answers some requests otherwise; nil ends it.
func (r *repository) intercept(answer func(w http.ResponseWriter, req *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// asked returns the files asked for since the last call.
func (r *repository) asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := r.requests
	r.requests = nil
	return names
}

func (r *repository) serve(w http.ResponseWriter, req *http.Request) {
	name, ok := strings.CutPrefix(req.URL.Path, "/feed/metadata/")
	r.mu.Lock()
	answer, data, found := r.answer, r.files[name], false
	if ok {
		data, found = r.files[name]
	} else {
		name = strings.TrimPrefix(req.URL.Path, "/")
	}
	r.requests = append(r.requests, name)
	r.mu.Unlock()
	if answer != nil && answer(w, req) {
		return
	}
	if name == "v1/check" {
		r.serveCheck(w, req)
		return
	}
	if !found {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

// options are those of a client that trusts the repository as it is now.
func (r *repository) options() feed.Options {
	return feed.Options{
		URL: r.server.URL + "/feed", Root: r.trustRoot(), Dir: r.t.TempDir() + "/state", App: app,
		Now: func() time.Time { return start },
	}
}

// checking are options of a client that asks the check endpoint first.
func (r *repository) checking() feed.Options {
	o := r.options()
	o.CheckURL = r.server.URL + "/v1/check"
	return o
}

// serveCheck is a check endpoint in the hands of an attacker, who cares little what
// the client has: everything that is there is sent, save roots that it has.
func (r *repository) serveCheck(w http.ResponseWriter, req *http.Request) {
	var ask struct {
		App  string
		Have map[string]int
	}
	if err := json.NewDecoder(req.Body).Decode(&ask); err != nil || ask.App != app {
		http.Error(w, "not a check", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var files []string
	for name, data := range r.files {
		number, isRoot := strings.CutSuffix(name, ".root.json")
		if version, err := strconv.Atoi(number); isRoot && err == nil && version <= ask.Have["root"] {
			continue
		}
		files = append(files, fmt.Sprintf("%q:%s", name, data))
	}
	fmt.Fprintf(w, `{"next":18000,"files":{%s}}`, strings.Join(files, ","))
}
