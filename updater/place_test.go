package updater_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/doctor"
)

// requests notes what the engine asks the server for.
func (s *stage) requests() (asked func() []string) {
	var mu sync.Mutex
	var paths []string
	s.faulty = func(path string) bool {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, path)
		return false
	}
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(paths)
	}
}

// hindered checks that a release is refused for a reason before a byte of it is asked for, also when the user asks for it, and that it is
// known all the same.
func (s *stage) hindered(code updater.Code, params map[string]string) {
	s.t.Helper()
	asked := s.requests()
	s.start()
	for range 2 {
		end := s.awaitState(updater.Refused)
		if end.Target != "1.1.0" || end.Reason == nil || end.Reason.Code != code || !maps.Equal(end.Reason.Params, params) {
			s.t.Errorf("%+v, reason %+v, want %s %v", end, end.Reason, code, params)
		}
		s.engine.Check()
		s.awaitState(updater.Checking)
	}
	s.awaitState(updater.Refused)
	for _, path := range asked() {
		if strings.Contains(path, "/artifacts/") || strings.Contains(path, "/patches/") {
			s.t.Errorf("%s was asked for", path)
		}
	}
	s.installed("1.0.0")
	if left, err := os.ReadDir(s.path("state/downloads")); err != nil || len(left) > 0 {
		s.t.Errorf("downloads: %v, %v", left, err)
	}
}

// What a package manager put there it also updates: the feed is not even asked.
func TestManagedProgram(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	asked := s.requests()
	installed, err := filepath.EvalSymlinks(s.path("."))
	if err != nil {
		t.Fatal(err)
	}
	s.program = filepath.Join(installed, "scoop", "apps", "notes", "1.0.0", "notes.exe")
	makeProgram(t, s.program, "1.0.0", good)
	want := map[string]string{"manager": "Scoop", "package": "notes", "command": "scoop update notes"}
	managed := func(got updater.Status) bool {
		return got.State == updater.Idle && got.Reason != nil && got.Reason.Code == updater.Managed
	}
	s.start()
	for range 2 {
		end := s.await("managed", managed)
		if end.Target != "" || !maps.Equal(end.Reason.Params, want) || !strings.Contains(end.Reason.Detail, "scoop update notes") {
			t.Errorf("%+v, reason %+v", end, end.Reason)
		}
		s.engine.Check()
	}
	s.await("managed", managed)
	if paths := asked(); len(paths) > 0 {
		t.Errorf("asked for %s", paths)
	}
}

// A process as an image's runtime starts it: the program lies in a mounted folder, and the image is what is replaced.
func TestAppImage(t *testing.T) {
	s := newStage(t)
	s.publish("1.1.0", good)
	mounted := s.program
	image := s.path("Notes.AppImage")
	makeProgram(t, image, "1.0.0", good)
	content, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(content, []byte("\x7fELF")) {
		t.Skip("images are for Linux")
	}
	copy(content[8:], "AI\x02") // the kernel does not look there
	if err := os.WriteFile(image, content, 0o700); err != nil {
		t.Fatal(err)
	}
	environment := map[string]string{"APPIMAGE": image, "APPDIR": filepath.Dir(mounted)}
	s.doctor = doctor.Options{Getenv: func(name string) string { return environment[name] }}
	s.program = image
	s.start()
	s.awaitState(updater.Waiting)
	s.engine.SetVisible(false)
	s.awaitEnd()
	s.installed("1.1.0")
	s.program = mounted
	s.installed("1.0.0")
}
