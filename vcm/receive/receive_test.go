package receive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm"
	"github.com/tesseract-desktop/tesseract/vcm/receive"
	vcmsync "github.com/tesseract-desktop/tesseract/vcm/sync"
)

// document is what a publisher signs here.
type document struct {
	Version int64
	Signed  bool
	Blobs   []release.Blob // one release each
}

func (d document) bytes() []byte {
	data, _ := json.Marshal(d)
	return data
}

func (d document) releases() []release.Release {
	var all []release.Release
	for _, b := range d.Blobs {
		all = append(all, release.Release{App: "notes", Full: b})
	}
	return all
}

// book is a repository: it remembers what is published, and fails the test when
// something is published whose files are not in the feed.
type book struct {
	t   *testing.T
	dir string

	mu      sync.Mutex
	current document
	fail    error // of the next Publish
	now     time.Time
}

func (b *book) examine(app string, data []byte) (receive.Examined, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var d document
	refuse := func(text string) error { return &receive.Refusal{Err: errors.New(text)} }
	if err := json.Unmarshal(data, &d); err != nil || !d.Signed || app != "notes" {
		return receive.Examined{}, refuse("it is not signed")
	}
	known := map[string]bool{}
	for _, blob := range b.current.Blobs {
		known[fmt.Sprint(blob)] = true
	}
	res := receive.Examined{Version: d.Version, Already: d.Version == b.current.Version}
	if d.Version != b.current.Version && d.Version != b.current.Version+1 {
		return res, &receive.Refusal{Err: fmt.Errorf("version %d must follow", b.current.Version+1), Stale: true}
	}
	for _, r := range d.releases() {
		if !known[fmt.Sprint(r.Full)] {
			res.Added = append(res.Added, r)
		}
	}
	return res, nil
}

func (b *book) releases() ([]release.Release, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current.releases(), nil
}

func (b *book) publish(_ context.Context, app string, data []byte) error {
	if _, err := b.examine(app, data); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		err := b.fail
		b.fail = nil
		return err
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return err
	}
	for _, blob := range d.Blobs {
		got, err := os.ReadFile(filepath.Join(b.dir, "feed", blob.Path))
		if err != nil || sha256.Sum256(got) != blob.SHA256 {
			b.t.Errorf("published without %s: %v", blob.Path, err)
		}
	}
	b.current = d
	name := filepath.Join(b.dir, "feed", "metadata", fmt.Sprintf("%d.notes-releases.json", d.Version))
	return os.WriteFile(name, data, 0o644)
}

// side is a VCM with a publisher who talks to it.
type side struct {
	*book
	url    string
	r      *receive.Receiver
	mine   *os.Root // the publisher's feed
	centre *vcmsync.Centre
}

func newSide(t *testing.T, change func(*receive.Options)) *side {
	t.Helper()
	b := &book{t: t, dir: t.TempDir(), now: time.Now()}
	if err := os.MkdirAll(filepath.Join(b.dir, "feed", "metadata"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := &side{book: b, mine: open(t, t.TempDir())}
	o := receive.Options{
		Dir: open(t, b.dir), Examine: b.examine, Releases: b.releases, Publish: b.publish,
		Now: func() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.now },
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.r, err = receive.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.r)
	t.Cleanup(server.Close)
	s.url = server.URL
	if s.centre, err = vcmsync.NewCentre(server.URL, server.Client()); err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t *testing.T, dir string) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// blob makes a file in the publisher's feed.
func (s *side) blob(name, text string) release.Blob {
	s.t.Helper()
	data := bytes.Repeat([]byte(text+"\n"), 50_000)
	path := filepath.Join(s.mine.Name(), "artifacts", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	return release.Blob{Path: "artifacts/" + name, Length: int64(len(data)), SHA256: sha256.Sum256(data)}
}

func (s *side) content(b release.Blob) []byte {
	s.t.Helper()
	data, err := s.mine.ReadFile(b.Path)
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

// ask makes one request; it returns the status and the decoded body.
func (s *side) ask(method, path string, body []byte, header ...string) (int, vcm.Proposal, string) {
	s.t.Helper()
	req, err := http.NewRequest(method, s.url+vcm.PublishPath+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var p vcm.Proposal
	var refusal vcm.Refusal
	_ = json.Unmarshal(data, &p)
	_ = json.Unmarshal(data, &refusal)
	return resp.StatusCode, p, refusal.Error
}

func (s *side) propose(d document) (int, vcm.Proposal, string) {
	s.t.Helper()
	return s.ask(http.MethodPost, "?app=notes", d.bytes())
}

// part is where a file waits.
func (s *side) part(p vcm.Proposal, b release.Blob) string {
	return filepath.Join(s.dir, "incoming", p.ID, fmt.Sprintf("%x.unverified", sha256.Sum256([]byte(b.Path))))
}

// waiting names what is below incoming.
func (s *side) waiting() []string {
	s.t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(s.dir), "incoming", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.t.Fatal(err)
	}
	return names
}

func TestPublish(t *testing.T) {
	s := newSide(t, nil)
	d := document{Version: 1, Signed: true, Blobs: []release.Blob{s.blob("a", "first"), s.blob("b", "the same"), s.blob("b2", "the same")}}
	publish := func(d document, o vcmsync.Options) vcmsync.Result {
		t.Helper()
		res, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, o)
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := publish(d, vcmsync.Options{DryRun: true}); len(res.Sent) != 3 || s.current.Version != 0 {
		t.Errorf("a dry run: %+v", res)
	}
	var last vcmsync.Progress
	if res := publish(d, vcmsync.Options{Progress: func(p vcmsync.Progress) { last = p }}); len(res.Sent) != 3 || s.current.Version != 1 {
		t.Errorf("got %+v", res)
	}
	if last.Files != 3 || last.Total != 3 || last.Done != last.Bytes {
		t.Errorf("progress ended with %+v", last)
	}
	if res := publish(d, vcmsync.Options{}); len(res.Sent) != 0 {
		t.Errorf("again: %+v", res)
	}
	d = document{Version: 2, Signed: true, Blobs: append(d.Blobs, s.blob("c", "third"))}
	if res := publish(d, vcmsync.Options{}); !slices.Equal(res.Sent, []string{"artifacts/c"}) {
		t.Errorf("a second release: %+v", res)
	}
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	// A file that the server lost comes back with the document that it serves.
	if err := os.Remove(filepath.Join(s.dir, "feed", "artifacts", "a")); err != nil {
		t.Fatal(err)
	}
	if res := publish(d, vcmsync.Options{}); !slices.Equal(res.Sent, []string{"artifacts/a"}) {
		t.Errorf("repaired: %+v", res)
	}
	// So it does when an earlier try ended before it was put there.
	if err := os.Remove(filepath.Join(s.dir, "feed", "artifacts", "a")); err != nil {
		t.Fatal(err)
	}
	_, p, _ := s.propose(d)
	if status, _, text := s.ask(http.MethodPut, "/"+p.ID+"/artifacts/a", s.content(d.Blobs[0])); status != 200 || p.Published {
		t.Fatalf("%+v %s", p, text)
	}
	if res := publish(d, vcmsync.Options{}); len(res.Sent) != 0 {
		t.Errorf("taken up: %+v", res)
	}
	if got, err := os.ReadFile(filepath.Join(s.dir, "feed", "artifacts", "a")); err != nil || !bytes.Equal(got, s.content(d.Blobs[0])) {
		t.Errorf("it is not back: %v", err)
	}
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestRefused(t *testing.T) {
	s := newSide(t, func(o *receive.Options) { o.MaxOpen = 2 })
	a := s.blob("a", "first")
	for name, c := range map[string]struct {
		path   string
		body   []byte
		status int
		text   string
	}{
		"no document":  {"?app=notes", nil, 422, "not signed"},
		"not signed":   {"?app=notes", document{Version: 1, Blobs: []release.Blob{a}}.bytes(), 422, "not signed"},
		"too old":      {"?app=notes", document{Version: 7, Signed: true}.bytes(), 409, "must follow"},
		"too long":     {"?app=notes", make([]byte, vcm.MaxProposal+1), 413, "at most"},
		"no app":       {"", document{Version: 1, Signed: true}.bytes(), 400, "app name"},
		"a path":       {"?app=../x", document{Version: 1, Signed: true}.bytes(), 400, "app name"},
		"another's":    {"?app=other", document{Version: 1, Signed: true}.bytes(), 422, "not signed"},
		"unknown":      {"/" + strings.Repeat("a", 64), nil, 404, "propose the document first"},
		"not an id":    {"/..%2f..%2ffeed", nil, 404, "propose the document first"},
		"not even one": {"/x", nil, 404, "propose the document first"},
	} {
		status, _, text := s.ask(http.MethodPost, c.path, c.body)
		if status != c.status || !strings.Contains(text, c.text) {
			t.Errorf("%s: %d %q, want %d %q", name, status, text, c.status, c.text)
		}
	}
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("something was kept: %v", got)
	}

	// Several proposals may be open, and not more.
	for n, want := range []int{200, 200, 503} {
		d := document{Version: 1, Signed: true, Blobs: []release.Blob{a, {Path: fmt.Sprint("artifacts/x", n), Length: 1, SHA256: release.Digest{1}}}}
		if status, _, text := s.propose(d); status != want {
			t.Errorf("proposal %d: %d %s", n, status, text)
		}
	}
}

// Those who send a document bit by bit take no place from others for long.
func TestSlowSenders(t *testing.T) {
	s := newSide(t, func(o *receive.Options) { o.Idle = 200 * time.Millisecond })
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			resp, err := http.Post(s.url+vcm.PublishPath+"?app=notes", "application/json", drip{t.Context().Done()})
			if err != nil {
				return // the server hung up on it
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusServiceUnavailable {
				t.Errorf("ended with %d", resp.StatusCode)
			}
		})
	}
	all.Wait()
	if status, _, text := s.propose(document{Version: 1, Signed: true}); status != http.StatusOK {
		t.Errorf("a publisher after them: %d %s", status, text)
	}
}

// drip is a body that never ends.
type drip struct{ over <-chan struct{} }

func (d drip) Read(b []byte) (int, error) {
	select {
	case <-d.over:
		return 0, io.EOF
	case <-time.After(20 * time.Millisecond):
		b[0] = ' '
		return 1, nil
	}
}

func TestFileIsHeldToTheDocument(t *testing.T) {
	s := newSide(t, nil)
	a := s.blob("a", "first")
	_, p, _ := s.propose(document{Version: 1, Signed: true, Blobs: []release.Blob{a}})
	data, wrong := s.content(a), bytes.Repeat([]byte("x"), int(a.Length))
	put := func(path string, body []byte, header ...string) (int, string) {
		t.Helper()
		status, _, text := s.ask(http.MethodPut, "/"+p.ID+"/"+path, body, header...)
		return status, text
	}
	for name, c := range map[string]struct {
		path   string
		body   []byte
		header []string
		status int
	}{
		"another file":  {"artifacts/b", data, nil, 404},
		"out of it all": {"..%2f..%2fkeys", data, nil, 404},
		"too short":     {a.Path, data[1:], nil, 400},
		"too long":      {a.Path, append(slices.Clone(data), 'x'), nil, 400},
		"other bytes":   {a.Path, wrong, nil, 422},
		"not the rest":  {a.Path, data[:10], []string{"Content-Range", fmt.Sprintf("bytes 0-9/%d", a.Length)}, 416},
		"other length":  {a.Path, data[:10], []string{"Content-Range", "bytes 0-9/10"}, 416},
		"a gap":         {a.Path, data[10:], []string{"Content-Range", fmt.Sprintf("bytes 10-%d/%d", a.Length-1, a.Length)}, 409},
		"no range":      {a.Path, data, []string{"Content-Range", "lines 1-2/3"}, 400},
	} {
		if status, text := put(c.path, c.body, c.header...); status != c.status {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.status)
		}
		if status, answer, _ := s.ask(http.MethodPost, "/"+p.ID, nil); status != 409 || len(answer.Missing) != 1 {
			t.Errorf("%s: published with %d, %+v", name, status, answer)
		}
	}
	if s.current.Version != 0 {
		t.Fatal("published without its files")
	}
	// What the disk made of it is looked at once more.
	if status, text := put(a.Path, data); status != 200 {
		t.Fatalf("%d %s", status, text)
	}
	part := s.part(p, a)
	if err := os.WriteFile(part, wrong, 0o600); err != nil {
		t.Fatal(err)
	}
	if status, answer, _ := s.ask(http.MethodPost, "/"+p.ID, nil); status != 409 || len(answer.Missing) != 1 {
		t.Errorf("damaged on disk: %d %+v", status, answer)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "feed", a.Path)); err == nil {
		t.Error("a damaged file is in the feed")
	}
}

func TestContinues(t *testing.T) {
	s := newSide(t, nil)
	a := s.blob("a", "first")
	d := document{Version: 1, Signed: true, Blobs: []release.Blob{a}}
	_, p, _ := s.propose(d)
	part := s.part(p, a)
	data := s.content(a)
	if err := os.WriteFile(part, data[:1000], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, p, _ = s.propose(d); len(p.Missing) != 1 || p.Missing[0].Have != 1000 {
		t.Fatalf("got %+v", p)
	}
	res, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, vcmsync.Options{})
	if err != nil || res.SentBytes != a.Length-1000 || s.current.Version != 1 {
		t.Errorf("got %+v, %v", res, err)
	}
}

// A part that was damaged while it waited costs one more try, and no more.
func TestContinuesFromDamage(t *testing.T) {
	s := newSide(t, nil)
	a := s.blob("a", "first")
	d := document{Version: 1, Signed: true, Blobs: []release.Blob{a}}
	_, p, _ := s.propose(d)
	part := s.part(p, a)
	if err := os.WriteFile(part, []byte("damage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, vcmsync.Options{}); err == nil {
		t.Error("nobody noticed")
	}
	if _, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, vcmsync.Options{}); err != nil || s.current.Version != 1 {
		t.Errorf("again: %v", err)
	}
}

func TestOverwritesNothing(t *testing.T) {
	s := newSide(t, nil)
	a := s.blob("a", "first")
	d := document{Version: 1, Signed: true, Blobs: []release.Blob{a}}
	if _, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, vcmsync.Options{}); err != nil {
		t.Fatal(err)
	}
	before := s.content(a)
	d = document{Version: 2, Signed: true, Blobs: []release.Blob{a, s.blob("a", "other")}}
	if status, _, text := s.propose(d); status != 422 || !strings.Contains(text, "publish with the bytes that are there") {
		t.Errorf("%d %s", status, text)
	}
	if got, err := os.ReadFile(filepath.Join(s.dir, "feed", a.Path)); err != nil || !bytes.Equal(got, before) {
		t.Errorf("a published file was changed: %v", err)
	}
}

func TestManyPublishers(t *testing.T) {
	s := newSide(t, nil)
	a, b := s.blob("a", "first"), s.blob("b", "second")
	// All have the same files; half of them another document.
	var all sync.WaitGroup
	var mu sync.Mutex
	errs := map[string]int{}
	for i := range 8 {
		d := document{Version: 1, Signed: true, Blobs: []release.Blob{a, b}}
		if i%2 == 1 {
			slices.Reverse(d.Blobs)
		}
		all.Go(func() {
			_, err := s.centre.Publish(context.Background(), "notes", d.bytes(), s.mine, vcmsync.Options{})
			mu.Lock()
			defer mu.Unlock()
			errs[fmt.Sprint(err)]++
		})
	}
	all.Wait()
	if s.current.Version != 1 || errs["<nil>"] != 8 {
		t.Errorf("version %d, errors %v", s.current.Version, slices.Collect(maps.Keys(errs)))
	}
	s.r.Sweep()
}

func TestSweep(t *testing.T) {
	s := newSide(t, nil)
	a := s.blob("a", "first")
	rests := document{Version: 1, Signed: true, Blobs: []release.Blob{a, s.blob("b", "x")}}
	if status, _, text := s.propose(rests); status != 200 {
		t.Fatal(text)
	}
	s.r.Sweep()
	if got := s.waiting(); len(got) != 1 {
		t.Errorf("a young proposal: %v", got)
	}
	s.mu.Lock()
	s.now = s.now.Add(49 * time.Hour)
	s.mu.Unlock()
	s.r.Sweep()
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("an abandoned proposal: %v", got)
	}
	// What others overtook can never be published.
	s.mu.Lock()
	s.now = time.Now()
	s.mu.Unlock()
	if status, _, text := s.propose(rests); status != 200 {
		t.Fatal(text)
	}
	for _, version := range []int64{1, 2} {
		other := document{Version: version, Signed: true, Blobs: []release.Blob{a}}
		if _, err := s.centre.Publish(context.Background(), "notes", other.bytes(), s.mine, vcmsync.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	s.r.Sweep()
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("an overtaken proposal: %v", got)
	}
	if _, err := s.centre.Publish(context.Background(), "notes", rests.bytes(), s.mine, vcmsync.Options{}); !errors.Is(err, vcmsync.ErrNewer) {
		t.Errorf("got %v", err)
	}
}

func TestServersTrouble(t *testing.T) {
	s := newSide(t, nil)
	d := document{Version: 1, Signed: true, Blobs: []release.Blob{s.blob("a", "first")}}
	_, p, _ := s.propose(d)
	if status, _, text := s.ask(http.MethodPut, "/"+p.ID+"/artifacts/a", s.content(d.Blobs[0])); status != 200 {
		t.Fatal(text)
	}
	s.fail = errors.New("the key is at /secret/path")
	status, _, text := s.ask(http.MethodPost, "/"+p.ID, nil)
	if status != 500 || strings.Contains(text, "secret") || text == "" {
		t.Errorf("%d %q", status, text)
	}
	if status, p, text := s.ask(http.MethodPost, "/"+p.ID, nil); status != 200 || !p.Published {
		t.Errorf("again: %d %s", status, text)
	}
}

// A release's key is one app's. It must not reach the metadata of all apps, or a file by another spelling of its name.
func TestFilesHaveTheirPlace(t *testing.T) {
	s := newSide(t, nil)
	for _, path := range []string{"metadata/2.root.json", "metadata/timestamp.json", "mETADATA/timestamp.json", "index.html", "artifacts", "artifacts/A"} {
		b := release.Blob{Path: path, Length: 1, SHA256: sha256.Sum256([]byte("x"))}
		status, p, text := s.propose(document{Version: 1, Signed: true, Blobs: []release.Blob{b}})
		if status != http.StatusUnprocessableEntity || !strings.Contains(text, "artifacts/") {
			t.Errorf("%s: %d %q %+v", path, status, text, p)
		}
	}
	if got := s.waiting(); len(got) != 0 {
		t.Errorf("something was kept: %v", got)
	}
}
