package doctor

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// flatpak recognises the sandbox by the file that Flatpak mounts at its root, where the program cannot put one. A program of the home folder
// started in the terminal of some Flatpak sees that file, too, so the program must lie where Flatpak mounts the app's own files.
func (o Options) flatpak(target string) (Finding, bool) {
	var info bytes.Buffer
	if copySome(&info, o.system(".flatpak-info"), mostRead) != nil || !within(o.system("app"), target) {
		return Finding{}, false
	}
	f := Finding{Code: Flatpak, Path: target, Manager: "Flatpak", Package: name(keyOf(&info, "Application", "name"))}
	if f.Package != "" {
		f.Command = "flatpak update " + f.Package
	}
	return f, true
}

// snapFolders is where snapd mounts snaps; which of the two depends on the distribution.
var snapFolders = []string{"snap", "var/lib/snapd/snap"}

// snap recognises a program below $SNAP, or below a folder of snapd's: <folder>/<name>/<revision>.
func (o Options) snap(target string) (Finding, bool) {
	mounted := o.Getenv("SNAP")
	if mounted == "" || !within(resolved(mounted), target) {
		mounted = ""
		for _, folder := range snapFolders {
			if below, ok := relative(o.system(folder), target); ok && len(below) >= 3 {
				mounted = o.system(filepath.Join(folder, below[0], below[1]))
			}
		}
	}
	if mounted == "" {
		return Finding{}, false
	}
	f := Finding{Code: Snap, Path: target, Manager: "snapd", Package: name(filepath.Base(filepath.Dir(mounted)))}
	if f.Package != "" {
		f.Command = "sudo snap refresh " + f.Package
	}
	return f, true
}

// appImage returns the image that an executable was mounted from, or unpacked from to run. Its runtime says both in the environment.
func (o Options) appImage(executable string) (string, bool) {
	path, mounted := o.Getenv("APPIMAGE"), o.Getenv("APPDIR")
	if !filepath.IsAbs(path) || !filepath.IsAbs(mounted) || !within(resolved(mounted), executable) || !isAppImage(path) {
		return "", false
	}
	return resolved(path), true
}

// isAppImage looks for the mark that the format puts into the header of an ELF file: "AI" and the format's version.
func isAppImage(path string) bool {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var head [11]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return false
	}
	return bytes.Equal(head[:4], []byte("\x7fELF")) && bytes.Equal(head[8:10], []byte("AI")) && (head[10] == 1 || head[10] == 2)
}

// translocated recognises the folders in which macOS mounts programs that were downloaded and never moved by hand.
func translocated(target string) bool {
	return slices.Contains(elements(target), "AppTranslocation")
}

// mostRead bounds what is read of something small, in bytes.
const mostRead = 64 << 10

func copySome(to io.Writer, path string, limit int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(to, io.LimitReader(f, limit))
	return err
}

// keyOf returns a value of a key file: [group], then key=value.
func keyOf(content io.Reader, group, key string) string {
	inside := false
	lines := bufio.NewScanner(content)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = line == "["+group+"]"
			continue
		}
		if k, v, ok := strings.Cut(line, "="); ok && inside && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// name returns what may be shown as the name of a package, in a command that people copy: s, or nothing.
func name(s string) string {
	strange := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._+-@:", r)
	}
	if len(s) > 200 || strings.HasPrefix(s, "-") || strings.ContainsFunc(s, strange) {
		return ""
	}
	return s
}

func within(folder, path string) bool {
	_, ok := relative(folder, path)
	return ok
}

// relative returns the elements of path below folder.
func relative(folder, path string) ([]string, bool) {
	rel, err := filepath.Rel(folder, path)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return nil, false
	}
	return elements(rel), true
}

func elements(path string) []string { return strings.Split(filepath.ToSlash(path), "/") }
