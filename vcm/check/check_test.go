package check_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/vcm/check"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// TestWire measures what docs/check.md promises.
func TestWire(t *testing.T) {
	p := newPlace(t, check.Options{})
	for i := range 20 {
		p.release(fmt.Sprintf("1.%d.0", i+1))
	}
	p.rollout(100)
	c := p.client()
	for _, step := range []struct {
		name  string
		does  func()
		limit int64 // of the answer's body, in bytes
	}{
		{"cold start, 21 releases", func() {}, 16 << 10},
		{"no change", func() {}, 600},
		{"changed rollout", func() { p.rollout(200) }, 2500},
		{"no change again", func() {}, 600},
		{"a release more", func() { p.release("2.0.0") }, 16 << 10},
	} {
		step.does()
		in, out := p.wire.in.Load(), p.wire.out.Load()
		res := p.check(c)
		t.Logf("%-24s %d request, body %5d bytes; on the wire %4d up, %5d down", step.name, res.Requests, res.Bytes, p.wire.in.Load()-in, p.wire.out.Load()-out)
		if res.Requests != 1 || res.Bytes > step.limit {
			t.Errorf("%s: %d requests, %d bytes of body, at most %d", step.name, res.Requests, res.Bytes, step.limit)
		}
	}
	if n := p.files.Load(); n != 0 {
		t.Errorf("%d files were asked for beside", n)
	}
	if s := p.checks.Stats(); s.Unchanged != 2 || s.Changed != 3 || s.Bytes == 0 {
		t.Errorf("counted %+v", s)
	}
}

// A feed that was made anew, or a stranger's, has the same versions before long.
func TestAnotherFeedOfTheSameVersions(t *testing.T) {
	mine, other := newPlace(t, check.Options{}), newPlace(t, check.Options{})
	dir := t.TempDir()
	mine.check(mine.clientAt(mine, dir))
	if _, err := mine.clientAt(other, dir).Check(t.Context()); !errors.Is(err, feed.ErrSignature) {
		t.Fatalf("got %v", err)
	}
	mine.check(mine.clientAt(mine, dir))
}

// post sends a check by hand and returns the unpacked answer.
func (p *place) post(body string) (int, string) {
	p.t.Helper()
	resp, err := http.Post(p.server.URL+"/v1/check", "application/json", strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func TestRefusesRequests(t *testing.T) {
	p := newPlace(t, check.Options{})
	for name, body := range map[string]string{
		"nothing":          "",
		"no JSON":          "app=notes",
		"a list":           "[]",
		"two objects":      `{"app":"notes"}{"app":"notes"}`,
		"no app":           `{}`,
		"an app of paths":  `{"app":"../../etc"}`,
		"another app":      `{"app":"other"}`,
		"negative":         `{"app":"notes","have":{"root":-1}}`,
		"a fraction":       `{"app":"notes","have":{"root":1.5}}`,
		"the last number":  `{"app":"notes","have":{"root":9223372036854775807}}`,
		"beyond all":       `{"app":"notes","have":{"root":99999999999999999999}}`,
		"versions as text": `{"app":"notes","have":{"root":"1"}}`,
		"too long":         `{"app":"notes","have":{"` + strings.Repeat("x", 5000) + `":1}}`,
	} {
		code, text := p.post(body)
		if code != http.StatusBadRequest || len(strings.TrimSpace(text)) < 20 {
			t.Errorf("%s: %d %q", name, code, text)
		}
	}
	resp, err := http.Get(p.server.URL + "/v1/check")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", resp.StatusCode)
	}
	if got := p.checks.Stats().Refused; got != 13 {
		t.Errorf("counted %d", got)
	}
}

// files are the names in an answer, sorted.
func files(t testing.TB, body string) []string {
	t.Helper()
	var doc struct {
		Next  int
		Files map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || doc.Next != 18000 {
		t.Fatalf("answer %q: %v", body, err)
	}
	names := []string{}
	for name := range doc.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestSendsWhatDiffers(t *testing.T) {
	p := newPlace(t, check.Options{})
	held := map[string]int64{}
	roles, err := p.repo.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range roles {
		held[r.Name] = r.Version
	}
	for name, c := range map[string]struct {
		change map[string]int64
		want   []string
	}{
		"all there":                  {nil, nil},
		"of the future":              {map[string]int64{"root": 7, "timestamp": held["timestamp"] + 50}, []string{"timestamp.json"}},
		"another app's roles":        {map[string]int64{"other-releases": 3, "../x": 9}, nil},
		"an old timestamp":           {map[string]int64{"timestamp": 1}, []string{"timestamp.json"}},
		"no root":                    {map[string]int64{"root": 0}, []string{"1.root.json"}},
		"releases":                   {map[string]int64{"notes-releases": 1}, []string{fmt.Sprintf("%d.notes-releases.json", held["notes-releases"])}},
		"rollouts of a former state": {map[string]int64{"notes-rollout": 900}, []string{fmt.Sprintf("%d.notes-rollout.json", held["notes-rollout"])}},
	} {
		have := map[string]int64{}
		for role, v := range held {
			have[role] = v
		}
		for role, v := range c.change {
			have[role] = v
		}
		body, err := json.Marshal(map[string]any{"app": app, "have": have})
		if err != nil {
			t.Fatal(err)
		}
		code, text := p.post(string(body))
		if got := files(t, text); code != 200 || !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %d, got %v, want %v", name, code, got, c.want)
		}
	}
	if _, text := p.post(`{"app":"notes"}`); len(files(t, text)) != 6 {
		t.Errorf("a client with nothing got %v", files(t, text))
	}
}

// Every file must come out as it was signed, whatever is in it.
func TestBytesSurvive(t *testing.T) {
	p := newPlace(t, check.Options{})
	roles, err := p.repo.Status()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(roles, func(r repository.Role) bool { return r.Name == "snapshot" })
	odd := fmt.Appendf(nil, `{"signed":{"version":9,"meta":{"snapshot.json":{"version":%d}},"a":"<&> é ","b" : 1.0e+2}}`, roles[i].Version)
	if err := p.feed.WriteFile("metadata/timestamp.json", odd, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // made, and then kept ready
		resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(post(t, p.server.URL, "gzip"))
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if !bytes.Contains(body, append([]byte(`"timestamp.json":`), odd...)) {
			t.Fatalf("the timestamp came as %s", body)
		}
	}
}

// What is around a file's object would be lost in an answer, and lengths and hashes are of the whole file: it is to be
// fetched as a file.
func TestOnlyBareFiles(t *testing.T) {
	p := newPlace(t, check.Options{})
	const targets, timestamp = "metadata/1.targets.json", "metadata/timestamp.json"
	bare := map[string][]byte{}
	for _, name := range []string{targets, timestamp} {
		var err error
		if bare[name], err = p.feed.ReadFile(name); err != nil {
			t.Fatal(err)
		}
		if err := p.feed.WriteFile(name, append(bytes.Clone(bare[name]), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if code, _ := p.post(`{"app":"notes"}`); code != http.StatusServiceUnavailable {
		t.Errorf("a timestamp with a line end: %d", code)
	}
	if err := p.feed.WriteFile(timestamp, bare[timestamp], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, text := p.post(`{"app":"notes"}`); slices.Contains(files(t, text), "1.targets.json") {
		t.Error("targets were sent as another file")
	}
	if err := p.feed.WriteFile(targets, bare[targets], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.feed.WriteFile(timestamp, append([]byte(" "), bare[timestamp]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if p.check(p.client()); p.files.Load() == 0 {
		t.Error("nothing was fetched as a file")
	}
}

// All who hear of a change ask at once: the answer is made once, for the first of them.
func TestManyAskAtOnce(t *testing.T) {
	var said strings.Builder
	p := newPlace(t, check.Options{Log: slog.New(slog.NewTextHandler(&said, nil))}) // a handler writes one line at a time
	if err := p.feed.Remove("metadata/1.targets.json"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			resp, err := http.Post(p.server.URL+"/v1/check", "application/json", strings.NewReader(`{"app":"notes"}`))
			if err != nil {
				t.Error(err)
				return
			}
			if resp.Body.Close(); resp.StatusCode != http.StatusOK {
				t.Error(resp.Status)
			}
		})
	}
	all.Wait()
	if n := strings.Count(said.String(), "left out of answers"); n != 1 {
		t.Errorf("made %d times", n)
	}
}

func post(t *testing.T, url, encoding string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url+"/v1/check", strings.NewReader(`{"app":"notes"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", encoding)
	return req
}

// A file that is missing is left out; the client finds out among the files.
func TestDamagedFeed(t *testing.T) {
	p := newPlace(t, check.Options{})
	if err := p.feed.Remove("metadata/1.targets.json"); err != nil {
		t.Fatal(err)
	}
	if _, text := p.post(`{"app":"notes"}`); slices.Contains(files(t, text), "1.targets.json") {
		t.Fatal("sent what is not there")
	}
	for _, damage := range []string{"", "{", `{"signed":{}}`, "<html>"} {
		if err := p.feed.WriteFile("metadata/timestamp.json", []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _ := p.post(`{"app":"notes"}`); code != http.StatusServiceUnavailable {
			t.Errorf("timestamp %q: %d", damage, code)
		}
	}
	if err := p.feed.Remove("metadata/timestamp.json"); err != nil {
		t.Fatal(err)
	}
	if code, _ := p.post(`{"app":"notes"}`); code != http.StatusServiceUnavailable {
		t.Errorf("no timestamp: %d", code)
	}
}

func TestNewRefuses(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, o := range []check.Options{{}, {Feed: root, Next: -1}, {Feed: root, Streams: -1}} {
		if _, err := check.New(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
}

func TestEvents(t *testing.T) {
	p := newPlace(t, check.Options{})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ran := make(chan struct{})
	go func() { p.checks.Run(ctx); close(ran) }()

	status, header, lines := p.open(ctx, "?app=notes")
	if kind := header.Get("Content-Type"); status != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", status, kind)
	}
	next := func() string {
		t.Helper()
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream has ended")
		return ""
	}
	first := next()
	began := time.Now()
	p.rollout(300)
	if second := next(); second == first {
		t.Fatalf("told %s twice", first)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("a change was told after %v", took)
	}

	t.Run("the real client hears of it", func(t *testing.T) {
		c := p.client()
		p.check(c)
		told, ended := make(chan struct{}, 1), make(chan error, 1)
		watching, end := context.WithCancel(ctx)
		go func() { ended <- c.Watch(watching, func() { told <- struct{}{} }) }()
		p.rollout(400)
		<-told
		if res := p.check(c); res.Rollouts[0].Share != 400 {
			t.Errorf("told too early: %+v", res.Rollouts)
		}
		end()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("watching ended with %v", err)
		}
	})
	t.Run("for whom", func(t *testing.T) {
		for _, query := range []string{"", "?app=other", "?app=..%2F.."} {
			if status, _, _ := p.open(ctx, query); status != http.StatusBadRequest {
				t.Errorf("%q: %d", query, status)
			}
		}
	})
	stop()
	<-ran
	for lines.Scan() { // the end of Run ends streams
	}
}

func TestNotTooManyStreams(t *testing.T) {
	p := newPlace(t, check.Options{Streams: 1})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if status, _, _ := p.open(ctx, "?app=notes"); status != http.StatusOK {
		t.Fatalf("the first: %d", status)
	}
	status, header, _ := p.open(ctx, "?app=notes")
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("the second: %d, come back in %q", status, header.Get("Retry-After"))
	}
	if s := p.checks.Stats(); s.Streams != 1 || s.StreamsRefused != 1 || s.Events != 1 {
		t.Errorf("counted %+v", s)
	}
}
