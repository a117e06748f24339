package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/vcm/repository"
)

// Clients that ask a check endpoint, and those that read files, get over a change of all online keys while the server
// runs, and over versions that go back with it.
func TestServedClientsFollowNewKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	runVCM(t, "init", dir, "--app", "notes")
	artifact := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(artifact, programBytes("1.0.0", 1000), 0o755); err != nil {
		t.Fatal(err)
	}
	runVCM(t, "publish", artifact, "--dir", dir, "--version", "1.0.0")
	server := serveFeed(t, dir)
	root, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(trustRoot)))
	if err != nil {
		t.Fatal(err)
	}
	clients := map[string]*feed.Client{}
	for name, check := range map[string]string{"files": "", "endpoint": server.said.Check} {
		c, err := feed.New(feed.Options{URL: server.said.Feed, CheckURL: check, Root: root, Dir: t.TempDir() + "/state", App: "notes"})
		if err != nil {
			t.Fatal(err)
		}
		clients[name] = c
	}
	see := func(when string) {
		t.Helper()
		for name, c := range clients {
			res, err := c.Check(context.Background())
			if err != nil || len(res.Releases) != 1 {
				t.Errorf("%s, by %s: %d releases, %v", when, name, len(res.Releases), err)
			}
		}
	}
	see("before")
	for range 2 {
		runVCM(t, "keys", "rotate", "online", "--dir", dir)
		see("online keys")
	}
	runVCM(t, "keys", "rotate", "root", "targets", "notes-releases", "--dir", dir)
	see("offline keys")
	if newest, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(trustRoot))); err != nil || bytes.Equal(newest, root) {
		t.Errorf("the trust root is the old one, %v", err)
	}
	if code := server.stop(); code != exitOK {
		t.Errorf("the server ended with %d", code)
	}
}

func TestReminders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "releases")
	runVCM(t, "init", dir, "--app", "notes")
	var log bytes.Buffer
	tool := &tool{err: &log}
	later := func() time.Time { return time.Now().Add(200 * 24 * time.Hour) }
	repo, err := repository.Open(repository.Options{Dir: dir, Now: later})
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{repo: repo, log: tool.log(0)}
	now := time.Now()
	k.remind(now)
	if n := bytes.Count(log.Bytes(), []byte("vcm keys renew")); n != 6 {
		t.Errorf("%d reminders:\n%s", n, &log)
	}
	log.Reset()
	k.remind(now.Add(time.Hour))
	if log.Len() != 0 {
		t.Errorf("again after an hour:\n%s", &log)
	}
	k.remind(now.Add(25 * time.Hour))
	if log.Len() == 0 {
		t.Error("nothing more after a day")
	}
}
