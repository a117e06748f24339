//go:build linux

// Package release is a publisher: it builds apps from the sources around it, with small changes
// for other versions, and makes and serves feeds with the vcm command.
//
// What is built is kept in build/cache under the hash of everything that went into it, so a second
// run builds nothing. Only the newest result of each variant is kept. Builds of several programs
// at once wait for one another; one that was killed leaves nothing under a final name.
package release

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// An Edit replaces Old, which is in the file exactly once, by New. An empty Old appends New; so a
// file that is not there is made.
type Edit struct{ File, Old, New string }

// A Variant is an app built from these sources with some edits.
type Variant struct {
	Name    string // names its folder in the cache
	Version string
	Edits   []Edit
}

// A Builder builds variants.
type Builder struct {
	root  string // of the repository
	cache string
	Log   func(format string, args ...any)
}

// NewBuilder finds the repository from the working directory upwards.
func NewBuilder(log func(format string, args ...any)) (*Builder, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		if _, err := os.Stat(filepath.Join(root, "wails.json")); err == nil {
			break
		}
		parent := filepath.Dir(root)
		if parent == root {
			return nil, errors.New("no wails.json here or above: run this inside the repository")
		}
		root = parent
	}
	return &Builder{root: root, cache: filepath.Join(root, "build", "cache"), Log: log}, nil
}

// Blobs is the folder for Feed.Blobs.
func (b *Builder) Blobs() string { return filepath.Join(b.cache, "blobs") }

// Root is the top folder of the repository.
func (b *Builder) Root() string { return b.root }

// lock keeps other programs from building at the same time.
func (b *Builder) lock() (unlock func(), err error) {
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(b.cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

const (
	modulePath = "github.com/tesseract-desktop/tesseract"
	appTags    = "desktop,production,webkit2_41"
)

// App returns the path of the variant's binary, which trusts that root.json.
func (b *Builder) App(ctx context.Context, v Variant, trustRoot []byte) (string, error) {
	unlock, err := b.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	sources, err := readTree(b.root)
	if err != nil {
		return "", err
	}
	for _, e := range v.Edits {
		if err := sources.edit(e); err != nil {
			return "", fmt.Errorf("variant %s: %w", v.Name, err)
		}
	}
	ldflags := fmt.Sprintf("-s -w -X %[1]s/app.Version=%[2]s -X %[1]s/app.TrustRoot=%[3]s",
		modulePath, v.Version, base64.StdEncoding.EncodeToString(trustRoot))
	result := filepath.Join(b.cache, "app", v.Name, sources.key("", ldflags, runtime.Version()), "tesseract")
	if _, err := os.Stat(result); err == nil {
		return result, nil
	}

	b.Log("building %s", v.Name)
	work := filepath.Join(b.cache, "src", v.Name)
	if err := sources.write(work); err != nil {
		return "", err
	}
	if err := b.frontend(ctx, sources, work); err != nil {
		return "", fmt.Errorf("variant %s: %w", v.Name, err)
	}
	return result, b.goBuild(ctx, work, result, "-tags", appTags, "-ldflags", ldflags, ".")
}

// VCM returns the path of the vcm command, built from the sources as they are.
func (b *Builder) VCM(ctx context.Context) (string, error) {
	unlock, err := b.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	result := filepath.Join(b.cache, "vcm", "current", "vcm") // Go's own cache knows whether it is
	return result, b.goBuild(ctx, b.root, result, "-ldflags", "-s -w", "./cmd/vcm")
}

// frontend puts the built user interface into the tree, from the cache where it is there.
func (b *Builder) frontend(ctx context.Context, sources tree, work string) error {
	kept := filepath.Join(b.cache, "frontend", sources.key("frontend/"))
	dist := filepath.Join(work, "frontend", "dist")
	if _, err := os.Stat(kept); err == nil {
		if err := os.RemoveAll(dist); err != nil {
			return err
		}
		return CopyTree(dist, kept)
	}
	modules := filepath.Join(work, "frontend", "node_modules")
	if _, err := os.Lstat(modules); err != nil {
		if err := os.Symlink(filepath.Join(b.root, "frontend", "node_modules"), modules); err != nil {
			return err
		}
	}
	if err := command(ctx, b.root, filepath.Join(b.root, "build", "scripts", "frontend.sh"), work); err != nil {
		return err
	}
	return replaceTree(kept, dist)
}

func (b *Builder) goBuild(ctx context.Context, dir, result string, args ...string) error {
	if err := os.MkdirAll(filepath.Dir(result), 0o755); err != nil {
		return err
	}
	unfinished := result + ".unfinished"
	args = append([]string{"build", "-trimpath", "-buildvcs=false", "-o", unfinished}, args...)
	if err := command(ctx, dir, "go", args...); err != nil {
		return err
	}
	if err := os.Rename(unfinished, result); err != nil {
		return err
	}
	return keepOnly(filepath.Dir(result))
}

// keepOnly removes the folder's siblings: results of older sources.
func keepOnly(dir string) error {
	siblings, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return err
	}
	for _, s := range siblings {
		if s.Name() != filepath.Base(dir) {
			if err := os.RemoveAll(filepath.Join(filepath.Dir(dir), s.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceTree copies a folder under a name that appears only when the copy is whole.
func replaceTree(to, from string) error {
	unfinished := to + ".unfinished"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := CopyTree(unfinished, from); err != nil {
		return err
	}
	return os.Rename(unfinished, to)
}

func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
