package app

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/workspace"
)

func openSandbox(t *testing.T) *sandbox.Sandbox {
	t.Helper()
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openDocuments(t *testing.T, s *sandbox.Sandbox) *Documents {
	t.Helper()
	ws, err := workspace.Open(workspace.Options{Folder: s.Documents(), Now: func() time.Time { return time.Unix(1_800_000_000, 0).UTC() }})
	if err != nil {
		t.Fatal(err)
	}
	return NewDocuments(ws)
}

// Wails binds every exported method: one too many is a hole.
func TestServicesExportTheirAllowLists(t *testing.T) {
	for typ, want := range map[reflect.Type]string{
		reflect.TypeFor[*Documents](): "Create Delete List Read Rename Undelete Write",
		reflect.TypeFor[*Settings]():  "Get Set",
	} {
		var got []string
		for i := range typ.NumMethod() {
			got = append(got, typ.Method(i).Name)
		}
		slices.Sort(got)
		if names := strings.Join(got, " "); names != want {
			t.Errorf("%v exports %s, want %s", typ, names, want)
		}
	}
}

func keys(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// What the page gets has the names that it reads.
func TestDocumentsThroughTheBridge(t *testing.T) {
	d := openDocuments(t, openSandbox(t))
	entries, err := d.List()
	if err != nil || len(entries) != 1 || entries[0].Path != "Welcome.md" {
		t.Fatalf("the first list is %v, %v", entries, err)
	}
	if got, want := keys(t, entries[0]), "children folder modified name path size"; got != want {
		t.Errorf("an entry has %s, want %s", got, want)
	}
	if data, err := json.Marshal(entries[0]); err != nil || !strings.Contains(string(data), `"children":[]`) {
		t.Errorf("an entry is %s, %v", data, err)
	}
	document, err := d.Create("a.md", "one")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := keys(t, document), "path revision text"; got != want {
		t.Errorf("a document has %s, want %s", got, want)
	}
	saved, err := d.Write("a.md", "two", document.Revision)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := json.Marshal(saved); err != nil || string(data) != fmt.Sprintf(`{"revision":%q,"savedAt":"2027-01-15T08:00:00Z"}`, saved.Revision) {
		t.Errorf("a save is %s, %v", data, err)
	}
	if err := d.Rename("a.md", "b/c.md"); err != nil {
		t.Fatal(err)
	}
	id, err := d.Delete("b/c.md")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := d.Undelete(id); err != nil || path != "b/c.md" {
		t.Errorf("undeleted %q, %v", path, err)
	}
	if document, err = d.Read("b/c.md"); err != nil || document.Text != "two" {
		t.Errorf("read %+v, %v", document, err)
	}
}

func TestErrorCodes(t *testing.T) {
	s := openSandbox(t)
	d := openDocuments(t, s)
	for name, text := range map[string]string{"a.md": "x", "b.md": "x", "latin1.md": "\xe9", "large.md": strings.Repeat("x", workspace.MaxSize+1)} {
		if err := os.WriteFile(filepath.Join(s.Documents().Path(), name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) error { _, err := d.Read(name); return err }
	write := func(name, text, base string) error { _, err := d.Write(name, text, base); return err }
	undelete := func(id string) error { _, err := d.Undelete(id); return err }
	set := func(patch map[string]any) error {
		_, err := NewSettings(preferences.Open(s.Preferences())).Set(patch)
		return err
	}
	for code, errs := range map[string][]error{
		"conflict":  {write("a.md", "y", "old"), write("gone.md", "y", "old")},
		"not-found": {read("gone.md"), undelete("x"), d.Rename("gone.md", "c.md")},
		"exists":    {d.Rename("a.md", "b.md")},
		"invalid":   {read("../a.md"), d.Rename("a.md", "a.png"), set(map[string]any{"theme": "blue"}), set(map[string]any{"x": 1})},
		"too-large": {read("large.md"), write("new.md", strings.Repeat("x", workspace.MaxSize+1), "")},
		"not-text":  {read("latin1.md"), write("new.md", "\xff", "")},
		"folder": {
			pageError(&sandbox.FolderError{Folder: sandbox.Documents, Err: fs.ErrPermission}),
			pageError(fmt.Errorf("save: %w", &sandbox.FolderError{Folder: sandbox.Documents, Err: fs.ErrExist})),
			pageError(fmt.Errorf("lock: %w", sandbox.ErrBusy)),
		},
		"internal": {pageError(fs.ErrClosed)},
	} {
		for _, err := range errs {
			if err == nil || !strings.HasPrefix(err.Error(), code+": ") {
				t.Errorf("%v does not have the code %s", err, code)
			}
		}
	}
	if err := pageError(nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

func TestSettingsThroughTheBridge(t *testing.T) {
	s := NewSettings(preferences.Open(openSandbox(t).Preferences()))
	// As it comes from the page: decoded JSON.
	var patch map[string]any
	if err := json.Unmarshal([]byte(`{"zoom":1.25,"editor":{"fontSize":18},"updates":{"channel":"beta","checkEvery":"2h","speedLimit":250000,"quietHours":{"on":true,"to":"17:30"}}}`), &patch); err != nil {
		t.Fatal(err)
	}
	chosen, err := s.Set(patch)
	if err != nil || chosen != s.Get() || chosen.Zoom != 1.25 || chosen.Editor.FontSize != 18 || chosen.Updates.Channel != "beta" ||
		chosen.Updates.SpeedLimit != 250_000 || !chosen.Updates.QuietHours.On || chosen.Updates.QuietHours.To != 17*60+30 {
		t.Errorf("chosen %+v, %v", chosen, err)
	}
	for name, want := range map[string]string{
		keys(t, chosen):                    "editor language theme updates zoom",
		keys(t, chosen.Updates):            "automatic channel checkEvery connection holdFor idleMinutes metered probation quietHours share skip speedLimit start",
		keys(t, chosen.Updates.QuietHours): "days downloads from on to",
	} {
		if name != want {
			t.Errorf("preferences have %s, want %s", name, want)
		}
	}
}
