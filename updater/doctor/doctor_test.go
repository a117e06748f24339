package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// examineVariable makes this binary examine a path and print the report: as another user, in another place, in another environment.
const examineVariable = "DOCTOR_TEST_EXAMINE"

func TestMain(m *testing.M) {
	if path := os.Getenv(examineVariable); path != "" {
		if path == "self" {
			path, _ = os.Executable()
		}
		if err := json.NewEncoder(os.Stdout).Encode(Examine(context.Background(), path, Options{})); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// examined runs a command that becomes this binary, and returns what that finds.
func examined(t *testing.T, path string, cmd *exec.Cmd) Report {
	t.Helper()
	cmd.Env = append(cmd.Environ(), examineVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return r
}

// put writes a file below folders that it makes.
func put(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// realDir is a folder for this test without links in its path.
func realDir(t *testing.T) string {
	t.Helper()
	return resolved(t.TempDir())
}

func environment(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// one checks that a report has exactly one finding.
func one(t *testing.T, r Report, want Finding) {
	t.Helper()
	if len(r.Findings) != 1 || r.Findings[0] != want {
		t.Fatalf("found %+v, want %+v", r.Findings, want)
	}
}

func TestAProgramInAFolderOfOnesOwn(t *testing.T) {
	dir := realDir(t)
	program := put(t, filepath.Join(dir, "app"), "program")
	if r := Examine(t.Context(), program, Options{}); r.Target != program || len(r.Findings) != 0 || r.Err() != nil {
		t.Errorf("found %+v", r)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(program, link); err != nil {
		t.Skip("no links here:", err)
	}
	if _, err := os.Readlink(link); err != nil {
		t.Skip("Wine 8 says that it makes links, and makes none:", err)
	}
	if r := Examine(t.Context(), link, Options{}); r.Target != program {
		t.Errorf("the target of a link is %s, want %s", r.Target, program)
	}
}

func TestAMissingProgramIsNoFinding(t *testing.T) {
	if r := Examine(t.Context(), filepath.Join(realDir(t), "none", "app"), Options{}); len(r.Findings) != 0 {
		t.Errorf("found %+v", r)
	}
}

func TestFlatpak(t *testing.T) {
	root := realDir(t)
	inside, outside := put(t, filepath.Join(root, "app", "bin", "notes"), ""), put(t, filepath.Join(root, "home", "me", "notes"), "")
	o := Options{Root: root, Getenv: environment(nil)}
	if r := Examine(t.Context(), inside, o); len(r.Findings) != 0 {
		t.Errorf("without the sandbox's file: %+v", r)
	}
	put(t, filepath.Join(root, ".flatpak-info"), "[Instance]\nname=other\n\n[Application]\nname = org.example.Notes\nruntime=x\n")
	one(t, Examine(t.Context(), inside, o),
		Finding{Code: Flatpak, Path: inside, Manager: "Flatpak", Package: "org.example.Notes", Command: "flatpak update org.example.Notes"})
	if r := Examine(t.Context(), outside, o); len(r.Findings) != 0 {
		t.Errorf("a program of the home folder, started from a Flatpak: %+v", r)
	}
	put(t, filepath.Join(root, ".flatpak-info"), "[Application]\nname=x; rm -rf ~\n")
	one(t, Examine(t.Context(), inside, o), Finding{Code: Flatpak, Path: inside, Manager: "Flatpak"})
}

func TestSnap(t *testing.T) {
	root := realDir(t)
	o := Options{Root: root, Getenv: environment(nil)}
	for _, folder := range snapFolders {
		program := put(t, filepath.Join(root, filepath.FromSlash(folder), "notes", "42", "bin", "notes"), "")
		one(t, Examine(t.Context(), program, o),
			Finding{Code: Snap, Path: program, Manager: "snapd", Package: "notes", Command: "sudo snap refresh notes"})
	}
	elsewhere := put(t, filepath.Join(root, "mnt", "notes_beta", "7", "bin", "notes"), "")
	o.Getenv = environment(map[string]string{"SNAP": filepath.Join(root, "mnt", "notes_beta", "7")})
	one(t, Examine(t.Context(), elsewhere, o),
		Finding{Code: Snap, Path: elsewhere, Manager: "snapd", Package: "notes_beta", Command: "sudo snap refresh notes_beta"})
	started := put(t, filepath.Join(root, "home", "me", "notes"), "")
	if r := Examine(t.Context(), started, o); len(r.Findings) != 0 {
		t.Errorf("a program of the home folder, started from a snap: %+v", r)
	}
}

const appImageHead = "\x7fELF\x02\x01\x01\x00AI\x02 and the rest of the runtime"

func TestAppImage(t *testing.T) {
	dir := realDir(t)
	file := put(t, filepath.Join(dir, "Applications", "Notes.AppImage"), appImageHead)
	other := put(t, filepath.Join(dir, "Applications", "notes.elf"), "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00")
	mounted := filepath.Join(dir, "mount_Notes")
	inside, outside := put(t, filepath.Join(mounted, "usr", "bin", "notes"), ""), put(t, filepath.Join(dir, "notes"), "")
	for what, c := range map[string]struct {
		program, image, mounted string
		is                      bool
	}{
		"started by its runtime":               {inside, file, mounted, true},
		"started from another app's terminal":  {outside, file, mounted, false},
		"the image is some other program":      {inside, other, mounted, false},
		"the image is gone":                    {inside, file + ".gone", mounted, false},
		"the image is a folder":                {inside, dir, mounted, false},
		"an image named relative to somewhere": {inside, "Notes.AppImage", mounted, false},
		"no environment":                       {inside, "", "", false},
	} {
		r := Examine(t.Context(), c.program, Options{Getenv: environment(map[string]string{"APPIMAGE": c.image, "APPDIR": c.mounted})})
		want := Report{Target: c.program}
		if c.is {
			want = Report{Target: file, Findings: []Finding{{Code: AppImage, Path: file}}}
		}
		if fmt.Sprint(r) != fmt.Sprint(want) || r.Err() != nil {
			t.Errorf("%s: %+v, want %+v", what, r, want)
		}
	}
}

// A process as an image's runtime starts it: the executable in the mounted folder, the image's path in the environment.
func TestAppImageFromItsOwnProcess(t *testing.T) {
	dir := realDir(t)
	file := put(t, filepath.Join(dir, "Notes.AppImage"), appImageHead)
	self := copyOfThisBinary(t, filepath.Join(dir, "mount_Notes", "usr", "bin"))
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "APPIMAGE="+file, "APPDIR="+filepath.Join(dir, "mount_Notes"))
	if r := examined(t, "self", cmd); r.Target != file {
		t.Errorf("the target is %s, want %s", r.Target, file)
	}
	t.Setenv("APPIMAGE", file)
	t.Setenv("APPDIR", filepath.Join(dir, "mount_Notes"))
	if got := Program(self); got != file {
		t.Errorf("the program is %s, want %s", got, file)
	}
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if got := Program(here); got != here {
		t.Errorf("the program is %s, want %s", got, here)
	}
}

func copyOfThisBinary(t *testing.T, folder string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	return put(t, filepath.Join(folder, "notes.exe"), string(content))
}

func TestShelves(t *testing.T) {
	for path, want := range map[string]string{
		"/opt/homebrew/Cellar/notes/1.2.0/bin/notes":                                      "Homebrew notes brew upgrade notes",
		"/home/linuxbrew/.linuxbrew/Cellar/notes@2/2.0/bin/notes":                         "Homebrew notes@2 brew upgrade notes@2",
		"/usr/local/Caskroom/notes/1.2.0/Notes.app":                                       "Homebrew notes brew upgrade --cask notes",
		"/nix/store/0c8v3l2q5q3n4x8i0m1l4b6k2y5n7z9d-notes-1.2.0/bin/notes":               "Nix notes-1.2.0 ",
		"/gnu/store/0c8v3l2q5q3n4x8i0m1l4b6k2y5n7z9d-notes-1.2.0/bin/notes":               "Guix notes-1.2.0 ",
		"C:/Users/me/scoop/apps/notes/current/notes.exe":                                  "Scoop notes scoop update notes",
		"C:/ProgramData/chocolatey/lib/notes/tools/notes.exe":                             "Chocolatey notes choco upgrade notes",
		"C:/Users/me/AppData/Local/Microsoft/WinGet/Packages/A.Notes_Microsoft.W/n.exe":   "WinGet A.Notes winget upgrade A.Notes",
		"C:/Program Files/WindowsApps/Example.Notes_1.2.0.0_x64__8wekyb3d8bbwe/notes.exe": "Microsoft Store Example.Notes ",
		"/home/me/Cellar/notes":                     "",
		"/home/me/notes":                            "",
		"/opt/homebrew/Cellar/-rf/1.2.0/bin/notes":  "",
		"/opt/homebrew/Cellar/a b/1.2.0/bin/notes":  "",
		"/nix/store/README/bin/notes":               "",
		"C:/Program Files/Notes/WindowsApps/it.exe": "",
	} {
		got := ""
		for _, s := range shelves {
			if f, ok := s.find(path); ok {
				got = f.Manager + " " + f.Package + " " + f.Command
				break
			}
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestTranslocated(t *testing.T) {
	dir := realDir(t)
	program := put(t, filepath.Join(dir, "AppTranslocation", "6F0E", "d", "Notes.app", "Contents", "MacOS", "notes"), "")
	r := Examine(t.Context(), program, Options{})
	one(t, r, Finding{Code: Translocated, Path: program})
	var refusal *Error
	if err := r.Err(); !errors.As(err, &refusal) || refusal.Finding.Code != Translocated {
		t.Errorf("the error is %v", err)
	}
}

// Every finding has words of its own, and every obstacle something to do.
func TestWords(t *testing.T) {
	all := []Code{Flatpak, Snap, Packaged, Translocated, Image, ReadOnly, NotYours, AppImage}
	said := map[string]Code{}
	for _, code := range all {
		f := Finding{Code: code, Path: "/p", Manager: "apt", Package: "notes", Command: "apt upgrade"}
		for _, words := range []string{f.Sentence(), f.Sentence() + f.Remedy()} {
			if words == "" {
				t.Errorf("no words for %s", code)
			}
			if before, twice := said[words]; twice && before != code {
				t.Errorf("%s and %s are told in the same words", before, code)
			}
			said[words] = code
		}
		if f.Hinders() != (code != AppImage) {
			t.Errorf("%s: hinders %v", code, f.Hinders())
		}
	}
	if got := (Finding{Code: "new"}); got.Sentence()+got.Remedy() != "" {
		t.Error("words for a code that does not exist")
	}
	f := Finding{Code: Packaged, Path: "/p", Manager: "apt", Package: "notes"}
	if want := map[string]string{"path": "/p", "manager": "apt", "package": "notes"}; !maps.Equal(f.Params(), want) {
		t.Errorf("parameters %v, want %v", f.Params(), want)
	}
}

func BenchmarkExamine(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		Examine(b.Context(), self, Options{})
	}
}
