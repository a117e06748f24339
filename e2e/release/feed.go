//go:build linux

package release

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// Keys are a feed without releases: signing keys and the trust root that apps embed. They are kept
// between runs, so that apps that trust them need not be built anew.
type Keys struct {
	vcm string
	dir string
}

// Keys makes the keys, or returns those of an earlier run with the same vcm command. Kinds with
// different names do not trust one another.
func (b *Builder) Keys(ctx context.Context, vcm, kind string) (*Keys, error) {
	unlock, err := b.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	binary, err := os.ReadFile(vcm)
	if err != nil {
		return nil, err
	}
	// A new month makes new keys, long before these expire.
	name := tree{"vcm": binary}.key("", kind, time.Now().UTC().Format("2006-01"))
	k := &Keys{vcm: vcm, dir: filepath.Join(b.cache, "keys", kind, name)}
	if _, err := k.Root(); err == nil {
		return k, nil
	}
	unfinished := k.dir + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return nil, err
	}
	if _, err := desktop.Run(ctx, os.Environ(), nil, vcm, "init", unfinished, "--app", "tesseract"); err != nil {
		return nil, err
	}
	if err := os.Rename(unfinished, k.dir); err != nil {
		return nil, err
	}
	return k, keepOnly(k.dir)
}

// Root is the trust root that an app embeds.
func (k *Keys) Root() ([]byte, error) {
	return os.ReadFile(filepath.Join(k.dir, "feed", "metadata", "1.root.json"))
}

// A Feed is a folder of releases, and the server in front of it once it is started.
type Feed struct {
	vcm  string
	Dir  string
	Addr string // of the server, host:port
}

// NewFeed makes a feed without releases in a folder that is not there yet.
func (k *Keys) NewFeed(dir string) (*Feed, error) {
	return &Feed{vcm: k.vcm, Dir: dir}, CopyTree(dir, k.dir)
}

// Publish adds a release.
func (f *Feed) Publish(ctx context.Context, file, version string) error {
	out, err := desktop.Run(ctx, os.Environ(), nil, f.vcm, "publish", file, "--dir", f.Dir, "--version", version,
		"--channel", "stable", "--platform", "linux-amd64", "--json")
	if err != nil {
		return err
	}
	if !json.Valid(out) {
		return fmt.Errorf("vcm publish --json wrote something else: %s", out)
	}
	return nil
}

// Serve starts vcm serve on a free port and waits until it is healthy.
func (f *Feed) Serve(ctx context.Context, processes *desktop.Processes) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	f.Addr = free.Addr().String()
	free.Close()
	server, err := processes.Start(os.Environ(), nil, f.vcm, "serve", "--dir", f.Dir, "--addr", f.Addr)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 2 * time.Second}
	return await.Until(ctx, 20*time.Second, "the feed's server", func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Addr+"/healthz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("%w: %s", err, server.Output())
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", response.Status)
		}
		return nil
	})
}

// URL is the address for the app.
func (f *Feed) URL() string { return "http://" + f.Addr + "/feed/" }

// PatchTo returns the size of the newest patch file in the feed's folder, in bytes, and its codec.
func (f *Feed) PatchTo(sha256 string) (size int64, codec string, err error) {
	found, err := filepath.Glob(filepath.Join(f.Dir, "feed", "patches", "*", sha256+".*"))
	if err != nil || len(found) == 0 {
		return 0, "", fmt.Errorf("the feed holds no patch to %s", sha256)
	}
	info, err := os.Stat(found[0])
	if err != nil {
		return 0, "", err
	}
	return info.Size(), filepath.Ext(found[0])[1:], nil
}
