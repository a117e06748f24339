package publish_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/publish"
)

// prefix is the simplest codec there is: how many bytes the two files share at
// their start, and the rest. diffs counts its work; spoil makes it wrong.
type prefix struct {
	name  string
	extra int // wasted bytes in each patch
	diffs *int
	spoil bool
	fail  error
}

func (p prefix) Name() string { return p.name }

func (p prefix) Diff(_ context.Context, old, new *io.SectionReader, patch io.Writer) error {
	if p.diffs != nil {
		*p.diffs++
	}
	if p.fail != nil {
		return p.fail
	}
	a, _ := io.ReadAll(io.NewSectionReader(old, 0, old.Size()))
	b, _ := io.ReadAll(io.NewSectionReader(new, 0, new.Size()))
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if p.spoil {
		n--
	}
	out := binary.BigEndian.AppendUint64(nil, uint64(n))
	out = binary.BigEndian.AppendUint64(out, uint64(p.extra))
	_, err := patch.Write(append(append(out, make([]byte, p.extra)...), b[n:]...))
	return err
}

func (p prefix) Apply(_ context.Context, old *io.SectionReader, patch io.Reader, size int64, out io.Writer) error {
	data, err := io.ReadAll(patch)
	if err != nil || len(data) < 16 {
		return errors.Join(err, errors.New("short patch"))
	}
	n, extra := int64(binary.BigEndian.Uint64(data)), binary.BigEndian.Uint64(data[8:])
	if extra > uint64(len(data)-16) {
		return errors.New("damaged patch")
	}
	rest := data[16+extra:]
	if p.spoil {
		rest[0] ^= 1
	}
	if n+int64(len(rest)) != size {
		return errors.New("wrong size")
	}
	if _, err := io.Copy(out, io.NewSectionReader(old, 0, n)); err != nil {
		return err
	}
	_, err = out.Write(rest)
	return err
}

func compress(_ context.Context, src io.Reader, dst io.Writer, progress func(int64)) error {
	z := gzip.NewWriter(dst)
	n, err := io.Copy(z, src)
	progress(n)
	return errors.Join(err, z.Close())
}

func decompress(_ context.Context, src io.Reader, size int64, dst io.Writer) error {
	z, err := gzip.NewReader(src)
	if err != nil {
		return err
	}
	n, err := io.Copy(dst, io.LimitReader(z, size+1))
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes, want %d", n, size)
	}
	return err
}

// feed is a folder of blobs with a list of what was added.
type feed struct {
	t        *testing.T
	dir      string
	opts     publish.Options
	releases []release.Release
}

// smallest is what the command gives Publish, with codecs of ours.
func smallest(codecs []delta.Codec) func(context.Context, publish.Pair) (publish.Made, error) {
	return func(ctx context.Context, p publish.Pair) (publish.Made, error) {
		c, err := delta.Choose(ctx, p.Old, p.New, p.SHA256, delta.Options{
			Codecs: codecs, Full: p.Full, Earlier: p.Earlier,
			Progress: func(s delta.Progress) { p.Progress(s.Codec, s.Done) },
		})
		made := publish.Made{Codec: c.Codec, Patch: c.Patch}
		if c.Codec == delta.Full {
			made.Codec = ""
		}
		for _, t := range c.Candidates {
			made.Tried = append(made.Tried, publish.Candidate{Codec: t.Codec, Bytes: t.Bytes, Kept: t.Kept, Reason: t.Reason})
		}
		return made, err
	}
}

func newFeed(t *testing.T, codecs ...delta.Codec) *feed {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	f := &feed{t: t, dir: dir}
	f.opts = publish.Options{
		Feed: root, Temp: t.TempDir(), Compress: compress, Decompress: decompress,
		Releases: func(string) ([]release.Release, error) { return f.releases, nil },
		Add: func(_ context.Context, r release.Release) (bool, error) {
			known, err := vcm.Admit(f.releases, r)
			if err != nil || known {
				return false, err
			}
			f.releases = append(f.releases, r)
			return true, nil
		},
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) },
	}
	if len(codecs) > 0 {
		f.opts.Patch = smallest(codecs)
	}
	return f
}

// content has no structure that a compressor could use, but a common start.
func content(version string) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 20_000)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return slices.Concat(data, []byte("version "+version))
}

func (f *feed) request(version string) publish.Request {
	f.t.Helper()
	name := filepath.Join(f.t.TempDir(), "program")
	if err := os.WriteFile(name, content(version), 0o755); err != nil {
		f.t.Fatal(err)
	}
	v, err := release.ParseVersion(version)
	if err != nil {
		f.t.Fatal(err)
	}
	return publish.Request{
		File: name, App: "notes", Version: v, Channel: release.Stable,
		Platform: release.Platform{OS: "linux", Arch: "amd64"}, Patches: 3,
	}
}

func (f *feed) publish(version string) publish.Result {
	f.t.Helper()
	res, err := publish.Publish(context.Background(), f.opts, f.request(version))
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func (f *feed) files() []string {
	f.t.Helper()
	var names []string
	err := filepath.WalkDir(f.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(filepath.ToSlash(name), filepath.ToSlash(f.dir)+"/"))
		}
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return names
}

func TestPublishes(t *testing.T) {
	f := newFeed(t, prefix{name: "wasteful", extra: 100}, prefix{name: "lean"}, prefix{name: "late", extra: 50})
	first := f.publish("1.0.0")
	if first.Already || len(first.Candidates) != 0 || len(first.Release.Patches) != 0 {
		t.Errorf("first: %+v", first)
	}
	second := f.publish("1.1.0")
	if got := fmt.Sprint(second.Candidates); got != "[{1.0.0 wasteful 119 false lean is smaller} {1.0.0 lean 19 true } {1.0.0 late 69 false not smaller than lean}]" {
		t.Errorf("candidates %s", got)
	}
	if p := second.Release.Patches; len(p) != 1 || p[0].Codec != "lean" || p[0].From != first.Release.SHA256 {
		t.Fatalf("patches %+v", p)
	}
	for _, r := range f.releases {
		want := &release.SegmentWriter{}
		data, err := os.ReadFile(filepath.Join(f.dir, r.Full.Path))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = want.Write(data)
		if got := want.Segments(); got.Len() != 1 || !bytes.Equal(got, r.Segments) {
			t.Errorf("%s: segments %x, want %x", r.Version, r.Segments, got)
		}
	}
	for _, b := range []release.Blob{first.Release.Full, second.Release.Full, second.Release.Patches[0].Blob} {
		data, err := os.ReadFile(filepath.Join(f.dir, b.Path))
		if err != nil || int64(len(data)) != b.Length {
			t.Errorf("%s: %d bytes, want %d, %v", b.Path, len(data), b.Length, err)
		}
	}
	if second.Release.Length != int64(len(content("1.1.0"))) || second.Release.Full.Length <= second.Release.Patches[0].Length {
		t.Errorf("lengths: %+v", second.Release)
	}
	left, err := os.ReadDir(f.opts.Temp)
	if err != nil || len(left) != 0 {
		t.Errorf("working copies are left: %v %v", left, err)
	}
}

func TestAgainChangesNothing(t *testing.T) {
	f := newFeed(t, prefix{name: "lean"})
	f.publish("1.0.0")
	want := f.publish("1.1.0")
	before := f.files()
	got := f.publish("1.1.0")
	if !got.Already || got.Release.Full != want.Release.Full || len(got.Release.Patches) != 1 {
		t.Errorf("got %+v", got)
	}
	if !slices.Equal(f.files(), before) || len(f.releases) != 2 {
		t.Error("something was added")
	}
}

func TestInterruptedAndRepeated(t *testing.T) {
	diffs := 0
	f := newFeed(t, prefix{name: "lean", diffs: &diffs})
	f.publish("1.0.0")
	req := f.request("1.1.0")

	ctx, cancel := context.WithCancel(context.Background())
	o := f.opts
	o.Progress = func(p publish.Progress) {
		if p.Stage == publish.Signing {
			cancel()
		}
	}
	o.Add = func(ctx context.Context, _ release.Release) (bool, error) { return false, ctx.Err() }
	if _, err := publish.Publish(ctx, o, req); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if len(f.releases) != 1 || diffs != 1 {
		t.Fatalf("%d releases after %d diffs", len(f.releases), diffs)
	}
	for _, damage := range []bool{false, true} {
		if damage { // what an earlier run left is never believed
			f.releases = f.releases[:1]
			for _, name := range f.files() {
				if strings.HasPrefix(name, "patches/") {
					if err := os.WriteFile(filepath.Join(f.dir, name), []byte("damage, twenty bytes"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		res := f.publish("1.1.0")
		if len(res.Release.Patches) != 1 {
			t.Fatalf("got %+v", res)
		}
	}
	if diffs != 2 {
		t.Errorf("%d diffs: the patch of the first run should serve the second, and not the third", diffs)
	}
}

// Blobs are named by artifact, so that a release that moves to another channel
// shares them with the one that is out there.
func TestOtherChannelSharesBlobs(t *testing.T) {
	f := newFeed(t, prefix{name: "lean"})
	f.publish("1.0.0")
	beta := f.request("1.1.0")
	beta.Channel = release.Beta
	want, err := publish.Publish(context.Background(), f.opts, beta)
	if err != nil {
		t.Fatal(err)
	}
	// Newer tools make other bytes.
	f.opts.Patch = smallest([]delta.Codec{prefix{name: "lean", extra: 9}})
	better := f.opts
	better.Compress = func(ctx context.Context, src io.Reader, dst io.Writer, progress func(int64)) error {
		z, _ := gzip.NewWriterLevel(dst, gzip.NoCompression)
		n, err := io.Copy(z, src)
		progress(n)
		return errors.Join(err, z.Close())
	}
	before := f.files()
	got, err := publish.Publish(context.Background(), better, f.request("1.1.0"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Release.Full != want.Release.Full || !slices.Equal(got.Release.Patches, want.Release.Patches) || !slices.Equal(f.files(), before) {
		t.Errorf("got %+v, want the blobs of %+v", got.Release, want.Release)
	}
	for _, name := range []string{want.Release.Full.Path, want.Release.Patches[0].Path} {
		f.releases = f.releases[:2]
		kept, err := os.ReadFile(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(f.dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := publish.Publish(context.Background(), better, f.request("1.1.0")); err == nil || !strings.Contains(err.Error(), "bring that file back") {
			t.Errorf("%s was made anew with other bytes: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(f.dir, name)); err == nil {
			t.Errorf("%s was replaced", name)
		}
		if err := os.WriteFile(filepath.Join(f.dir, name), kept, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedArtifactIsMadeAnew(t *testing.T) {
	f := newFeed(t, prefix{name: "lean"})
	first := f.publish("1.0.0")
	path := filepath.Join(f.dir, first.Release.Full.Path)
	if err := os.WriteFile(path, []byte("damage"), 0o644); err != nil {
		t.Fatal(err)
	}
	second := f.publish("1.1.0")
	if len(second.Release.Patches) != 0 || len(second.Candidates) != 1 || !strings.Contains(second.Candidates[0].Reason, "cannot be used") {
		t.Errorf("got %+v", second)
	}
	f.releases = nil
	if got := f.publish("1.0.0"); got.Release.Full != first.Release.Full {
		t.Errorf("got %+v", got.Release.Full)
	}
}

func TestSweepsAbandonedWork(t *testing.T) {
	f := newFeed(t)
	f.publish("1.0.0")
	long := time.Now().Add(-48 * time.Hour)
	want := map[string]bool{
		filepath.Join(f.opts.Temp, "vcm-publish-1"):           false,
		filepath.Join(f.opts.Temp, "somebody-else"):           true,
		filepath.Join(f.dir, "artifacts", ".durable-old.tmp"): false,
	}
	for name := range want {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if strings.HasSuffix(name, ".tmp") {
			err = os.WriteFile(name, []byte("half"), 0o600)
		} else {
			err = os.Mkdir(name, 0o700)
		}
		if err = errors.Join(err, os.Chtimes(name, long, long)); err != nil {
			t.Fatal(err)
		}
	}
	f.publish("1.1.0")
	for name, stays := range want {
		if _, err := os.Stat(name); (err == nil) != stays {
			t.Errorf("%s: should be there: %v", name, stays)
		}
	}
}

func TestBadCodecsAreDropped(t *testing.T) {
	f := newFeed(t, prefix{name: "liar", spoil: true}, prefix{name: "broken", fail: errors.New("out of ideas")}, prefix{name: "huge", extra: 30_000})
	f.publish("1.0.0")
	res := f.publish("1.1.0")
	if len(res.Release.Patches) != 0 || len(res.Candidates) != 3 {
		t.Fatalf("got %+v", res)
	}
	for i, want := range []string{"does not give the new file back", "out of ideas", "not smaller"} {
		if c := res.Candidates[i]; c.Kept || !strings.Contains(c.Reason, want) {
			t.Errorf("%s: %+v", want, c)
		}
	}
}

func TestCompressorIsNotBelieved(t *testing.T) {
	f := newFeed(t)
	f.opts.Compress = func(ctx context.Context, src io.Reader, dst io.Writer, progress func(int64)) error {
		if _, err := io.Copy(io.Discard, src); err != nil {
			return err
		}
		return compress(ctx, strings.NewReader("something else"), dst, progress)
	}
	if _, err := publish.Publish(context.Background(), f.opts, f.request("1.0.0")); err == nil || len(f.releases) != 0 {
		t.Fatalf("published, %v", err)
	}
}

func TestFileThatChanges(t *testing.T) {
	f := newFeed(t)
	req := f.request("1.0.0")
	f.opts.Releases = func(string) ([]release.Release, error) {
		return nil, os.WriteFile(req.File, bytes.ToUpper(content("1.0.0")), 0o755)
	}
	if _, err := publish.Publish(context.Background(), f.opts, req); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Fatalf("got %v", err)
	}
	for _, name := range f.files() {
		t.Errorf("left behind: %s", name)
	}
}

func TestRefuses(t *testing.T) {
	f := newFeed(t, prefix{name: "lean"})
	f.publish("1.0.0")
	f.publish("1.1.0")
	before := f.files()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*publish.Request)
		err    error
		text   string
	}{
		"a missing file": {func(r *publish.Request) { r.File += "x" }, fs.ErrNotExist, ""},
		"a folder":       {func(r *publish.Request) { r.File = filepath.Dir(r.File) }, nil, "folder"},
		"an empty file":  {func(r *publish.Request) { r.File = empty }, nil, "empty"},
		"other bytes":    {func(r *publish.Request) { r.File = f.request("9.0.0").File }, vcm.ErrConflict, ""},
		"an older version": {func(r *publish.Request) {
			r.File, r.Version = f.request("9.0.0").File, f.request("1.0.1").Version
		}, vcm.ErrOlder, ""},
		"no version":  {func(r *publish.Request) { r.Version = release.Version{} }, nil, "version"},
		"no channel":  {func(r *publish.Request) { r.Channel = "" }, nil, "channel"},
		"no platform": {func(r *publish.Request) { r.Platform = release.Platform{} }, nil, "platform"},
		"no app":      {func(r *publish.Request) { r.App = "" }, nil, "app"},
		"long notes":  {func(r *publish.Request) { r.Notes = strings.Repeat("n", release.MaxNotes+1) }, nil, "notes"},
	} {
		req := f.request("1.1.0")
		c.change(&req)
		_, err := publish.Publish(context.Background(), f.opts, req)
		if err == nil || c.err != nil && !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if after := f.files(); !slices.Equal(before, after) || len(f.releases) != 2 {
		t.Errorf("refused requests left something: %v", after)
	}
}
