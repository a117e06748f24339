package doctor

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is a user without rights, by convention.
const nobody = 65534

// publicDir is a folder that every user can reach, unlike a test's own.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return resolved(dir)
}

// asNobody examines a path with another user's eyes.
func asNobody(t *testing.T, path string) Report {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	cmd := exec.Command(copyOfThisBinary(t, filepath.Join(publicDir(t), "bin")))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return examined(t, path, cmd)
}

func TestAnotherUsersFolder(t *testing.T) {
	dir := publicDir(t)
	program := put(t, filepath.Join(dir, "notes", "notes"), "")
	one(t, asNobody(t, program), Finding{Code: NotYours, Path: filepath.Join(dir, "notes"), Owner: "root"})
}

func TestAProgramOfAnotherUsers(t *testing.T) {
	dir := publicDir(t)
	theirs, own := put(t, filepath.Join(dir, "all", "notes"), ""), put(t, filepath.Join(dir, "all", "own"), "")
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSticky} {
		if err := os.Chmod(filepath.Join(dir, "all"), mode); err != nil {
			t.Fatal(err)
		}
		one(t, asNobody(t, theirs), Finding{Code: NotYours, Path: theirs, Owner: "root"})
	}
	if err := os.Chown(own, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if r := asNobody(t, own); len(r.Findings) != 0 {
		t.Errorf("a file of one's own: %+v", r)
	}
}

func TestAFolderThatItsOwnerLocked(t *testing.T) {
	dir := publicDir(t)
	program := put(t, filepath.Join(dir, "own", "notes"), "")
	if os.Chown(filepath.Join(dir, "own"), nobody, nobody) != nil || os.Chmod(filepath.Join(dir, "own"), 0o555) != nil {
		t.Skip("only root can give a folder away")
	}
	one(t, asNobody(t, program), Finding{Code: ReadOnly, Path: filepath.Join(dir, "own")})
}

func TestReadOnlyMount(t *testing.T) {
	unshare := []string{"unshare", "--mount", "--map-root-user"}
	if os.Geteuid() == 0 {
		unshare = unshare[:2]
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no mount namespaces here: %s", out)
	}
	dir := realDir(t)
	program := put(t, filepath.Join(dir, "notes", "notes"), "")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := `mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; exec "$0"`
	cmd := exec.Command(unshare[0], append(unshare[1:], "sh", "-euc", script, self, filepath.Dir(program))...)
	r := examined(t, program, cmd)
	one(t, r, Finding{Code: ReadOnly, Path: filepath.Dir(program)})
	if r := Examine(t.Context(), program, Options{}); len(r.Findings) != 0 {
		t.Errorf("outside of that namespace: %+v", r)
	}
}

func TestKindsOfVolumes(t *testing.T) {
	for _, c := range []struct {
		what  string
		magic uint32
		flags uint64
		want  volume
	}{
		{"a disk", unix.EXT4_SUPER_MAGIC, 0, writable},
		{"a disk mounted read-only", unix.EXT4_SUPER_MAGIC, unix.MS_RDONLY | unix.MS_NOSUID, readOnly},
		{"a mounted squashfs", unix.SQUASHFS_MAGIC, unix.MS_RDONLY, image},
		{"a disc", unix.ISOFS_SUPER_MAGIC, 0, image},
		{"an image mounted by a user's process", unix.FUSE_SUPER_MAGIC, unix.MS_RDONLY, readOnly},
	} {
		if got := volumeKind(c.magic, c.flags); got != c.want {
			t.Errorf("%s is %v, want %v", c.what, got, c.want)
		}
	}
	if volumeOf(t.TempDir()) != writable || volumeOf("/no such folder") != writable {
		t.Error("a folder of this test, or one that does not exist, is said to be read-only")
	}
}

func TestAFileOfDebians(t *testing.T) {
	if _, err := os.Stat("/usr/bin/dpkg-query"); err != nil {
		t.Skip("this is no Debian")
	}
	const program = "/usr/bin/dpkg"
	want := Finding{Code: Packaged, Path: program, Manager: "apt", Package: "dpkg", Command: "sudo apt install --only-upgrade dpkg"}
	start := time.Now()
	r := Examine(t.Context(), program, Options{})
	t.Logf("asked for %v", time.Since(start))
	if len(r.Findings) == 0 || r.Findings[0] != want {
		t.Errorf("found %+v, want %+v first", r.Findings, want)
	}
	// Listed below /bin, and found below /usr/bin where one leads to the other.
	if shell, err := filepath.EvalSymlinks("/bin/cat"); err == nil {
		if r := Examine(t.Context(), shell, Options{}); len(r.Findings) == 0 || r.Findings[0].Package != "coreutils" {
			t.Errorf("%s: %+v", shell, r)
		}
	}
}

func TestBooks(t *testing.T) {
	root := realDir(t)
	o := Options{Root: root}.complete()
	put(t, filepath.Join(root, "var/lib/dpkg/info/coreutils.list"), "/.\n/bin\n/bin/ls\n/usr/share/x\n")
	put(t, filepath.Join(root, "var/lib/dpkg/info/libx:amd64.list"), "/opt/x/[a]*b\n/opt/last")
	put(t, filepath.Join(root, "var/lib/dpkg/info/strange name.list"), "/opt/strange\n")
	put(t, filepath.Join(root, "var/lib/pacman/local/notes-app-1:1.2.0-1/files"), "%FILES%\nusr/\nusr/bin/notes\n\n%BACKUP%\n")
	if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg/info/folder.list"), 0o755); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]string{
		"/usr/bin/ls": "apt coreutils sudo apt install --only-upgrade coreutils", "/opt/x/[a]*b": "apt libx:amd64 sudo apt install --only-upgrade libx:amd64",
		"/opt/last": "apt libx:amd64 sudo apt install --only-upgrade libx:amd64", "/usr/bin/notes": "pacman notes-app sudo pacman -Syu",
		"/usr/bin/l": "", "/share/x": "", "/opt/strange": "", "/opt/x/aab": "", "/bin\n/bin/ls": "",
	} {
		got := ""
		if f, ok := o.ask(t.Context(), target); ok {
			got = f.Manager + " " + f.Package + " " + f.Command
		}
		if got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	late, cancel := context.WithCancel(t.Context())
	cancel()
	if f, ok := o.ask(late, "/usr/bin/ls"); ok {
		t.Errorf("too late: %+v", f)
	}
}

// Whoever can write where a package manager should be could have us run anything.
func TestNothingIsRunFromWhereOthersWrite(t *testing.T) {
	root := realDir(t)
	ran := filepath.Join(root, "ran")
	put(t, filepath.Join(root, rpm.program), "#!/bin/sh\ntouch "+ran+"\necho notes\n")
	program := put(t, filepath.Join(root, "opt", "notes"), "")
	if r := Examine(t.Context(), program, Options{Root: root}); len(r.Findings) != 0 {
		t.Errorf("found %+v", r)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program was run from a folder that others can write to")
	}
	if !onlyRootWrites("/usr/bin/env") {
		t.Error("/usr/bin/env is not trusted")
	}
	if onlyRootWrites(filepath.Join(root, "none")) {
		t.Error("what does not exist is trusted")
	}
}

func TestLibrariansThatDoNotAnswerOrDoNotStop(t *testing.T) {
	for program, args := range map[string][]string{"/usr/bin/sleep": {"60"}, "/usr/bin/yes": {"notes"}, "/usr/bin/false": nil} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		l := librarian{args: func(string) []string { return args }}
		start := time.Now()
		if got := l.ask(ctx, program, "/opt/notes"); got != "" {
			t.Errorf("%s answered %q", program, got)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", program, took)
		}
		cancel()
	}
}

func TestAnswersAreBoundedAndPlain(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	for script, want := range map[string]string{
		"echo notes": "notes", "echo notes; exit 1": "", "echo 'x; rm -rf ~'": "", "echo notes; yes | head -c 1000000": "notes", "yes | head -c 1000000 | tr -d '\\n'": "",
	} {
		l := librarian{args: func(string) []string { return []string{"-c", script} }}
		if got := l.ask(t.Context(), shell, "/opt/notes"); got != want {
			t.Errorf("%s: the package is %q, want %q", script, got, want)
		}
	}
	for s, want := range map[string]bool{"libc6:amd64": true, "notes-beta_2": true, "g++": true, "": false, "a b": false, "--force": false, "$(id)": false,
		strings.Repeat("a", 201): false, "ä": false} {
		if (name(s) != "") != want {
			t.Errorf("%q is a package's name: %v", s, !want)
		}
	}
}

func TestRPMCommandKnowsItsDistribution(t *testing.T) {
	root := realDir(t)
	if got := (Options{Root: root}).rpmCommand("notes"); got != "sudo dnf upgrade notes" {
		t.Error(got)
	}
	put(t, filepath.Join(root, "usr", "bin", "zypper"), "")
	if got := (Options{Root: root}).rpmCommand("notes"); got != "sudo zypper update notes" {
		t.Error(got)
	}
}
