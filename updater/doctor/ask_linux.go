package doctor

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ask looks for the program in what package managers have written down, and asks the one whose books only itself can read.
func (o Options) ask(ctx context.Context, target string) (Finding, bool) {
	if ownedByUs(target) {
		return Finding{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, o.Within)
	defer cancel()
	for _, b := range books {
		if pkg := b.search(ctx, o, target); pkg != "" {
			return Finding{Code: Packaged, Path: target, Manager: b.manager, Package: pkg, Command: b.command(pkg)}, true
		}
	}
	if pkg := rpm.ask(ctx, o.system(rpm.program), target); pkg != "" {
		return Finding{Code: Packaged, Path: target, Manager: "rpm", Package: pkg, Command: o.rpmCommand(pkg)}, true
	}
	return Finding{}, false
}

// ownedByUs tells what is certainly in no package: files of a user who is not root.
func ownedByUs(target string) bool {
	var st unix.Stat_t
	return unix.Stat(target, &st) == nil && st.Uid != 0 && int(st.Uid) == os.Geteuid()
}

// books are files, one for each package, with a line for each file of the package. Reading them is several times faster than having the
// package manager read them.
type book struct {
	manager string
	files   string // a pattern
	lines   func(target string) []string
	name    func(file string) string
	command func(pkg string) string
}

var books = []book{
	{"apt", "var/lib/dpkg/info/*.list", dpkgLines, func(file string) string { return strings.TrimSuffix(filepath.Base(file), ".list") },
		func(pkg string) string { return "sudo apt install --only-upgrade " + pkg }},
	// A single package cannot be updated without the others that it was tested with.
	{"pacman", "var/lib/pacman/local/*/files", func(target string) []string { return []string{strings.TrimPrefix(target, "/")} },
		pacmanName, func(string) string { return "sudo pacman -Syu" }},
}

// mostListed bounds a list of files, in bytes. The longest of a whole Debian has 3 MB.
const mostListed = 16 << 20

func (b book) search(ctx context.Context, o Options, target string) string {
	files, err := filepath.Glob(o.system(b.files))
	if err != nil || strings.Contains(target, "\n") {
		return ""
	}
	var list bytes.Buffer
	var lines [][]byte
	for _, line := range b.lines(target) {
		lines = append(lines, []byte("\n"+line+"\n"))
	}
	for _, file := range files {
		if ctx.Err() != nil {
			return ""
		}
		list.Reset()
		list.WriteByte('\n')
		if copySome(&list, file, mostListed) != nil {
			continue
		}
		list.WriteByte('\n')
		for _, line := range lines {
			if bytes.Contains(list.Bytes(), line) {
				return name(b.name(file))
			}
		}
	}
	return ""
}

// dpkgLines are both names that a path may have: packages may still say /bin where that is a link to /usr/bin.
func dpkgLines(target string) []string {
	lines := []string{target}
	for _, folder := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if old, ok := strings.CutPrefix(target, "/usr"); ok && strings.HasPrefix(old, folder) {
			lines = append(lines, old)
		}
	}
	return lines
}

// pacmanName takes the version and the build off a folder's name: <name>-<version>-<build>.
func pacmanName(file string) string {
	parts := strings.Split(filepath.Base(filepath.Dir(file)), "-")
	return strings.Join(parts[:max(0, len(parts)-2)], "-")
}

// A librarian knows which package a file belongs to, and has to be asked.
type librarian struct {
	program string
	args    func(target string) []string
}

var rpm = librarian{"usr/bin/rpm", func(target string) []string {
	return []string{"--query", "--file", "--queryformat", "%{NAME}\\n", "--", target}
}}

// lateOutput is how long a killed command's children may keep its output open.
const lateOutput = 100 * time.Millisecond

// ask returns the first line of the answer, where that is a package's name.
func (l librarian) ask(ctx context.Context, program, target string) string {
	if !onlyRootWrites(program) {
		return ""
	}
	answer := limited{left: mostRead}
	cmd := exec.CommandContext(ctx, program, l.args(target)...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"} // nothing of ours may tell it where its books are
	cmd.Stdout = &answer
	cmd.WaitDelay = lateOutput
	if err := cmd.Run(); err != nil {
		return ""
	}
	line, _, _ := strings.Cut(answer.kept.String(), "\n")
	return name(line)
}

// onlyRootWrites tells whether nobody but root can put something else at path: the file and every folder on the way to it.
func onlyRootWrites(path string) bool {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	for {
		var st unix.Stat_t
		if unix.Stat(path, &st) != nil || st.Uid != 0 || st.Mode&0o022 != 0 {
			return false
		}
		up := filepath.Dir(path)
		if up == path {
			return true
		}
		path = up
	}
}

func (o Options) rpmCommand(pkg string) string {
	if _, err := os.Stat(o.system("usr/bin/zypper")); err == nil {
		return "sudo zypper update " + pkg
	}
	return "sudo dnf upgrade " + pkg
}

// limited keeps the first bytes and drops the rest.
type limited struct {
	kept bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.kept.Write(p[:n])
	l.left -= n
	return len(p), nil
}
