package repository_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// split is a feed whose server holds the online keys, and a publisher with a copy of its metadata and the others.
func split(t testing.TB) (server, publisher *repository.Repository, online, offline repository.Keys, all ring) {
	t.Helper()
	all = newRing(t, allRoles...)
	server, dir, _ := create(t, all.keys)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	publisher, err := repository.Open(repository.Options{Dir: copied, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	online = only(all.keys, "snapshot", "timestamp", release.RolloutRole(app))
	offline = only(all.keys, "root", "targets", release.Role(app))
	return server, publisher, online, offline, all
}

func prepare(t testing.TB, publisher *repository.Repository, keys repository.Keys, rel release.Release) []byte {
	t.Helper()
	document, known, err := publisher.Prepare(context.Background(), rel, keys)
	if err != nil || known {
		t.Fatalf("prepare: %v %v", known, err)
	}
	return document
}

func TestPropose(t *testing.T) {
	server, publisher, online, offline, _ := split(t)
	document := prepare(t, publisher, offline, rel(t, "1.0.0", release.Stable, 1))
	proposal := repository.Document{App: app, Bytes: document}
	before := versions(t, server)
	looked, err := server.Examine(proposal)
	if err != nil || len(looked.Added) != 1 || looked.Already || versions(t, server) != before {
		t.Fatalf("examined %+v, %v", looked, err)
	}
	done, err := server.Propose(context.Background(), proposal, online)
	if err != nil || done.Version != 2 || len(done.Added) != 1 || done.Added[0].TargetPath() != "notes/stable/linux-amd64/1.0.0" {
		t.Fatalf("proposed %+v, %v", done, err)
	}
	if got := published(t, server); len(got) != 1 {
		t.Fatalf("published %v", got)
	}
	again, err := server.Propose(context.Background(), proposal, online)
	if err != nil || !again.Already {
		t.Errorf("again: %+v, %v", again, err)
	}
	if got := versions(t, server); got != "1 1 2 2 2" {
		t.Errorf("versions %s", got)
	}
	// The publisher did not hear of it and prepares upon what it has.
	stale := repository.Document{App: app, Bytes: prepare(t, publisher, offline, rel(t, "1.0.1", release.Stable, 9))}
	if _, err := server.Propose(context.Background(), stale, online); !errors.Is(err, repository.ErrStale) {
		t.Errorf("a stale one: %v", err)
	}
	if _, known, err := server.Prepare(context.Background(), rel(t, "1.0.0", release.Stable, 1), offline); err != nil || !known {
		t.Errorf("prepared what is there: %v %v", known, err)
	}
	if _, _, err := server.Prepare(context.Background(), rel(t, "1.0.0", release.Stable, 2), offline); !errors.Is(err, vcm.ErrConflict) {
		t.Errorf("prepared other bytes: %v", err)
	}
	if _, _, err := server.Prepare(context.Background(), rel(t, "1.2.0", release.Stable, 2), online); !errors.Is(err, repository.ErrUnsigned) {
		t.Errorf("prepared without a key: %v", err)
	}
}

// The bytes that clients get are those that were signed, whatever their spaces.
func TestProposedBytesStay(t *testing.T) {
	server, publisher, online, offline, _ := split(t)
	document := prepare(t, publisher, offline, rel(t, "1.0.0", release.Stable, 1))
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, document, "", "   "); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Propose(context.Background(), repository.Document{App: app, Bytes: pretty.Bytes()}, online); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(server.Dir(), "feed/metadata/2.notes-releases.json"))
	if err != nil || !bytes.Equal(got, pretty.Bytes()) {
		t.Errorf("the document was changed, %v", err)
	}
	if got := published(t, server); len(got) != 1 {
		t.Errorf("published %v", got)
	}
}

func TestProposalsThatAreRefused(t *testing.T) {
	type edit = func(m *metadata.TargetsType)
	target := func(name string, content byte) edit {
		return func(m *metadata.TargetsType) {
			one := rel(t, "1.5.0", release.Stable, content)
			custom, err := release.Encode(one)
			if err != nil {
				t.Fatal(err)
			}
			m.Targets[name] = &metadata.TargetFiles{Length: one.Length, Hashes: metadata.Hashes{"sha256": one.SHA256[:]}, Custom: &custom}
		}
	}
	const first, second = "notes/stable/linux-amd64/1.0.0", "notes/stable/linux-amd64/1.5.0"
	for name, c := range map[string]struct {
		edit     edit
		want     error
		removals bool
		fine     bool
	}{
		"an addition":           {edit: target(second, 7), fine: true},
		"a version too many":    {edit: func(m *metadata.TargetsType) { m.Version++ }, want: repository.ErrStale},
		"a version too few":     {edit: func(m *metadata.TargetsType) { m.Version -= 2 }, want: repository.ErrStale},
		"already expired":       {edit: func(m *metadata.TargetsType) { m.Expires = start }, want: repository.ErrRefused},
		"less than before":      {edit: func(m *metadata.TargetsType) { delete(m.Targets, first) }, want: repository.ErrRefused},
		"less, as allowed":      {edit: func(m *metadata.TargetsType) { delete(m.Targets, first) }, removals: true, fine: true},
		"other bytes":           {edit: target(first, 9), want: repository.ErrRefused},
		"other bytes, allowed":  {edit: target(first, 9), removals: true, fine: true},
		"other bytes elsewhere": {edit: target("notes/beta/linux-amd64/1.0.0", 9), want: vcm.ErrConflict},
		"older":                 {edit: target("notes/stable/linux-amd64/0.9.0", 9), want: vcm.ErrOlder},
		"another app's name":    {edit: target("other/stable/linux-amd64/1.5.0", 7), want: repository.ErrRefused},
		"another depth":         {edit: target("notes/1.5.0", 7), want: repository.ErrRefused},
		"a rollout":             {edit: target("notes/rollout/stable", 7), want: repository.ErrRefused},
		"no version at all":     {edit: target("notes/stable/linux-amd64/latest", 7), want: repository.ErrRefused},
		"a floor of negative length": {edit: func(m *metadata.TargetsType) {
			custom, err := release.EncodeFloor(rel(t, "1.0.0", release.Stable, 1).Version)
			if err != nil {
				t.Fatal(err)
			}
			m.Targets[release.FloorPath(app)] = &metadata.TargetFiles{Length: -1, Hashes: metadata.Hashes{"sha256": make([]byte, 32)}, Custom: &custom}
		}, want: repository.ErrRefused},
		"another TUF":   {edit: func(m *metadata.TargetsType) { m.SpecVersion = "2.0.0" }, want: repository.ErrRefused},
		"nothing in it": {edit: func(m *metadata.TargetsType) { m.Targets[second] = &metadata.TargetFiles{} }, want: repository.ErrRefused},
		"a delegation": {edit: func(m *metadata.TargetsType) {
			m.Delegations = &metadata.Delegations{Roles: []metadata.DelegatedRole{{Name: "more"}}}
		}, want: repository.ErrRefused},
		"a floor": {edit: func(m *metadata.TargetsType) {
			custom, err := release.EncodeFloor(rel(t, "1.0.0", release.Stable, 1).Version)
			if err != nil {
				t.Fatal(err)
			}
			m.Targets[release.FloorPath(app)] = &metadata.TargetFiles{Hashes: metadata.Hashes{"sha256": make([]byte, 32)}, Custom: &custom}
		}, fine: true},
		"a floor that cannot be read": {edit: func(m *metadata.TargetsType) {
			custom := json.RawMessage(`{"schema":1,"floor":""}`)
			m.Targets[release.FloorPath(app)] = &metadata.TargetFiles{Hashes: metadata.Hashes{"sha256": make([]byte, 32)}, Custom: &custom}
		}, want: repository.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			server, _, online, offline, all := split(t)
			if _, err := server.Add(context.Background(), rel(t, "1.0.0", release.Stable, 1), all.keys); err != nil {
				t.Fatal(err)
			}
			m, err := metadata.Targets().FromBytes(prepare(t, server, offline, rel(t, "1.4.0", release.Stable, 4)))
			if err != nil {
				t.Fatal(err)
			}
			delete(m.Signed.Targets, "notes/stable/linux-amd64/1.4.0")
			c.edit(&m.Signed)
			proposal := repository.Document{App: app, Bytes: resign(t, m, all[release.Role(app)]), Removals: c.removals}
			before := versions(t, server)
			done, err := server.Propose(context.Background(), proposal, online)
			if c.fine {
				if err != nil || done.Version != 3 {
					t.Errorf("got %+v, %v", done, err)
				}
				return
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := versions(t, server); got != before {
				t.Errorf("versions went from %s to %s", before, got)
			}
		})
	}
}

func TestProposalsOfStrangers(t *testing.T) {
	server, publisher, online, offline, all := split(t)
	document := prepare(t, publisher, offline, rel(t, "1.0.0", release.Stable, 1))
	m, err := metadata.Targets().FromBytes(document)
	if err != nil {
		t.Fatal(err)
	}
	stranger := newRing(t, "x")
	for name, data := range map[string][]byte{
		"a stranger's":       resign(t, m, stranger["x"]),
		"another role's":     resign(t, m, all["targets"]),
		"nobody's":           resign(t, m, nil),
		"changed afterwards": bytes.Replace(document, []byte(`"version":2`), []byte(`"version":3`), 1),
	} {
		if _, err := server.Propose(context.Background(), repository.Document{App: app, Bytes: data}, online); !errors.Is(err, repository.ErrUnsigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, data := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "a root": `{"signed":{"_type":"root"},"signatures":[]}`,
		"nothing signed": `{"signed":{"_type":"targets"},"signatures":[]}`, "null target": `{"signed":{"_type":"targets","targets":{"x":null}},"signatures":[]}`,
	} {
		if _, err := server.Propose(context.Background(), repository.Document{App: app, Bytes: []byte(data)}, online); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := server.Propose(context.Background(), repository.Document{App: "other", Bytes: document}, online); err == nil {
		t.Error("accepted for an app that the feed does not carry")
	}
	if _, err := server.Propose(context.Background(), repository.Document{App: app, Bytes: document}, offline); err == nil {
		t.Error("published without the online keys")
	}
	if got := versions(t, server); got != "1 1 1 1 1" {
		t.Errorf("versions %s", got)
	}
}

func resign(t testing.TB, m *metadata.Metadata[metadata.TargetsType], keys []crypto.Signer) []byte {
	t.Helper()
	m.ClearSignatures()
	for _, key := range keys {
		s, err := signature.LoadED25519Signer(key.(ed25519.PrivateKey))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Sign(s); err != nil {
			t.Fatal(err)
		}
	}
	data, err := m.ToBytes(false)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
