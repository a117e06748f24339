package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

func TestDownload(t *testing.T) {
	s := ready(t)
	s.add("targets", "path/to/a file.txt", "content")
	s.add("targets", "other", "other content")
	s.publish("targets", "snapshot", "timestamp")
	s.download(true, "path/to/a file.txt")
	s.download(true, "path/to/a file.txt") // is there already
	asked := strings.Join(s.asked(), " ")
	if got := strings.Count(asked, "targets/"); got != 1 {
		t.Errorf("the target was asked for %d times: %s", got, asked)
	}

	for _, name := range []string{"path/to/a file.txt", "other"} {
		s.put(name, "malicious, and of another length")
	}
	s.download(false, "other")
	s.put("other", "other c0ntent")
	s.download(false, "path/to/a file.txt", "other")
	if got := s.downloaded(); !slices.Equal(got, []string{"content"}) {
		t.Errorf("has %q", got)
	}

	s.add("targets", "path/to/a file.txt", "new content")
	s.publish("targets", "snapshot", "timestamp")
	s.download(true, "path/to/a file.txt")
	if got := s.downloaded(); !slices.Equal(got, []string{"new content"}) {
		t.Errorf("has %q", got)
	}
}

func TestHashes(t *testing.T) {
	for _, hashes := range [][]string{{"sha256"}, {"sha512"}, {"sha256", "sha512"}} {
		s := ready(t)
		s.add("targets", "file", "content", hashes...)
		s.publish("targets", "snapshot", "timestamp")
		s.download(true, "file")
		if got := s.downloaded(); !slices.Equal(got, []string{"content"}) {
			t.Errorf("%v: has %q", hashes, got)
		}
	}
	s := ready(t)
	s.add("targets", "file", "content")
	h := s.roles["targets"].Signed.Targets["file"].Hashes
	h["unknown-hash"] = h["sha256"]
	delete(h, "sha256")
	s.publish("targets", "snapshot", "timestamp")
	s.download(false, "file")
	if got := s.downloaded(); len(got) != 0 {
		t.Errorf("has %q", got)
	}
}

// delegation is one edge of a graph.
type delegation struct {
	parent, role string
	terminating  bool
	path         string // "*" where empty
}

func TestOrderOfDelegations(t *testing.T) {
	for name, c := range map[string]struct {
		graph []delegation
		want  string // roles in the order in which they are asked for
	}{
		"one":                      {[]delegation{{parent: "targets", role: "A"}}, "A"},
		"two":                      {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}}, "A B"},
		"depth first":              {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "A", role: "C"}, {parent: "C", role: "D"}}, "A C D B"},
		"in order below":           {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "A", role: "C"}, {parent: "A", role: "D"}}, "A C D B"},
		"terminating ends it":      {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "A", role: "C", terminating: true}, {parent: "A", role: "D"}}, "A C"},
		"but not what is below it": {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "A", role: "C", terminating: true}, {parent: "C", role: "D"}}, "A C D"},
		"other paths":              {[]delegation{{parent: "targets", role: "A", path: "*.py"}, {parent: "targets", role: "B"}, {parent: "A", role: "C"}}, "B"},
		"other paths below":        {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "A", role: "C", path: "*.py"}, {parent: "C", role: "D"}}, "A B"},
		"a circle":                 {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "B", role: "C"}, {parent: "C", role: "D"}, {parent: "D", role: "B"}}, "A B C D"},
		"two parents":              {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "B", role: "C"}, {parent: "A", role: "C"}}, "A C B"},
		"two parents, one path":    {[]delegation{{parent: "targets", role: "A"}, {parent: "targets", role: "B"}, {parent: "B", role: "C"}, {parent: "A", role: "C", path: "*.py"}}, "A B C"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready(t)
			roles := []string{}
			for _, d := range c.graph {
				path := d.path
				if path == "" {
					path = "*"
				}
				s.delegate(d.parent, d.role, d.terminating, path)
				if !slices.Contains(roles, d.role) {
					roles = append(roles, d.role)
				}
			}
			s.publish(append(roles, "targets", "snapshot", "timestamp")...)
			s.download(false, "missingpath")
			want := []string{"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"}
			for _, role := range strings.Fields(c.want) {
				want = append(want, "1."+role+".json")
			}
			if got := s.asked(); !slices.Equal(got, want) {
				t.Errorf("asked for %v, want %v", got, want)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	for name, c := range map[string]struct{ found bool }{
		"targetfile": {true}, "README.md": {true}, "releases/x/x_v1": {true}, "releases/y/y_v1.zip": {true}, "foo-1.tgz": {true},
		"releases/z/z_v1.zip": {false}, "releases/README.md": {false}, "foo-alpha.tgz": {false}, "README.MD": {false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ready(t)
			s.delegate("targets", "A", false, "*.doc", "*.md", "foo-?.tgz")
			s.delegate("targets", "B", false, "releases/*/*")
			s.delegate("B", "C", false, "releases/x/*")
			s.delegate("B", "D", false, "releases/y/*.zip")
			for file, role := range map[string]string{
				"targetfile": "targets", "README.md": "A", "releases/README.md": "A", "foo-1.tgz": "A", "foo-alpha.tgz": "A",
				"releases/x/x_v1": "C", "releases/y/y_v1.zip": "D", "releases/z/z_v1.zip": "D",
			} {
				s.add(role, file, "content of "+file)
			}
			s.publish("A", "B", "C", "D", "targets", "snapshot", "timestamp")
			s.download(c.found, name)
			if got := s.downloaded(); c.found != slices.Equal(got, []string{"content of " + name}) {
				t.Errorf("has %q", got)
			}
		})
	}
}

// The one case that the library's own client gets wrong: a role that was loaded on
// the word of one parent is believed on the word of another.
func TestTwoParents(t *testing.T) {
	s := ready(t)
	s.delegate("targets", "parent-a", false, "team-a/*")
	s.delegate("targets", "parent-b", false, "team-b/*")
	s.delegate("parent-a", "release", false, "team-a/*")
	s.delegate("parent-b", "release", false, "team-b/*")
	s.keys["release"] = s.keys["release"][:1] // parent-b names the other one
	s.add("release", "team-a/file", "trusted")
	s.add("release", "team-b/file", "not trusted")
	s.publish("release", "parent-a", "parent-b", "targets", "snapshot", "timestamp")
	s.download(false, "team-a/file", "team-b/file")
	if got := s.downloaded(); !slices.Equal(got, []string{"trusted"}) {
		t.Errorf("has %q", got)
	}
}

func TestDelegationThatIsNotInTheSnapshot(t *testing.T) {
	s := ready(t)
	s.delegate("targets", "delegated", false, "delegatedpath/*")
	s.publish("delegated", "targets")
	delete(s.snap.Signed.Meta, "delegated.json")
	s.publish("snapshot", "timestamp")
	s.refresh(true)
	s.asked()
	s.download(false, "delegatedpath/foo")
	if got := s.asked(); !slices.Equal(got, []string{"2.root.json", "timestamp.json"}) {
		t.Errorf("asked for %v", got)
	}
}

func TestUnusualRoleNames(t *testing.T) {
	for _, role := range []string{"?", "#", "/delegatedrole", "../delegatedrole", "a%2fb", "ü", "a:b"} {
		s := ready(t)
		s.delegate("targets", role, false, "*")
		s.publish(role, "targets", "snapshot", "timestamp")
		s.download(false, "nonexistent target")
		if got := s.asked(); !slices.Contains(got, "1."+url.PathEscape(role)+".json") {
			t.Errorf("%q: asked for %v", role, got)
		}
		if got := strings.Count(s.trusted(), ","); got != 4 {
			t.Errorf("%q: trusts %s", role, s.trusted())
		}
	}
}

// Roles that stand for a part of all names each, by prefix of the name's hash.
func TestHashBins(t *testing.T) {
	t.Run("by prefix", func(t *testing.T) {
		s := ready(t)
		s.delegate("targets", "low", false)
		s.delegate("targets", "high", false)
		bins := s.roles["targets"].Signed.Delegations.Roles
		bins[0].Paths, bins[0].PathHashPrefixes = nil, strings.Split("0 1 2 3 4 5 6 7", " ")
		bins[1].Paths, bins[1].PathHashPrefixes = nil, strings.Split("8 9 a b c d e f", " ")
		s.add("high", "file", "content") // SHA-256 of the name: 3b9c…
		s.add("low", "another", "more")  // ae44…
		s.publish("low", "high", "targets", "snapshot", "timestamp")
		s.download(false, "file")
		s.add("low", "file", "content")
		s.publish("low", "snapshot", "timestamp")
		s.download(true, "file")
	})
	t.Run("succinct", func(t *testing.T) {
		s := ready(t)
		k := newKey(t, "ecdsa")
		top := s.roles["targets"]
		top.Signed.Delegations = &metadata.Delegations{
			Keys:          map[string]*metadata.Key{k.id: k.public},
			SuccinctRoles: &metadata.SuccinctRoles{KeyIDs: []string{k.id}, Threshold: 1, BitLength: 1, NamePrefix: "bin"},
		}
		for _, bin := range []string{"bin-0", "bin-1"} {
			s.roles[bin] = metadata.Targets(s.stamp.Signed.Expires)
			s.roles[bin].Signed.Version = 0
			s.keys[bin] = []key{k}
		}
		s.add("bin-0", "file", "content")
		s.publish("bin-0", "bin-1", "targets", "snapshot", "timestamp")
		s.download(true, "file")
		if got := s.asked(); !slices.Contains(got, "1.bin-0.json") || slices.Contains(got, "1.bin-1.json") {
			t.Errorf("asked for %v", got)
		}
	})
}
