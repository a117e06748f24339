package release

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func digest(b byte) Digest {
	var d Digest
	for i := range d {
		d[i] = b
	}
	return d
}

func version(t testing.TB, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sample(t testing.TB) Release {
	return Release{
		App: "tesseract", Version: version(t, "1.1.0"), Channel: Stable,
		Platform: Platform{"linux", "amd64"}, Length: 1000, SHA256: digest(1),
		Full: Blob{Path: ArtifactPath(digest(1)), Length: 400, SHA256: digest(2)},
		Patches: []Patch{
			{From: digest(3), Codec: "bsdiff", Blob: Blob{Path: PatchPath(digest(3), digest(1), "bsdiff"), Length: 40, SHA256: digest(4)}},
			{From: digest(3), Codec: "zstd", Blob: Blob{Path: PatchPath(digest(3), digest(1), "zstd"), Length: 30, SHA256: digest(5)}},
		},
		Notes: "Faster.\n", Published: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Critical: true, Deadline: 48,
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample(t)
	custom, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(want.TargetPath(), want.Length, want.SHA256, custom)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func TestDecodeIgnoresUnknownFields(t *testing.T) {
	want := sample(t)
	custom, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	custom = append([]byte(`{"colour":{"deep":[1]},`), custom[1:]...)
	if _, err := Decode(want.TargetPath(), want.Length, want.SHA256, custom); err != nil {
		t.Fatal(err)
	}
}

func TestRefuses(t *testing.T) {
	many := make([]Patch, MaxPatches+1)
	for i := range many {
		many[i] = sample(t).Patches[0]
		many[i].From[0] = byte(i)
	}
	for name, change := range map[string]func(*Release){
		"no app":                  func(r *Release) { r.App = "" },
		"app leaves its folder":   func(r *Release) { r.App = "../x" },
		"app in capitals":         func(r *Release) { r.App = "Tesseract" },
		"no version":              func(r *Release) { r.Version = Version{} },
		"unknown channel":         func(r *Release) { r.Channel = "edge" },
		"no platform":             func(r *Release) { r.Platform = Platform{} },
		"platform with a slash":   func(r *Release) { r.Platform.Arch = "a/b" },
		"empty artifact":          func(r *Release) { r.Length = 0 },
		"negative length":         func(r *Release) { r.Length = -1 },
		"huge artifact":           func(r *Release) { r.Length = MaxArtifact + 1 },
		"no digest":               func(r *Release) { r.SHA256 = Digest{} },
		"absolute path":           func(r *Release) { r.Full.Path = "/etc/passwd" },
		"traversal":               func(r *Release) { r.Full.Path = "artifacts/../../x" },
		"hidden file":             func(r *Release) { r.Full.Path = "artifacts/.x" },
		"backslash":               func(r *Release) { r.Full.Path = `artifacts\x` },
		"drive letter":            func(r *Release) { r.Full.Path = "c:/x" },
		"query":                   func(r *Release) { r.Full.Path = "artifacts/x?y" },
		"escape":                  func(r *Release) { r.Full.Path = "artifacts/%2e%2e" },
		"other host":              func(r *Release) { r.Full.Path = "//example.org/x" },
		"double slash":            func(r *Release) { r.Full.Path = "a//b" },
		"trailing dot":            func(r *Release) { r.Full.Path = "a/b." },
		"new line":                func(r *Release) { r.Full.Path = "a/b\n" },
		"long path":               func(r *Release) { r.Full.Path = strings.Repeat("a", MaxPath+1) },
		"empty path":              func(r *Release) { r.Full.Path = "" },
		"empty full":              func(r *Release) { r.Full.Length = 0 },
		"full without digest":     func(r *Release) { r.Full.SHA256 = Digest{} },
		"too many patches":        func(r *Release) { r.Patches = many },
		"the same patch twice":    func(r *Release) { r.Patches[1] = r.Patches[0] },
		"patch from itself":       func(r *Release) { r.Patches[0].From = r.SHA256 },
		"patch from nothing":      func(r *Release) { r.Patches[0].From = Digest{} },
		"codec with a path":       func(r *Release) { r.Patches[0].Codec = "../x" },
		"huge patch":              func(r *Release) { r.Patches[0].Length = MaxArtifact + 1 },
		"patch leaves its folder": func(r *Release) { r.Patches[0].Path = "../x" },
		"long notes":              func(r *Release) { r.Notes = strings.Repeat("n", MaxNotes+1) },
		"notes not UTF-8":         func(r *Release) { r.Notes = "\xff" },
		"no time":                 func(r *Release) { r.Published = time.Time{} },
		"deadline in the past":    func(r *Release) { r.Critical, r.Deadline = true, -1 },
		"deadline of a year":      func(r *Release) { r.Critical, r.Deadline = true, 8760 },
		"deadline, not critical":  func(r *Release) { r.Critical, r.Deadline = false, 24 },
	} {
		t.Run(name, func(t *testing.T) {
			r := sample(t)
			change(&r)
			if _, err := Encode(r); err == nil {
				t.Error("Encode took it")
			}
			if name == "notes not UTF-8" {
				return // JSON has already replaced the bad bytes when Decode sees them
			}
			d := document{Schema: schema, Full: full{blob: blob(r.Full)}, Notes: r.Notes, Published: r.Published, Critical: r.Critical, Deadline: r.Deadline}
			for _, p := range r.Patches {
				d.Patches = append(d.Patches, patch{p.From, p.Codec, blob(p.Blob)})
			}
			custom, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := Decode(r.TargetPath(), r.Length, r.SHA256, custom); err == nil {
				t.Errorf("Decode took it: %+v", got)
			}
		})
	}
}

func TestDecodeRefusesDocuments(t *testing.T) {
	r := sample(t)
	good, err := Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		target string
		custom string
		is     error
	}{
		"nothing":         {r.TargetPath(), "", nil},
		"null":            {r.TargetPath(), "null", nil},
		"a list":          {r.TargetPath(), "[]", nil},
		"HTML":            {r.TargetPath(), "<html>", nil},
		"truncated":       {r.TargetPath(), string(good[:len(good)-1]), nil},
		"more after it":   {r.TargetPath(), string(good) + "{}", nil},
		"schema 0":        {r.TargetPath(), strings.Replace(string(good), `"schema":1`, `"schema":0`, 1), nil},
		"schema 2":        {r.TargetPath(), `{"schema":2,"full":"elsewhere"}`, ErrSchema},
		"too long":        {r.TargetPath(), string(good) + strings.Repeat(" ", MaxCustom), nil},
		"short digest":    {r.TargetPath(), strings.Replace(string(good), digest(2).String(), "02", 1), nil},
		"upper-case hex":  {r.TargetPath(), strings.Replace(string(good), digest(2).String(), strings.Repeat("AB", 32), 1), nil},
		"length as text":  {r.TargetPath(), strings.Replace(string(good), `"length":400`, `"length":"400"`, 1), nil},
		"length overflow": {r.TargetPath(), strings.Replace(string(good), `"length":400`, `"length":9e99`, 1), nil},
		"no target name":  {"", string(good), nil},
		"few parts":       {"tesseract/stable/linux-amd64", string(good), nil},
		"many parts":      {r.TargetPath() + "/x", string(good), nil},
		"build metadata":  {r.TargetPath() + "+x", string(good), nil},
		"leading v":       {"tesseract/stable/linux-amd64/v1.1.0", string(good), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(c.target, r.Length, r.SHA256, []byte(c.custom))
			if err == nil {
				t.Fatalf("took it: %+v", got)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("got %v, want %v", err, c.is)
			}
		})
	}
}

func TestChannelAccepts(t *testing.T) {
	for _, c := range []struct {
		user, release Channel
		want          bool
	}{
		{Stable, Stable, true}, {Stable, Beta, false}, {Stable, Nightly, false},
		{Beta, Stable, true}, {Beta, Beta, true}, {Beta, Nightly, false},
		{Nightly, Stable, true}, {Nightly, Beta, true}, {Nightly, Nightly, true},
		{Nightly, "edge", false}, {"edge", Stable, false}, {"", "", false},
	} {
		if got := c.user.Accepts(c.release); got != c.want {
			t.Errorf("%q accepts %q: got %v", c.user, c.release, got)
		}
	}
}

func TestTextForms(t *testing.T) {
	type all struct {
		V Version
		C Channel
		P Platform
		D Digest
	}
	want := all{version(t, "1.2.3-rc.1"), Beta, Current(), digest(7)}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got all
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for _, bad := range []string{`{"V":"1"}`, `{"C":"x"}`, `{"P":"linux"}`, `{"D":"00"}`} {
		if json.Unmarshal([]byte(bad), &got) == nil {
			t.Errorf("took %s", bad)
		}
	}
	var zero Version
	if err := json.Unmarshal([]byte(`""`), &zero); err != nil || !zero.IsZero() {
		t.Errorf("empty version: %v %v", zero, err)
	}
}

func FuzzDecode(f *testing.F) {
	r := sample(f)
	custom, err := Encode(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(r.TargetPath(), r.Length, r.SHA256[:], []byte(custom))
	f.Add("a/beta/windows-arm64/0.0.0-a", int64(1), r.SHA256[:], []byte(`{"schema":1,"full":{"path":"../x"}}`))
	f.Add("", int64(-1), []byte{}, []byte("[[[["))
	f.Fuzz(func(t *testing.T, target string, length int64, sha []byte, custom []byte) {
		var d Digest
		copy(d[:], sha)
		got, err := Decode(target, length, d, custom)
		if err != nil {
			return
		}
		if got.TargetPath() != target {
			t.Fatalf("target %q became %q", target, got.TargetPath())
		}
		for _, b := range append([]Patch{{Blob: got.Full}}, got.Patches...) {
			if strings.HasPrefix(b.Path, "/") || strings.Contains(b.Path, "..") && strings.Contains("/"+b.Path+"/", "/../") {
				t.Fatalf("path %q leaves the feed", b.Path)
			}
		}
		again, err := Encode(got)
		if err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
		back, err := Decode(target, length, d, again)
		if err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("does not survive: %v\n%+v\n%+v", err, got, back)
		}
	})
}
