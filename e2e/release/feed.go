//go:build linux

package release

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
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
	return os.ReadFile(filepath.Join(k.dir, "trust", "root.json"))
}

// A Feed is a folder of releases, and the server in front of it once it is started.
type Feed struct {
	vcm  string
	Dir  string
	Addr string // of the server, host:port

	// Blobs is a folder that keeps artifacts and patches between runs, "" for none. They take most
	// of the time to make; vcm publish proves what it finds of them, and makes the rest.
	Blobs string
}

// NewFeed makes a feed without releases in a folder that is not there yet.
func (k *Keys) NewFeed(dir string) (*Feed, error) {
	return &Feed{vcm: k.vcm, Dir: dir}, CopyTree(dir, k.dir)
}

// Publish adds a release.
func (f *Feed) Publish(ctx context.Context, file, version string) error {
	if err := f.bringBlobs(); err != nil {
		return err
	}
	out, err := desktop.Run(ctx, os.Environ(), nil, f.vcm, "publish", file, "--dir", f.Dir, "--version", version,
		"--channel", "stable", "--platform", "linux-amd64", "--json")
	if err != nil {
		return err
	}
	if !json.Valid(out) {
		return fmt.Errorf("vcm publish --json wrote something else: %s", out)
	}
	return f.keepBlobs()
}

// blobLife is how long a blob is kept that no run asks for.
const blobLife = 3 * 24 * time.Hour

func (f *Feed) bringBlobs() error {
	return f.eachBlob(f.Blobs, func(kept string, info fs.FileInfo, rel string) error {
		if time.Since(info.ModTime()) > blobLife {
			return os.Remove(kept)
		}
		into := filepath.Join(f.Dir, "feed", rel)
		if _, err := os.Stat(into); err == nil {
			return nil
		}
		return CopyFile(into, kept)
	})
}

func (f *Feed) keepBlobs() error {
	if f.Blobs == "" {
		return nil
	}
	return f.eachBlob(filepath.Join(f.Dir, "feed"), func(made string, _ fs.FileInfo, rel string) error {
		kept := filepath.Join(f.Blobs, rel)
		if _, err := os.Stat(kept); err == nil {
			now := time.Now()
			return os.Chtimes(kept, now, now)
		}
		if err := CopyFile(kept+".unfinished", made); err != nil {
			return err
		}
		return os.Rename(kept+".unfinished", kept)
	})
}

// eachBlob visits the artifacts and patches below a folder.
func (f *Feed) eachBlob(root string, visit func(path string, info fs.FileInfo, rel string) error) error {
	for _, kind := range []string{"artifacts", "patches"} {
		if _, err := os.Stat(filepath.Join(root, kind)); root == "" || err != nil {
			continue
		}
		err := filepath.WalkDir(filepath.Join(root, kind), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(p) == ".unfinished" {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, p)
			if err != nil {
				return err
			}
			return visit(p, info, rel)
		})
		if err != nil {
			return err
		}
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
