package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/release"
	"github.com/tesseract-desktop/tesseract/vcm/keys"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// runVCM runs one command in this process and returns what it printed.
func runVCM(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	run := &tool{args: append(args, "--json"), out: &out, err: &errs, getenv: func(string) string { return "" }}
	if code := run.run(context.Background()); code != exitOK {
		t.Fatalf("vcm %s: exit %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.Bytes()
}

// running is a server in this process.
type running struct {
	said serveResult
	stop func() int // ends it and returns its exit code
}

func serveFeed(t *testing.T, dir string) running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		run := &tool{
			args: []string{"serve", "--dir", dir, "--addr", "127.0.0.1:0", "--json"}, out: in, err: io.Discard,
			getenv: func(string) string { return "" },
		}
		code <- run.run(ctx)
		in.Close()
	}()
	r := running{stop: func() int {
		cancel()
		c := <-code
		code <- c
		return c
	}}
	t.Cleanup(func() { r.stop() })
	if err := json.NewDecoder(out).Decode(&r.said); err != nil {
		t.Fatalf("the server did not come up: %v", err)
	}
	return r
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func download(t *testing.T, c *feed.Client, b release.Blob) []byte {
	t.Helper()
	resp, err := http.Get(c.URL(b))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || int64(len(data)) != b.Length || release.Digest(sha256.Sum256(data)) != b.SHA256 {
		t.Fatalf("%s: status %d, %d bytes; the release says %+v", b.Path, resp.StatusCode, len(data), b)
	}
	return data
}

// What vcm publishes and serves is what the client finds, down to the bytes.
func TestPublishedIsFound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	runVCM(t, "init", dir, "--app", "notes")
	root, err := os.ReadFile(filepath.Join(dir, trustRoot))
	if err != nil {
		t.Fatal(err)
	}
	server := serveFeed(t, dir)
	client, err := feed.New(feed.Options{URL: server.said.Feed, Root: root, Dir: t.TempDir(), App: "notes"})
	if err != nil {
		t.Fatal(err)
	}
	check := func() []release.Release {
		t.Helper()
		res, err := client.Check(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if res.Skipped != 0 {
			t.Fatalf("%d releases skipped", res.Skipped)
		}
		return res.Releases
	}
	if got := check(); len(got) != 0 {
		t.Fatalf("an empty feed has %v", got)
	}
	before, after := programBytes("1.0.0", 40_000), programBytes("1.1.0", 41_000)
	runVCM(t, "publish", write(t, "before", before), "--dir", dir, "--version", "1.0.0")
	runVCM(t, "publish", write(t, "after", after), "--dir", dir, "--version", "1.1.0", "--notes", "Faster.")

	installed, err := release.ParseVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	newest, ok := release.Catalogue{Releases: check()}.Offer(release.Client{Channel: release.Stable, Platform: release.Current(), Current: installed})
	if !ok || newest.Version.String() != "1.1.0" || newest.Notes != "Faster." {
		t.Fatalf("found %v %+v", ok, newest)
	}
	var full bytes.Buffer
	if err := zstd.Decompress(context.Background(), bytes.NewReader(download(t, client, newest.Full)), newest.Length, &full); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(full.Bytes(), after) {
		t.Error("the full artifact is not what was published")
	}
	if len(newest.Patches) != 1 || newest.Patches[0].From != sha256.Sum256(before) {
		t.Fatalf("the patches are %+v", newest.Patches)
	}
	patch := newest.Patches[0]
	codec, ok := delta.ByName(patch.Codec)
	if !ok {
		t.Fatalf("nobody has the codec %s", patch.Codec)
	}
	var patched bytes.Buffer
	old := io.NewSectionReader(bytes.NewReader(before), 0, int64(len(before)))
	if err := codec.Apply(context.Background(), old, bytes.NewReader(download(t, client, patch.Blob)), newest.Length, &patched); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(patched.Bytes(), after) {
		t.Error("the patch does not lead to what was published")
	}
	if code := server.stop(); code != exitOK {
		t.Errorf("the server ended with %d", code)
	}
}

func TestServerKeepsSignaturesFresh(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	runVCM(t, "init", dir, "--app", "notes")
	// The offline keys are elsewhere, as they should be.
	if err := os.RemoveAll(filepath.Join(dir, "keys", "offline")); err != nil {
		t.Fatal(err)
	}
	store, err := keys.New(keys.Options{Dir: filepath.Join(dir, keysDir)})
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(10 * 24 * time.Hour)
	repo, err := repository.Open(repository.Options{Dir: dir, Now: func() time.Time { return later }})
	if err != nil {
		t.Fatal(err)
	}
	fresh := &keeper{repo: repo, online: onlineKeys(store.Signers), log: slog.New(slog.DiscardHandler)}
	tick, done := make(chan time.Time), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(done)
		fresh.keep(ctx, tick)
	}()
	tick <- later
	tick <- later // taken only after the first was worked through
	cancel()
	<-done
	roles, err := repo.Status()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"root": 1, "targets": 1, "notes-releases": 1, "notes-rollout": 2, "snapshot": 2, "timestamp": 2}
	for _, role := range roles {
		if role.Version != want[role.Name] {
			t.Errorf("%s has version %d, want %d", role.Name, role.Version, want[role.Name])
		}
	}
}

func TestServerLetsDownloadsEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("first "))
		cancel()
		_, _ = w.Write([]byte("last"))
	})
	ended := make(chan error, 1)
	go func() { ended <- serveUntil(ctx, listener, slow, slog.New(slog.DiscardHandler)) }()
	resp, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "first last" {
		t.Errorf("got %q, %v", body, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHealthOfAnExpiredFeed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	store, err := keys.New(keys.Options{Dir: filepath.Join(dir, keysDir)})
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []string{"root", "targets", "snapshot", "timestamp", "notes-releases", "notes-rollout"} {
		if _, err := store.Generate(role); err != nil {
			t.Fatal(err)
		}
	}
	long := func() time.Time { return time.Now().Add(-8 * 24 * time.Hour) }
	if _, err := repository.Create(repository.Options{Dir: dir, Now: long}, "notes", store.Signers); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	server := serveFeed(t, dir)
	resp, err := http.Get(server.said.Health)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var health healthResult
	if err := json.NewDecoder(resp.Body).Decode(&health); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusServiceUnavailable || health.Status != "expired" || !strings.Contains(health.Detail, "timestamp") {
		t.Errorf("status %d, %+v", resp.StatusCode, health)
	}
}
