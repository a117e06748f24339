//go:build linux

// Package corpus builds pairs of real programs, an old and a new version of each, that the delta
// codecs are measured on: this app with small changes, well-known Go programs one release apart,
// and a small server by each supported toolchain.
//
// It trusts the Go module proxy as the go command does: by checksum. The app is built from the
// sources around it, so its pairs differ from one commit to the next; everything else is the same
// wherever the same toolchain builds it.
//
// A pair is a folder with the files old, new and recipe.txt, which says how both were made. It is
// kept until its recipe changes; the app's own sources are no part of the recipe, so that figures
// can be compared while other code changes. A folder appears whole: what a killed build leaves has
// a name that ends in .unfinished and is removed by the next one; its sources stay in the system's
// temporary directory.
package corpus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A Pair is two versions of one program for one platform.
type Pair struct {
	Name  string // of its folder
	About string // what the two versions differ by
	OS    string // of the program, as GOOS names it
	Arch  string // of the program, as GOARCH names it

	toolchain string // as GOTOOLCHAIN names it, "" for the one that is installed
	flags     []string
	pkg       string // of the main package, in the sources
	old, new  source
}

// A source is the code of one version.
type source interface {
	// String names the code for the recipe.
	String() string
	// lay puts it into a new folder.
	lay(ctx context.Context, b *Builder, dir string) error
	// flags are what the build of this version needs beside the pair's.
	flags() []string
}

// Files are where a pair was built.
type Files struct{ Old, New, Recipe string }

// A Builder builds pairs and keeps them.
type Builder struct {
	root    string // of the repository
	work    string // sources while they are built
	kept    string // finished pairs
	sources string // of the app, as they were when the first of its pairs was built; "" before

	Rebuild bool                             // build what is there already, too
	Log     func(format string, args ...any) // is told what takes long
}

// NewBuilder keeps pairs in build/bench/corpus of the repository that starts at root. Close it.
func NewBuilder(root string, log func(format string, args ...any)) (*Builder, error) {
	work, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		return nil, err
	}
	return &Builder{root: root, work: work, kept: filepath.Join(root, "build", "bench", "corpus"), Log: log}, nil
}

// Close removes what only building needed.
func (b *Builder) Close() error { return os.RemoveAll(b.work) }

// Build returns the pair's files, and builds them where they are missing.
func (b *Builder) Build(ctx context.Context, p Pair) (Files, error) {
	recipe, err := b.recipe(ctx, p)
	if err != nil {
		return Files{}, fmt.Errorf("pair %s: %w", p.Name, err)
	}
	dir := filepath.Join(b.kept, p.Name)
	files := Files{Old: filepath.Join(dir, "old"), New: filepath.Join(dir, "new"), Recipe: filepath.Join(dir, "recipe.txt")}
	if made, err := os.ReadFile(files.Recipe); err == nil && string(made) == recipe && !b.Rebuild {
		return files, nil
	}
	unfinished := filepath.Join(b.kept, "."+p.Name+".unfinished")
	if err := b.build(ctx, p, recipe, unfinished); err != nil {
		return Files{}, fmt.Errorf("pair %s: %w", p.Name, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return Files{}, err
	}
	return files, os.Rename(unfinished, dir)
}

func (b *Builder) build(ctx context.Context, p Pair, recipe, into string) error {
	if err := os.RemoveAll(into); err != nil {
		return err
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return err
	}
	for _, side := range []struct {
		name string
		source
	}{{"old", p.old}, {"new", p.new}} {
		b.Log("building %s, %s version: %s", p.Name, side.name, side.source)
		if err := b.compile(ctx, p, side.source, filepath.Join(into, side.name)); err != nil {
			return fmt.Errorf("%s version: %w", side.name, err)
		}
	}
	return os.WriteFile(filepath.Join(into, "recipe.txt"), []byte(recipe), 0o644)
}

func (b *Builder) compile(ctx context.Context, p Pair, s source, result string) error {
	dir, err := os.MkdirTemp(b.work, p.Name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := s.lay(ctx, b, dir); err != nil {
		return err
	}
	args := append(append(append([]string{"build", "-o", result}, p.flags...), s.flags()...), p.pkg)
	_, err = run(ctx, dir, p.environ(), "go", args...)
	return err
}

// recipe says everything that decides what is built, but for the app's own sources.
func (b *Builder) recipe(ctx context.Context, p Pair) (string, error) {
	version, err := run(ctx, b.root, p.environ(), "go", "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	side := func(s source) string {
		return fmt.Sprintf("%s, go build %s %s", s, strings.Join(append(append([]string{}, p.flags...), s.flags()...), " "), p.pkg)
	}
	return fmt.Sprintf("toolchain: %s\nenvironment: %s\nold: %s\nnew: %s\n",
		strings.TrimSpace(version), strings.Join(p.environ()[1:], " "), side(p.old), side(p.new)), nil
}

// environ is what the pair's build changes in the environment, the toolchain first.
func (p Pair) environ() []string {
	toolchain := p.toolchain
	if toolchain == "" {
		toolchain = "local"
	}
	cgo := "0"
	if p.cgo() {
		cgo = "1"
	}
	return []string{"GOTOOLCHAIN=" + toolchain, "GOOS=" + p.OS, "GOARCH=" + p.Arch, "CGO_ENABLED=" + cgo, "GOFLAGS=-mod=mod", "GOWORK=off"}
}

// cgo says whether the program needs a C compiler: the app's window does, on Linux.
func (p Pair) cgo() bool {
	_, isApp := p.old.(app)
	return isApp && p.OS == "linux"
}

// run returns what a command wrote to its standard output.
func run(ctx context.Context, dir string, environ []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	cmd.Env = append(os.Environ(), environ...)
	// A compiler that the go command started must not outlive it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		return "", errors.Join(fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err), errors.New(strings.TrimSpace(stderr.String())))
	}
	return stdout.String(), nil
}
