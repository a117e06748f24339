package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

var everything = []string{"root", "targets", "snapshot", "timestamp"}

const all1 = "root 1, snapshot 1, targets 1, timestamp 1"

func TestRefresh(t *testing.T) {
	s := ready(t)
	s.refresh(true)
	if got := s.asked(); !slices.Equal(got, []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
		t.Errorf("asked for %v", got)
	}
	if got := s.trusted(); got != all1 {
		t.Errorf("trusts %s", got)
	}
	s.edit("timestamp.json", func(b []byte) []byte { return append(b, ' ') })
	s.publish("timestamp")
	s.edit("timestamp.json", func(b []byte) []byte { return append(b, ' ') })
	s.refresh(true)
	kept := must(os.ReadFile(filepath.Join(s.metadataDir, "timestamp.json")))(t)
	if !bytes.Equal(kept, s.files["metadata/timestamp.json"]) {
		t.Error("the timestamp was not kept byte for byte")
	}
}

func TestDownloadRefreshesFirst(t *testing.T) {
	s := ready(t)
	s.download(false, "nonexistent artifact")
	if got := s.trusted(); got != all1 {
		t.Errorf("trusts %s", got)
	}
}

func TestUsage(t *testing.T) {
	s := newSimulator(t)
	for _, args := range [][]string{{}, {"init"}, {"refresh"}, {"--nonsense"}, {"--metadata-dir", s.metadataDir, "download"},
		{"--metadata-dir", s.metadataDir, "--metadata-url", s.server, "refresh"}, // before init
		{"--metadata-dir", s.metadataDir, "init", filepath.Join(s.metadataDir, "none")}} {
		s.run(false, args...)
	}
}

func TestInitialRootMustBeSound(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"without version": func(b []byte) []byte { return bytes.Replace(b, []byte(`"version":1`), []byte(`"v":1`), 1) },
		"unsigned":        func(b []byte) []byte { return bytes.Replace(b, []byte(`"sig":"30`), []byte(`"sig":"31`), 1) },
	} {
		s := newSimulator(t)
		s.edit("1.root.json", change)
		s.init()
		s.refresh(false)
		if got := s.asked(); len(got) != 0 {
			t.Errorf("%s: asked for %v", name, got)
		}
	}
}

// Each is done to a client that has seen version 1 of everything.
func TestSteps(t *testing.T) {
	swap := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	}
	past := time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Second)
	for name, c := range map[string]struct {
		does    func(s *simulator)
		success bool
		trusted string
	}{
		"root unsigned":      {func(s *simulator) { s.keys["root"] = nil; s.publish(everything...) }, false, all1},
		"timestamp unsigned": {func(s *simulator) { s.keys["timestamp"] = nil; s.publish(everything...) }, false, "root 2, snapshot 1, targets 1, timestamp 1"},
		"snapshot unsigned":  {func(s *simulator) { s.keys["snapshot"] = nil; s.publish(everything...) }, false, "root 2, snapshot 1, targets 1, timestamp 2"},
		"targets unsigned":   {func(s *simulator) { s.keys["targets"] = nil; s.publish(everything...) }, false, "root 2, snapshot 2, targets 1, timestamp 2"},

		"root of another version": {func(s *simulator) {
			s.root.Signed.Version++
			s.publish("root")
			s.files["metadata/2.root.json"] = s.files["metadata/3.root.json"]
		}, false, all1},
		"snapshot of another version": {func(s *simulator) {
			s.publish(everything[1:]...)
			s.files["metadata/2.snapshot.json"] = s.files["metadata/1.snapshot.json"]
		}, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"targets of another version": {func(s *simulator) {
			s.publish(everything[1:]...)
			s.files["metadata/2.targets.json"] = s.files["metadata/1.targets.json"]
		}, false, "root 1, snapshot 2, targets 1, timestamp 2"},
		"another timestamp of the same version": {func(s *simulator) {
			s.stamp.Signed.Meta["snapshot.json"].Version = 100
			s.files["metadata/timestamp.json"] = sign(s.t, s.stamp, s.keys["timestamp"])
		}, true, all1},
		"snapshot in the timestamp's place": {func(s *simulator) {
			s.files["metadata/timestamp.json"] = sign(s.t, s.snap, s.keys["timestamp"])
		}, false, all1},

		"timestamp missing": {func(s *simulator) { delete(s.files, "metadata/timestamp.json") }, false, all1},
		"snapshot missing": {func(s *simulator) {
			s.stamp.Signed.Meta["snapshot.json"].Version++
			s.publish("timestamp")
		}, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"targets missing": {func(s *simulator) {
			s.snap.Signed.Meta["targets.json"].Version++
			s.publish("snapshot", "timestamp")
		}, false, "root 1, snapshot 2, targets 1, timestamp 2"},

		"snapshot with a wrong hash": {func(s *simulator) {
			s.publish("snapshot")
			s.stamp.Signed.Meta["snapshot.json"].Hashes = metadata.Hashes{"sha256": make([]byte, 32)}
			s.publish("timestamp")
		}, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"targets with a wrong hash": {func(s *simulator) {
			s.publish("targets")
			s.snap.Signed.Meta["targets.json"].Hashes = metadata.Hashes{"sha256": make([]byte, 32)}
			s.publish("snapshot", "timestamp")
		}, false, "root 1, snapshot 2, targets 1, timestamp 2"},

		"root expired":      {func(s *simulator) { s.root.Signed.Expires = past; s.publish(everything...) }, false, "root 2, snapshot 1, targets 1, timestamp 1"},
		"timestamp expired": {func(s *simulator) { s.stamp.Signed.Expires = past; s.publish("timestamp") }, false, all1},
		"snapshot expired":  {func(s *simulator) { s.snap.Signed.Expires = past; s.publish("snapshot", "timestamp") }, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"targets expired":   {func(s *simulator) { s.roles["targets"].Signed.Expires = past; s.publish(everything[1:]...) }, false, "root 1, snapshot 2, targets 1, timestamp 2"},

		"fields that nobody knows": {func(s *simulator) {
			s.root.Signed.UnrecognizedFields = map[string]any{"custom-field": "value"}
			s.root.Signed.Roles["root"].UnrecognizedFields = map[string]any{"another-field": map[string]any{"a": 1}}
			s.publish("root")
		}, true, "root 2, snapshot 1, targets 1, timestamp 1"},
		"threshold beyond the keys": {func(s *simulator) {
			s.root.Signed.Roles["snapshot"].Threshold = 2
			s.publish("root", "snapshot", "timestamp")
		}, false, "root 2, targets 1, timestamp 2"},
		"one key under many names": {func(s *simulator) {
			r := s.root.Signed.Roles["snapshot"]
			r.KeyIDs, r.Threshold = slices.Repeat(r.KeyIDs, 9), 6
			s.publish("root", "snapshot", "timestamp")
		}, false, "root 2, targets 1, timestamp 2"},
		"one signature twice": {func(s *simulator) {
			s.keys["snapshot"] = slices.Repeat(s.keys["snapshot"], 2)
			s.publish("snapshot", "timestamp")
		}, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"a bad signature beside a good one": {func(s *simulator) {
			s.addKey("timestamp", newKey(s.t, "ed25519"))
			s.publish("root", "timestamp")
			s.edit("timestamp.json", swap(`"sig":"30`, `"sig":"00`))
		}, true, "root 2, snapshot 1, targets 1, timestamp 2"},
		"an empty signature beside a good one": {func(s *simulator) {
			k := newKey(s.t, "ed25519")
			s.addKey("timestamp", k)
			s.publish("root", "timestamp")
			s.stamp.Signatures[0].Signature = nil
			s.files["metadata/timestamp.json"] = must(s.stamp.ToBytes(false))(s.t)
		}, true, "root 2, snapshot 1, targets 1, timestamp 2"},

		"timestamp goes back": {func(s *simulator) {
			s.publish("timestamp")
			s.refresh(true)
			s.stamp.Signed.Version = 0
			s.publish("timestamp")
		}, false, "root 1, snapshot 1, targets 1, timestamp 2"},
		"snapshot goes back": {func(s *simulator) {
			s.publish("snapshot", "timestamp")
			s.refresh(true)
			s.snap.Signed.Version = 0
			s.publish("snapshot", "timestamp")
		}, false, "root 1, snapshot 2, targets 1, timestamp 2"},
		"targets go back": {func(s *simulator) {
			s.publish(everything[1:]...)
			s.refresh(true)
			s.roles["targets"].Signed.Version = 0
			s.publish(everything[1:]...)
		}, false, "root 1, snapshot 2, targets 2, timestamp 3"},
		"a role disappears": {func(s *simulator) {
			s.delegate("targets", "delegated", false, "delegatedpath/*")
			s.publish("delegated", "targets", "snapshot", "timestamp")
			s.refresh(true)
			delete(s.snap.Signed.Meta, "delegated.json")
			s.publish("snapshot", "timestamp")
		}, false, "root 1, snapshot 2, targets 2, timestamp 3"},
		"recovery of targets": {func(s *simulator) {
			s.roles["targets"].Signed.Version = 99
			s.publish(everything[1:]...)
			s.refresh(true)
			s.rotate("snapshot")
			s.roles["targets"].Signed.Version = 0
			s.publish(everything...)
		}, true, "root 2, snapshot 3, targets 1, timestamp 3"},
		"recovery of the snapshot": {func(s *simulator) {
			s.snap.Signed.Version = 99
			s.publish("snapshot", "timestamp")
			s.refresh(true)
			s.rotate("snapshot")
			s.snap.Signed.Version = 0
			s.publish("root", "snapshot", "timestamp")
		}, true, "root 2, snapshot 1, targets 1, timestamp 3"},
		"recovery of the timestamp": {func(s *simulator) {
			s.stamp.Signed.Version = 99
			s.publish("timestamp")
			s.refresh(true)
			s.rotate("timestamp")
			s.stamp.Signed.Version = 0
			s.publish("root", "timestamp")
		}, true, "root 2, snapshot 1, targets 1, timestamp 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready(t)
			s.refresh(true)
			c.does(s)
			s.refresh(c.success)
			if got := s.trusted(); got != c.trusted {
				t.Errorf("trusts %s, not %s", got, c.trusted)
			}
		})
	}
}

func TestTime(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("faketime does not exist on Windows")
	}
	day := 24 * time.Hour
	now := time.Now().UTC().Truncate(time.Second)
	t.Run("of faketime is believed", func(t *testing.T) {
		s := ready(t)
		s.root.Signed.Expires = now.Add(7 * day)
		s.publish("root")
		s.refresh(true)
		s.now = now.Add(8 * day)
		s.refresh(false)
	})
	t.Run("passes for the root that is kept", func(t *testing.T) {
		s := ready(t)
		s.root.Signed.Expires = now.Add(7 * day)
		s.publish("root")
		s.refresh(true)
		s.root.Signed.Expires = now.Add(21 * day)
		s.publish("root")
		s.now = now.Add(18 * day)
		s.refresh(true)
	})
	t.Run("passes for the timestamp that is kept", func(t *testing.T) {
		s := ready(t)
		s.stamp.Signed.Expires = now.Add(7 * day)
		s.publish("timestamp")
		s.refresh(true)
		s.stamp.Signed.Expires = now.Add(21 * day)
		s.publish("targets", "snapshot", "timestamp")
		s.now = now.Add(18 * day)
		s.refresh(true)
		if got := s.trusted(); got != "root 1, snapshot 2, targets 2, timestamp 3" {
			t.Errorf("trusts %s", got)
		}
	})
}

// A root's version: which of ten keys it names, its threshold, and who signs.
type version struct {
	keys      string
	threshold int
	signers   string
}

func TestRootRotation(t *testing.T) {
	keys := make([]key, 10)
	for i := range keys {
		keys[i] = newKey(t, []string{"ecdsa", "ed25519"}[i%2])
	}
	for name, c := range map[string]struct {
		roots   []version
		success bool
	}{
		"one key for another":              {[]version{{"1", 1, "1"}, {"2", 1, "21"}, {"2", 1, "2"}}, true},
		"signatures that nobody wants":     {[]version{{"1", 1, "314"}, {"2", 1, "3214"}, {"2", 1, "324"}}, true},
		"three of five, any":               {[]version{{"01234", 3, "024"}, {"01234", 3, "041"}, {"01234", 3, "013"}}, true},
		"three of five, one replaced":      {[]version{{"01234", 3, "024"}, {"01345", 3, "041"}}, true},
		"three of five, all replaced":      {[]version{{"01234", 3, "024"}, {"56789", 3, "024567"}, {"56789", 3, "567"}}, true},
		"threshold goes up":                {[]version{{"123", 1, "1"}, {"123", 2, "12"}}, true},
		"threshold goes down":              {[]version{{"123", 2, "12"}, {"123", 1, "12"}, {"123", 1, "1"}}, true},
		"the old key did not sign":         {[]version{{"1", 1, "1"}, {"2", 1, "234"}}, false},
		"the new key did not sign":         {[]version{{"1", 1, "1"}, {"2", 1, "134"}}, false},
		"too few of the new":               {[]version{{"01234", 3, "024"}, {"01345", 3, "024"}}, false},
		"too few of the old":               {[]version{{"01234", 3, "024"}, {"01345", 3, "045"}}, false},
		"new threshold not reached":        {[]version{{"123", 1, "1"}, {"123", 2, "2"}}, false},
		"old threshold not reached":        {[]version{{"123", 2, "12"}, {"123", 1, "1"}}, false},
		"two of two, one of them replaced": {[]version{{"12", 2, "12"}, {"13", 2, "13"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulator(t)
			delete(s.files, "metadata/1.root.json")
			for i, v := range c.roots {
				s.root.Signed.Roles["root"].KeyIDs, s.keys["root"] = nil, nil
				for _, k := range v.keys {
					s.addKey("root", keys[k-'0'])
				}
				s.keys["root"] = nil
				for _, k := range v.signers {
					s.keys["root"] = append(s.keys["root"], keys[k-'0'])
				}
				s.root.Signed.Roles["root"].Threshold = v.threshold
				s.root.Signed.Version = int64(i + 1)
				s.file("root", s.root.Signed.Version, sign(t, s.root, s.keys["root"]))
			}
			s.init()
			s.refresh(c.success)
		})
	}
}

func TestKeyKinds(t *testing.T) {
	for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			s := ready(t)
			s.addKey("root", newKey(t, kind))
			s.root.Signed.Roles["root"].Threshold = 2
			s.publish("root")
			s.refresh(true)
			s.publish("root")
			good := s.root.Signatures[1].Signature
			good[len(good)/2] ^= 1
			s.files["metadata/3.root.json"] = must(s.root.ToBytes(false))(t)
			s.refresh(false)
			if got := s.trusted(); !strings.HasPrefix(got, "root 2,") {
				t.Errorf("trusts %s", got)
			}
		})
	}
}
