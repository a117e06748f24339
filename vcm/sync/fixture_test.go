package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
)

// sample is a feed's folder with documents that nobody signed: this package
// leaves signatures to others.
type sample struct {
	t        testing.TB
	dir      string
	root     *os.Root
	releases []release.Release
	versions map[string]int64 // of documents
}

func newSample(t testing.TB, name string) *sample {
	t.Helper()
	s := &sample{t: t, dir: t.TempDir(), versions: map[string]int64{}}
	for _, d := range []string{"metadata", "artifacts", "patches"} {
		if err := os.Mkdir(filepath.Join(s.dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.root, err = os.OpenRoot(s.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.root.Close() })
	s.document("root", "root", map[string]any{"name": name})
	s.document("targets", "targets", nil)
	s.commit()
	return s
}

// document writes the next version of a role's document.
func (s *sample) document(role, kind string, more map[string]any) {
	s.t.Helper()
	s.versions[role]++
	s.write(versioned(s.versions[role], role), kind, s.versions[role], more)
}

func (s *sample) write(name, kind string, version int64, more map[string]any) {
	s.t.Helper()
	signed := map[string]any{"_type": kind, "version": version, "expires": time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)}
	for k, v := range more {
		signed[k] = v
	}
	data, err := json.Marshal(map[string]any{"signatures": []any{}, "signed": signed})
	if err != nil {
		s.t.Fatal(err)
	}
	s.file(name, data)
}

func (s *sample) file(name string, data []byte) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// blob makes a file's content out of its name.
func (s *sample) blob(name string, size int) release.Blob {
	s.t.Helper()
	data := bytes.Repeat([]byte(name+"\n"), size/(len(name)+1)+1)
	s.file(name, data)
	return release.Blob{Path: name, Length: int64(len(data)), SHA256: sha256.Sum256(data)}
}

// publish adds a release with a patch from the one before.
func (s *sample) publish(version string) {
	s.t.Helper()
	v, err := release.ParseVersion(version)
	if err != nil {
		s.t.Fatal(err)
	}
	r := release.Release{
		App: "notes", Version: v, Channel: release.Stable, Platform: release.Platform{OS: "linux", Arch: "amd64"},
		Length: 10, SHA256: sha256.Sum256([]byte(version)), Published: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
	r.Full = s.blob(release.ArtifactPath(r.SHA256), 30_000)
	if n := len(s.releases); n > 0 {
		from := s.releases[n-1].SHA256
		r.Patches = []release.Patch{{From: from, Codec: "zstd", Blob: s.blob(release.PatchPath(from, r.SHA256, "zstd"), 3000)}}
	}
	s.releases = append(s.releases, r)
	s.sign()
}

// sign writes the releases that there are, and all above them.
func (s *sample) sign() {
	s.t.Helper()
	targets := map[string]any{"notes/floor": map[string]any{"length": 0}}
	for _, r := range s.releases {
		custom, err := release.Encode(r)
		if err != nil {
			s.t.Fatal(err)
		}
		targets[r.TargetPath()] = map[string]any{
			"length": r.Length, "hashes": map[string]any{"sha256": hex.EncodeToString(r.SHA256[:])}, "custom": custom,
		}
	}
	s.document("notes-releases", "targets", map[string]any{"targets": targets})
	s.commit()
}

func (s *sample) commit() {
	s.t.Helper()
	meta := map[string]any{}
	for role, version := range s.versions {
		if role != "root" && role != "snapshot" && role != "timestamp" {
			meta[role+".json"] = map[string]any{"version": version}
		}
	}
	s.document("snapshot", "snapshot", map[string]any{"meta": meta})
	s.versions["timestamp"]++
	s.write(vcm.TimestampFile, "timestamp", s.versions["timestamp"], map[string]any{
		"meta": map[string]any{"snapshot.json": map[string]any{"version": s.versions["snapshot"]}},
	})
}

// whole walks a place from its timestamp, as far as it has one, and reads all
// that a client could ask for. It returns the timestamp's version.
func whole(t testing.TB, p Place) int64 {
	t.Helper()
	ctx := context.Background()
	if data, err := readOrNone(ctx, p, vcm.TimestampFile); data == nil && err == nil {
		return 0
	}
	inv, err := Read(ctx, p.Read)
	if err != nil {
		t.Fatalf("what clients read is not whole: %v", err)
	}
	for _, b := range vcm.Blobs(inv.Releases) {
		data, err := p.Read(ctx, b.Path, b.Length)
		if err != nil || sha256.Sum256(data) != b.SHA256 {
			t.Fatalf("%s is offered and not there as signed: %v", b.Path, err)
		}
	}
	return inv.Version
}

func content(data []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(data), 0, int64(len(data)))
}

func mustBring(t testing.TB, s *sample, to Place, o Options) Result {
	t.Helper()
	res, err := Bring(context.Background(), s.root, to, o)
	if err != nil {
		t.Fatal(err)
	}
	if o.DryRun {
		return res
	}
	if got := whole(t, to); got != s.versions["timestamp"] {
		t.Fatalf("the place has timestamp %d, want %d", got, s.versions["timestamp"])
	}
	return res
}

func (s *sample) String() string { return fmt.Sprint(s.versions) }
