//go:build unix

package install

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/tree"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// grove is a site whose program is a folder.
type grove struct {
	*site
	twoSteps bool // its file system cannot exchange names
}

func newGrove(t testing.TB) grove {
	t.Helper()
	g := grove{site: newSite(t)}
	g.ok(os.Remove(g.target))
	g.grow(g.target, "1.0.0")
	return g
}

// at is the grove of a child process.
func at(t testing.TB, state, target string) grove {
	return grove{&site{TB: t, state: state, target: target, folder: filepath.Dir(target)}, os.Getenv("INSTALL_TWO_STEPS") == "true"}
}

// grow makes the tree of a version.
func (g grove) grow(dir, n string) {
	g.Helper()
	for _, sub := range []string{"bin", "share/" + n} {
		g.ok(os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for name, content := range map[string][]byte{"bin/app": version(n), "share/same": bytes.Repeat([]byte("same "), 2000), "share/" + n + "/note": []byte(n)} {
		g.write(filepath.Join(dir, name), content)
	}
	g.ok(os.Chmod(filepath.Join(dir, "share/same"), 0o444))
	g.ok(os.Symlink("bin/app", filepath.Join(dir, "run")))
}

func (g grove) open() *Install {
	g.Helper()
	i, err := Open(Options{Target: g.target, Program: "bin/app", Dir: g.state})
	g.ok(err)
	if g.twoSteps {
		i.exchange = func(*os.Root, string, string) error { return errors.ErrUnsupported }
	}
	g.Cleanup(i.Close)
	return i
}

func (g grove) manifest(dir string) tree.Manifest {
	g.Helper()
	root, err := os.OpenRoot(dir)
	g.ok(err)
	defer root.Close()
	m, err := tree.Scan(g.Context(), root)
	g.ok(err)
	return m
}

// release delivers a patch to a version, or its full artifact.
func (g grove) release(i *Install, n string, full bool) (path string, want Artifact) {
	g.Helper()
	dir := g.TempDir()
	g.grow(dir, n)
	made, err := os.OpenRoot(dir)
	g.ok(err)
	defer made.Close()
	var old *os.Root
	if !full {
		old, err = os.OpenRoot(g.target)
		g.ok(err)
		defer old.Close()
	}
	var out bytes.Buffer
	m, err := tree.Diff(g.Context(), old, made, []delta.Codec{g.codec()}, &out, nil)
	g.ok(err)
	return g.deliver(i, "t", out.Bytes()), Artifact{Length: m.Size(), SHA256: release.Digest(m.Digest())}
}

func (g grove) stage(i *Install, n string) error {
	g.Helper()
	path, want := g.release(i, n, false)
	return i.Patch(g.Context(), nil, path, want)
}

// runs checks that the program is exactly that version, and runs.
func (g grove) runs(n string) {
	g.Helper()
	if got := g.which(); got != n {
		g.Fatalf("the target is %s, want %s", got, n)
	}
}

// which version is in place; anything else ends the test.
func (g grove) which() string {
	g.Helper()
	got := g.manifest(g.target)
	for _, n := range []string{"1.0.0", "1.1.0"} {
		dir := g.TempDir()
		g.grow(dir, n)
		if g.manifest(dir).Digest() != got.Digest() {
			continue
		}
		out, err := exec.Command(filepath.Join(g.target, "run")).Output()
		if err != nil || !bytes.Contains(out, []byte(n)) {
			g.Fatalf("%s does not run: %q, %v", n, out, err)
		}
		return n
	}
	g.Fatalf("the target is neither version:\n%s", got.Encode())
	return ""
}

func TestTreeUpdateAndGoBack(t *testing.T) {
	for name, full := range map[string]bool{"by a patch": false, "by the full artifact": true} {
		t.Run(name, func(t *testing.T) {
			g := newGrove(t)
			g.ok(os.Chmod(g.target, 0o750))
			i := g.open()
			path, want := g.release(i, "1.1.0", full)
			if full {
				g.ok(i.Unpack(t.Context(), path, want))
			} else {
				g.ok(i.Patch(t.Context(), nil, path, want))
			}
			g.runs("1.0.0")
			report, err := i.Trial(t.Context(), time.Minute)
			g.ok(err)
			if report.Version != "1.1.0" {
				t.Errorf("the trial was of %s", report.Version)
			}
			g.ok(i.Swap(t.Context()))
			g.runs("1.1.0")
			if info, err := os.Stat(g.target); err != nil || info.Mode().Perm() != 0o750 {
				t.Errorf("the folder is %v, %v", info.Mode(), err)
			}
			if sum, _, err := i.Current(); err != nil || sum != want.SHA256 {
				t.Errorf("it measures %v, %v", sum, err)
			}
			g.ok(i.Confirm())
			g.clean(i, ".app.previous")
			g.back(i)
			g.runs("1.0.0")
			g.back(i)
			g.runs("1.1.0")
			g.clean(i, ".app.previous")
			_, err = i.Recover()
			g.ok(err)
			g.clean(i, ".app.previous")
		})
	}
}

func TestTreeRollsBack(t *testing.T) {
	g := newGrove(t)
	i := g.open()
	g.ok(g.stage(i, "1.1.0"))
	g.ok(i.Swap(t.Context()))
	for range 2 {
		_, err := i.Boot("1.1.0")
		g.ok(err)
	}
	b, err := i.Boot("1.1.0")
	g.ok(err)
	if !b.RolledBack || b.Program != filepath.Join(g.target, "bin", "app") {
		t.Errorf("booted %+v", b)
	}
	g.runs("1.0.0")
	g.ok(i.Discard())
	g.clean(i)
}

func TestTreeThatWasTamperedWith(t *testing.T) {
	g := newGrove(t)
	i := g.open()
	g.ok(g.stage(i, "1.1.0"))
	g.write(filepath.Join(g.folder, ".app.staged", "share", "extra"), []byte("x"))
	g.is(i.Swap(t.Context()), ErrCorrupt)
	g.holds(g.folder, "app")
	g.ok(g.stage(i, "1.1.0"))
	g.write(filepath.Join(g.target, "share", "extra"), []byte("x"))
	g.is(i.Swap(t.Context()), ErrChanged)
	path, want := g.release(i, "1.1.0", false)
	g.ok(os.Remove(filepath.Join(g.target, "share", "extra")))
	g.is(i.Patch(t.Context(), nil, path, want), ErrCorrupt)
	g.missing(path)
	g.holds(g.folder, "app")
	if err := i.Chain(t.Context(), make([]Step, 2)); err == nil {
		t.Error("took a chain")
	}
	g.runs("1.0.0")
}

func TestOptionsOfATree(t *testing.T) {
	for _, program := range []string{"/bin/app", "../app", "bin/../app"} {
		if _, err := Open(Options{Target: t.TempDir(), Program: program, Dir: t.TempDir()}); err == nil {
			t.Errorf("%q is within the folder", program)
		}
	}
}

// After a crash between any two steps the tree is exactly the old or the new one, and doing it again succeeds and leaves nothing behind.
// Where it takes two steps there is a moment without any, which Recover ends.
func TestTreeKilledAtEveryStep(t *testing.T) {
	for _, twoSteps := range []bool{false, true} {
		for job, least := range map[string]int{"update": 9, "roll back": 4, "go back": 7} {
			t.Run(fmt.Sprintf("%s, two steps %v", job, twoSteps), func(t *testing.T) {
				killed, nowhere := 0, 0
				for ; killedAt(t, job, twoSteps, killed+1, &nowhere); killed++ {
				}
				if killed < least || (nowhere > 0) != twoSteps {
					t.Errorf("killed at %d points, at least %d were expected; at %d of them there was no program", killed, least, nowhere)
				}
			})
		}
	}
}

func killedAt(t *testing.T, job string, twoSteps bool, n int, nowhere *int) bool {
	g := newGrove(t)
	g.twoSteps = twoSteps
	i := g.open()
	if job == "update" {
		g.release(i, "1.1.0", false)
	} else {
		g.ok(g.stage(i, "1.1.0"))
		g.ok(i.Swap(t.Context()))
	}
	if job == "go back" {
		g.ok(i.Confirm())
	}
	if !g.dies(job, n) {
		return false
	}
	look := func() {
		if _, err := os.Lstat(g.target); errors.Is(err, os.ErrNotExist) && twoSteps {
			*nowhere++
			return
		}
		g.which()
	}
	look()
	for again := 1; g.dies("recover", again); again++ {
		look()
	}
	g.updated()
	return true
}

// updated brings the newer version, from wherever things stand.
func (g grove) updated() {
	g.Helper()
	i := g.open()
	recovered, err := i.Recover()
	g.ok(err)
	if recovered.Probation {
		g.ok(i.Confirm())
	}
	if g.which() == "1.0.0" {
		g.ok(g.stage(i, "1.1.0"))
		g.ok(i.Swap(g.Context()))
		g.ok(i.Confirm())
	}
	g.runs("1.1.0")
	g.ok(i.Discard())
	_, err = i.Recover()
	g.ok(err)
	var beside []string
	if _, err := i.Previous(); err == nil {
		beside = append(beside, ".app.previous")
	}
	g.clean(i, beside...)
}

func (g grove) dies(job string, n int) bool {
	g.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestTreeChildThatIsKilled$")
	cmd.Env = append(os.Environ(), "INSTALL_CHILD="+g.state, "INSTALL_TARGET="+g.target, "INSTALL_WHAT="+job, fmt.Sprintf("INSTALL_AT=%d", n), fmt.Sprintf("INSTALL_TWO_STEPS=%v", g.twoSteps))
	out, err := cmd.CombinedOutput()
	if err == nil {
		return false
	}
	if killed(cmd.ProcessState) {
		return true
	}
	g.Fatalf("the child failed: %v\n%s", err, out)
	return false
}

func TestTreeChildThatIsKilled(t *testing.T) {
	if os.Getenv("INSTALL_CHILD") == "" {
		t.Skip("runs only as a child of TestTreeKilledAtEveryStep")
	}
	left, _ := strconv.Atoi(os.Getenv("INSTALL_AT"))
	g := at(t, os.Getenv("INSTALL_CHILD"), os.Getenv("INSTALL_TARGET"))
	i := g.open()
	i.point = func(string) {
		if left--; left == 0 {
			kill()
		}
	}
	switch os.Getenv("INSTALL_WHAT") {
	case "update":
		dir := t.TempDir()
		g.grow(dir, "1.1.0")
		m := g.manifest(dir)
		g.ok(i.Patch(t.Context(), nil, filepath.Join(g.state, "downloads", "t"), Artifact{Length: m.Size(), SHA256: release.Digest(m.Digest())}))
		g.ok(i.Swap(t.Context()))
		g.ok(i.Confirm())
	case "roll back":
		g.ok(i.RollBack())
	case "go back":
		g.back(i)
	case "recover":
		_, err := i.Recover()
		g.ok(err)
	}
}
