//go:build linux && amd64

package killmatrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	for _, s := range chosen {
		publish := w.publish
		if s.folder {
			publish = w.offer
		}
		if err := publish(s); err != nil {
			return nil, err
		}
	}
	return w, w.serve()
}

// version makes the program of a version, an executable or a folder, and returns its path.
func (w *world) version(version, behaviour string, folder bool) (string, error) {
	path := filepath.Join(w.dir, fmt.Sprintf("version-%s-%s-%v", version, behaviour, folder))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	b, err := os.ReadFile(filepath.Join(w.dir, "program"))
	if err != nil {
		return "", err
	}
	b = append(b, mark+version+" "+behaviour...)
	if folder {
		err = plant(path, version, b)
	} else {
		err = os.WriteFile(path, b, 0o755)
	}
	if err != nil {
		return "", err
	}
	sum, err := sum(path)
	w.sums[sum] = version
	return path, err
}

// inFolder is where the executable lies in a folder.
const inFolder = "bin/program"

// plant makes a folder of a version: with files that are new, the same, and gone in the next one, of different permissions, and a link.
func plant(dir, version string, executable []byte) error {
	for _, sub := range []string{"bin", "share/" + version} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, inFolder), executable, 0o755),
		os.WriteFile(filepath.Join(dir, "share/licence"), bytes.Repeat([]byte("as it is "), 1000), 0o444),
		os.WriteFile(filepath.Join(dir, "share", version, "notes"), []byte(version), 0o644),
		os.Symlink(inFolder, filepath.Join(dir, "run")),
	)
}

// publish makes two feeds of a name: one that ends with the second version, and one that goes on to the third.
func (w *world) publish(s scenario) error {
	before, after, made, err := w.feeds(s.feed)
	if made || err != nil {
		return err
	}
	if err := w.vcm("init", before, "--app", "program"); err != nil {
		return err
	}
	release := func(dir, version, behaviour string, patches int) error {
		path, err := w.version(version, behaviour, false)
		if err != nil {
			return err
		}
		return w.vcm("publish", path, "--dir", dir, "--version", version, "--patches", strconv.Itoa(patches), "--platform", "linux-amd64")
	}
	if s.patches > 0 {
		if err := release(before, first, "good", 0); err != nil {
			return err
		}
	}
	if err := release(before, second, s.behaviour, s.patches); err != nil {
		return err
	}
	if err := w.copyAll(before, after); err != nil {
		return err
	}
	return release(after, third, "good", 0)
}

// offer is publish for a program that is a folder: a patch from each version to the one it is to become, and what that makes.
func (w *world) offer(s scenario) error {
	before, after, made, err := w.feeds(s.feed)
	if made || err != nil {
		return err
	}
	patch := func(dir, from, to string, behaviours ...string) error {
		var paths []string
		for n, v := range []string{from, to} {
			path, err := w.version(v, behaviours[n], true)
			if err != nil {
				return err
			}
			paths = append(paths, path)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		name := filepath.Join(dir, from)
		cmd := exec.Command(filepath.Join(w.dir, "vcm"), "diff", paths[0], paths[1], "-o", name+".patch", "--codec", "bsdiff", "--json")
		out, err := w.run(cmd)
		if err != nil {
			return fmt.Errorf("make the patch of a folder: %w\n%s", err, out)
		}
		return os.WriteFile(name+".json", out, 0o600)
	}
	return errors.Join(
		patch(before, first, second, "good", s.behaviour),
		patch(after, first, third, "good", "good"),
		patch(after, second, third, s.behaviour, "good"),
	)
}

// feeds are the folders of two feeds of a name, and whether they have been made.
func (w *world) feeds(name string) (before, after string, made bool, err error) {
	before, after = filepath.Join(w.dir, "feeds", name), filepath.Join(w.dir, "feeds", name+"-next")
	if _, err := os.Stat(before); err == nil {
		return before, after, true, nil
	}
	return before, after, false, os.MkdirAll(filepath.Dir(before), 0o755)
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

// which version a file or a folder is, exactly; an error for any other.
func (w *world) which(path string) (string, error) {
	sum, err := sum(path)
	if err != nil {
		return "", err
	}
	version, ok := w.sums[sum]
	if !ok {
		return "", fmt.Errorf("%s is no version", path)
	}
	return version, nil
}

// sum is the SHA-256 of a file, or of everything in a folder.
func sum(path string) (string, error) {
	all := sha256.New()
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(all, "%s %v\n", p[len(path):], info.Mode())
		switch info.Mode().Type() {
		case fs.ModeSymlink:
			to, err := os.Readlink(p)
			fmt.Fprintln(all, to)
			return err
		case 0:
			f, err := os.Open(p)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(all, f)
			return err
		}
		return nil
	})
	return hex.EncodeToString(all.Sum(nil)), err
}
