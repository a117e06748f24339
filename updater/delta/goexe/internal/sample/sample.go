// Package sample builds pairs of small Go programs for tests: an old version and a new one, for any system that Go's own
// linker can link for. Only tests import it.
//
// Each program is built once for a test binary, in a temporary folder, with the toolchain that runs the tests or one that
// it can fetch.
package sample

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Target is what a pair is built for.
type Target struct {
	OS, Arch string
	// Toolchain is a value for GOTOOLCHAIN, such as "go1.24.11". Empty is the local one.
	Toolchain string
	// Flags are further flags of go build.
	Flags string
}

// Linux is the target that most tests need.
var Linux = Target{OS: "linux", Arch: "amd64"}

// Targets are all systems and processors that patches are made for.
var Targets = []Target{
	Linux,
	{OS: "linux", Arch: "arm64"},
	{OS: "windows", Arch: "amd64"},
	{OS: "windows", Arch: "arm64"},
	{OS: "darwin", Arch: "amd64"},
	{OS: "darwin", Arch: "arm64"},
}

func (t Target) String() string {
	return strings.TrimRight(fmt.Sprintf("%s-%s %s%s", t.OS, t.Arch, t.Toolchain, t.Flags), " ")
}

//go:embed testdata
var sources embed.FS

type pair struct {
	once     sync.Once
	old, new []byte
	err      error
}

var built sync.Map // Target -> *pair

// Pair returns the old and the new version of a small program. They are the test's own copies.
func Pair(tb testing.TB, target Target) (before, after []byte) {
	tb.Helper()
	v, _ := built.LoadOrStore(target, new(pair))
	p := v.(*pair)
	p.once.Do(func() {
		if p.old, p.err = build(target, "old"); p.err == nil {
			p.new, p.err = build(target, "new")
		}
	})
	if errors.Is(p.err, exec.ErrNotFound) {
		tb.Skip("no go command here, as under Wine: ", p.err)
	}
	if p.err != nil {
		tb.Fatal(p.err)
	}
	return append([]byte(nil), p.old...), append([]byte(nil), p.new...)
}

func build(target Target, version string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "sample-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	for _, part := range []string{"common", version} {
		source, err := fs.Sub(sources, "testdata/"+part)
		if err != nil {
			return nil, err
		}
		if err := os.CopyFS(dir, source); err != nil {
			return nil, err
		}
	}
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", "out"}, strings.Fields(target.Flags)...)
	cmd := exec.Command("go", append(args, "main.go", "more.go")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS="+target.OS, "GOARCH="+target.Arch, "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if target.Toolchain != "" {
		cmd.Env = append(cmd.Env, "GOTOOLCHAIN="+target.Toolchain)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the %s sample for %v: %w\n%s", version, target, err, out)
	}
	return os.ReadFile(filepath.Join(dir, "out"))
}
