package delta_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// sample returns two versions of a file that the codec is for.
func sample(t testing.TB, c delta.Codec) (old, new []byte) {
	t.Helper()
	if c.Name() != "goexe" {
		old = program(1, 5000)
		return old, edited(old, 2)
	}
	built := goSamples(t)
	return built[0], built[1]
}

func goSamples(t testing.TB) [2][]byte {
	t.Helper()
	built, err := goPrograms()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no go command here, as under Wine: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return built
}

const goSource = `package main

import "strconv"

func greet(n int) string { return "version " + strconv.Itoa(n*%d) }

func main() { println(greet(1)%s) }
`

// goPrograms builds two versions of a small program, once for all tests.
var goPrograms = sync.OnceValues(func() (built [2][]byte, err error) {
	dir, err := os.MkdirTemp("", "delta-sample-")
	if err != nil {
		return built, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module sample\n"), 0o600); err != nil {
		return built, err
	}
	for i, more := range []string{"", `, greet(7), strconv.Quote("one more")`} {
		if err := os.WriteFile(filepath.Join(dir, "main.go"), fmt.Appendf(nil, goSource, i+1, more), 0o600); err != nil {
			return built, err
		}
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", "sample", ".")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			return built, fmt.Errorf("go build: %w: %s", err, out)
		}
		if built[i], err = os.ReadFile(filepath.Join(dir, "sample")); err != nil {
			return built, err
		}
	}
	return built, nil
})
