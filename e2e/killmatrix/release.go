//go:build linux && amd64

package killmatrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
)

// The versions. From the first to the second goes what is tormented; the third is the next good release.
const (
	first  = "1.0.0"
	second = "1.1.0"
	third  = "1.2.0"
)

const mark = "\nprogram "

// world is everything that is made once.
type world struct {
	dir      string
	launcher string
	address  string // of the feeds' server
	server   *http.Server
	sums     map[string]string // of each version and behaviour, by SHA-256: the version
	forks    chan func()       // to the thread that starts commands
}

// build compiles the programs and publishes the releases of the scenarios.
func build(dir string, chosen []scenario) (*world, error) {
	w := &world{dir: dir, launcher: filepath.Join(dir, "launch"), sums: map[string]string{}, forks: make(chan func())}
	go w.fork()
	root, err := w.run(exec.Command("go", "list", "-m", "-f", "{{.Dir}}"))
	if err != nil {
		return nil, fmt.Errorf("find the module: %w\n%s", err, root)
	}
	for name, source := range map[string]string{"vcm": "./cmd/vcm", "launch": "./e2e/killmatrix/launch", "program": "./e2e/killmatrix/program"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, name), source)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Dir = string(bytes.TrimSpace(root))
		if out, err := w.run(cmd); err != nil {
			return nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	if _, err := w.version(first, "good"); err != nil {
		return nil, err
	}
	for _, s := range chosen {
		if err := w.publish(s.feed, s.behaviour, s.patches); err != nil {
			return nil, err
		}
	}
	return w, w.serve()
}

// version makes the program of a version, and returns its path.
func (w *world) version(version, behaviour string) (string, error) {
	path := filepath.Join(w.dir, "version-"+version+"-"+behaviour)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	b, err := os.ReadFile(filepath.Join(w.dir, "program"))
	if err != nil {
		return "", err
	}
	b = append(b, mark+version+" "+behaviour...)
	sum := sha256.Sum256(b)
	w.sums[hex.EncodeToString(sum[:])] = version
	return path, os.WriteFile(path, b, 0o755)
}

// publish makes two feeds of a name: one that ends with the second version, and one that goes on to the third.
func (w *world) publish(feed, behaviour string, patches int) error {
	before, after := filepath.Join(w.dir, "feeds", feed), filepath.Join(w.dir, "feeds", feed+"-next")
	if _, err := os.Stat(before); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(before), 0o755); err != nil {
		return err
	}
	if err := w.vcm("init", before, "--app", "program"); err != nil {
		return err
	}
	release := func(dir, version, behaviour string, patches int) error {
		path, err := w.version(version, behaviour)
		if err != nil {
			return err
		}
		return w.vcm("publish", path, "--dir", dir, "--version", version, "--patches", strconv.Itoa(patches), "--platform", "linux-amd64")
	}
	if err := release(before, first, "good", 0); err != nil {
		return err
	}
	if err := release(before, second, behaviour, patches); err != nil {
		return err
	}
	if err := w.copyAll(before, after); err != nil {
		return err
	}
	return release(after, third, "good", 0)
}

// copyAll keeps permissions, and what is one file under two names one file.
func (w *world) copyAll(from, to string) error {
	if out, err := w.run(exec.Command("cp", "-a", from, to)); err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}

// run runs a command and returns what it, and whatever it has started, wrote. All commands are started by one thread: a tracer waits for all
// children of its own, and a thread that has started something must not become one.
func (w *world) run(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := make(chan error)
	w.forks <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, err
	}
	err := cmd.Wait()
	return out.Bytes(), err
}

func (w *world) fork() {
	runtime.LockOSThread()
	for start := range w.forks {
		start()
	}
}

func (w *world) vcm(args ...string) error {
	if out, err := w.run(exec.Command(filepath.Join(w.dir, "vcm"), args...)); err != nil {
		return fmt.Errorf("vcm %v: %w\n%s", args, err, out)
	}
	return nil
}

func (w *world) serve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.address = listener.Addr().String()
	w.server = &http.Server{Handler: http.FileServer(http.Dir(filepath.Join(w.dir, "feeds")))}
	go func() { _ = w.server.Serve(listener) }()
	return nil
}

// close ends the server and the thread.
func (w *world) close() {
	_ = w.server.Close()
	close(w.forks)
}

// which version a file is, exactly; an error for any other.
func (w *world) which(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	version, ok := w.sums[hex.EncodeToString(sum[:])]
	if !ok {
		return "", fmt.Errorf("%s is no version: %d bytes", path, len(b))
	}
	return version, nil
}
