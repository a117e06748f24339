package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// TestMain lets the test binary be the command under test.
func TestMain(m *testing.M) {
	if os.Getenv("CONFORMANCE_CLIENT") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// key is a pair of one of the kinds that the specification names.
type key struct {
	signer signature.Signer
	public *metadata.Key
	id     string
}

func newKey(t testing.TB, kind string) key {
	t.Helper()
	var signer signature.Signer
	var public crypto.PublicKey
	switch kind {
	case "rsa":
		k := must(rsa.GenerateKey(rand.Reader, 2048))(t)
		signer, public = must(signature.LoadRSAPSSSigner(k, crypto.SHA256, &rsa.PSSOptions{Hash: crypto.SHA256}))(t), k.Public()
	case "ecdsa":
		k := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
		signer, public = must(signature.LoadECDSASigner(k, crypto.SHA256))(t), k.Public()
	default:
		_, k, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		signer, public = must(signature.LoadED25519Signer(k))(t), k.Public()
	}
	k := must(metadata.KeyFromPublicKey(public))(t)
	return key{signer, k, must(k.ID())(t)}
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// simulator is a repository of any shape, in memory, behind a real server.
type simulator struct {
	t     testing.TB
	root  *metadata.Metadata[metadata.RootType]
	stamp *metadata.Metadata[metadata.TimestampType]
	snap  *metadata.Metadata[metadata.SnapshotType]
	roles map[string]*metadata.Metadata[metadata.TargetsType] // targets and all below it
	keys  map[string][]key
	server,
	metadataDir, targetDir string
	now time.Time // zero: the real one

	mu       sync.Mutex
	files    map[string][]byte // by path below the server
	requests []string
}

func newSimulator(t testing.TB) *simulator {
	t.Helper()
	until := time.Now().UTC().Add(30 * 24 * time.Hour).Truncate(time.Second)
	s := &simulator{
		t: t, root: metadata.Root(until), stamp: metadata.Timestamp(until), snap: metadata.Snapshot(until),
		roles: map[string]*metadata.Metadata[metadata.TargetsType]{metadata.TARGETS: metadata.Targets(until)},
		keys:  map[string][]key{}, files: map[string][]byte{},
		metadataDir: t.TempDir(), targetDir: t.TempDir(),
	}
	for _, role := range metadata.TOP_LEVEL_ROLE_NAMES {
		s.addKey(role, newKey(t, "ecdsa"))
	}
	s.publish("root", "targets", "snapshot", "timestamp")
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	s.server = server.URL
	return s
}

// ready is a simulator whose client trusts its first root.
func ready(t testing.TB) *simulator {
	t.Helper()
	s := newSimulator(t)
	s.init()
	return s
}

func (s *simulator) init() {
	s.t.Helper()
	file := filepath.Join(s.t.TempDir(), "root.json")
	if err := os.WriteFile(file, s.files["metadata/1.root.json"], 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.run(true, "--metadata-dir", s.metadataDir, "init", file)
}

func (s *simulator) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	s.mu.Lock()
	data, ok := s.files[name]
	s.requests = append(s.requests, name)
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data)
}

// asked are the requests since the last call, without the folder of metadata.
func (s *simulator) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.requests
	s.requests = nil
	for i := range asked {
		asked[i] = strings.TrimPrefix(asked[i], "metadata/")
	}
	return asked
}

func (s *simulator) addKey(role string, k key) {
	s.t.Helper()
	if err := s.root.Signed.AddKey(k.public, role); err != nil {
		s.t.Fatal(err)
	}
	s.keys[role] = append(s.keys[role], k)
}

// rotate gives a top-level role one new key in the place of all others.
func (s *simulator) rotate(role string) {
	s.root.Signed.Roles[role].KeyIDs, s.keys[role] = nil, nil
	s.addKey(role, newKey(s.t, "ecdsa"))
}

// delegate adds a role with a key of its own below another.
func (s *simulator) delegate(parent, role string, terminating bool, paths ...string) {
	s.t.Helper()
	up := s.roles[parent]
	if up.Signed.Delegations == nil {
		up.Signed.Delegations = &metadata.Delegations{Keys: map[string]*metadata.Key{}}
	}
	k := newKey(s.t, "ecdsa")
	d := up.Signed.Delegations
	d.Keys[k.id] = k.public
	d.Roles = append(d.Roles, metadata.DelegatedRole{Name: role, KeyIDs: []string{k.id}, Threshold: 1, Terminating: terminating, Paths: paths})
	s.keys[role] = append(s.keys[role], k)
	if s.roles[role] == nil {
		s.roles[role] = metadata.Targets(s.stamp.Signed.Expires)
		s.roles[role].Signed.Version = 0 // publish makes it 1
	}
}

// add puts a target into a role, and its content on the server.
func (s *simulator) add(role, name, content string, hashes ...string) {
	s.t.Helper()
	target := must(metadata.TargetFile().FromBytes(name, []byte(content), hashes...))(s.t)
	s.roles[role].Signed.Targets[name] = target
	s.put(name, content)
}

// put changes what the server gives for a target, under all names it may be asked by.
func (s *simulator) put(name, content string) {
	for _, role := range s.roles {
		target := role.Signed.Targets[name]
		if target == nil {
			continue
		}
		for _, hash := range target.Hashes {
			dir, base := "", name
			if i := strings.LastIndex(name, "/"); i >= 0 {
				dir, base = name[:i+1], name[i+1:]
			}
			s.files["targets/"+dir+hex.EncodeToString(hash)+"."+url.PathEscape(base)] = []byte(content)
		}
	}
}

// publish signs roles at their next version and names them in what is above them.
func (s *simulator) publish(roles ...string) {
	s.t.Helper()
	for _, role := range roles {
		keys := s.keys[role]
		switch role {
		case "root":
			if s.files["metadata/1.root.json"] != nil {
				s.root.Signed.Version++
			}
			s.file(role, s.root.Signed.Version, sign(s.t, s.root, keys))
		case "timestamp":
			if s.files["metadata/timestamp.json"] != nil {
				s.stamp.Signed.Version++
			}
			s.files["metadata/timestamp.json"] = sign(s.t, s.stamp, keys)
		case "snapshot":
			if s.files["metadata/1.snapshot.json"] != nil {
				s.snap.Signed.Version++
			}
			s.file(role, s.snap.Signed.Version, sign(s.t, s.snap, keys))
			s.stamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(s.snap.Signed.Version)
		default:
			md := s.roles[role]
			if role != "targets" || s.files["metadata/1.targets.json"] != nil {
				md.Signed.Version++
			}
			s.file(url.PathEscape(role), md.Signed.Version, sign(s.t, md, keys))
			s.snap.Signed.Meta[role+".json"] = metadata.MetaFile(md.Signed.Version)
		}
	}
}

func (s *simulator) file(role string, version int64, data []byte) {
	s.files["metadata/"+strconv.FormatInt(version, 10)+"."+role+".json"] = data
}

// edit changes a published file.
func (s *simulator) edit(name string, change func([]byte) []byte) {
	s.files["metadata/"+name] = change(s.files["metadata/"+name])
}

func sign[T metadata.Roles](t testing.TB, md *metadata.Metadata[T], keys []key) []byte {
	t.Helper()
	md.ClearSignatures()
	for _, k := range keys {
		if _, err := md.Sign(k.signer); err != nil {
			t.Fatal(err)
		}
	}
	return must(md.ToBytes(false))(t)
}

// run runs the command and tells whether its exit code is what it must be.
func (s *simulator) run(success bool, args ...string) {
	s.t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CONFORMANCE_CLIENT=1", "FAKETIME=")
	if !s.now.IsZero() {
		cmd.Env = append(cmd.Env, "FAKETIME=1", "PATH="+s.fakeDate())
	}
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); success != (err == nil) || code > 1 || code < 0 {
		s.t.Fatalf("%v: exit code %d\n%s", args, code, out)
	}
}

// fakeDate is a folder with a date command that says what the test wants.
func (s *simulator) fakeDate() string {
	dir := s.t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho %d\n", s.now.Unix())
	if err := os.WriteFile(filepath.Join(dir, "date"), []byte(script), 0o700); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

func (s *simulator) refresh(success bool) {
	s.t.Helper()
	s.run(success, "--metadata-url", s.server+"/metadata/", "--metadata-dir", s.metadataDir, "refresh")
}

func (s *simulator) download(success bool, names ...string) {
	s.t.Helper()
	args := []string{"--metadata-url", s.server + "/metadata/", "--metadata-dir", s.metadataDir}
	for _, name := range names {
		args = append(args, "--target-name", name)
	}
	s.run(success, append(args, "--target-dir", s.targetDir, "--target-base-url", s.server+"/targets/", "download")...)
}

// trusted is what the metadata folder holds, such as "root 1, timestamp 1".
func (s *simulator) trusted() string {
	s.t.Helper()
	var all []string
	for _, e := range must(os.ReadDir(s.metadataDir))(s.t) {
		data := must(os.ReadFile(filepath.Join(s.metadataDir, e.Name())))(s.t)
		_, after, _ := bytes.Cut(data, []byte(`"version":`))
		if i := bytes.LastIndex(data, []byte(`"version":`)); strings.HasPrefix(e.Name(), "timestamp") || strings.HasPrefix(e.Name(), "snapshot") {
			after = data[i+len(`"version":`):] // those before are in meta
		}
		digits := bytes.IndexFunc(after, func(r rune) bool { return r < '0' || r > '9' })
		all = append(all, strings.TrimSuffix(e.Name(), ".json")+" "+string(after[:digits]))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// downloaded are the contents of the folder of targets, sorted.
func (s *simulator) downloaded() []string {
	s.t.Helper()
	contents := []string{}
	for _, e := range must(os.ReadDir(s.targetDir))(s.t) {
		contents = append(contents, string(must(os.ReadFile(filepath.Join(s.targetDir, e.Name())))(s.t)))
	}
	slices.Sort(contents)
	return contents
}
