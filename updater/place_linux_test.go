package updater_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/doctor"
)

// nobody is a user without rights, by convention.
const nobody = 65534

// theirsVariable tells a test that runs as nobody of a folder that is not nobody's.
const theirsVariable = "UPDATER_TEST_THEIRS"

// asNobody has a test run once more as a user who may not do everything, where it is run as root; it returns true there.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return os.Getenv(theirsVariable) != ""
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "place")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	put := func(from, name string) string {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	binary, vcm := put(self, "tests"), put(buildVCM(), "vcm")
	makeProgram(t, filepath.Join(dir, "theirs", "notes"), "1.0.0", good)
	for path, mode := range map[string]os.FileMode{"": 0o755, "theirs": 0o755, "theirs/notes": 0o755, "tmp": 0} {
		if mode == 0 {
			mode = 0o700
			if err := os.Mkdir(filepath.Join(dir, path), mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(filepath.Join(dir, path), nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, path), mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), binary, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(dir, "tmp"), "HOME="+filepath.Join(dir, "tmp"), "UPDATER_TEST_VCM="+vcm,
		theirsVariable+"="+filepath.Join(dir, "theirs"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as nobody: %v\n%s", err, out)
	}
	return false
}

func TestFolderThatItsOwnerLocked(t *testing.T) {
	if !asNobody(t) {
		return
	}
	s := newStage(t)
	s.publish("1.1.0", good)
	folder := filepath.Dir(s.program)
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })
	s.hindered(updater.ReadOnly, map[string]string{"path": folder})

	// Once that is mended, the next check goes on by itself.
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	s.engine.Check()
	s.awaitState(updater.Waiting)
}

func TestFolderOfAnotherUser(t *testing.T) {
	if !asNobody(t) {
		return
	}
	s := newStage(t)
	s.publish("1.1.0", good)
	s.program = filepath.Join(os.Getenv(theirsVariable), "notes")
	s.hindered(updater.NotYours, map[string]string{"path": filepath.Dir(s.program), "owner": "root"})
}

func TestPackagedProgram(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("what is in a package belongs to root")
	}
	s := newStage(t)
	s.publish("1.1.0", good)
	asked := s.requests()
	root := s.path("root")
	list := filepath.Join(root, "var/lib/dpkg/info/notes.list")
	if err := os.MkdirAll(filepath.Dir(list), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(list, []byte("/.\n"+s.program+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.doctor = doctor.Options{Root: root}
	s.start()
	end := s.await("managed", func(got updater.Status) bool { return got.Reason != nil })
	p := end.Reason.Params
	if end.State != updater.Idle || end.Reason.Code != updater.Managed || p["manager"] != "apt" || p["package"] != "notes" ||
		p["command"] != "sudo apt install --only-upgrade notes" || len(p) != 3 {
		t.Errorf("%+v, reason %+v", end, end.Reason)
	}
	if paths := asked(); len(paths) > 0 {
		t.Errorf("asked for %s", paths)
	}
}
