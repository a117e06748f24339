package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func (f *fixture) delete(t *testing.T, name string) string {
	t.Helper()
	id, err := f.Delete(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) undelete(t *testing.T, id, want string) {
	t.Helper()
	if name, err := f.Undelete(id); err != nil || name != want {
		t.Errorf("Undelete = %q, %v; want %q", name, err, want)
	}
}

func TestDeleteAndUndelete(t *testing.T) {
	f := open(t)
	f.put(t, "a/b.md", "text")
	id := f.delete(t, "a/b.md")
	f.wantNone(t, "a/b.md")
	if entries, err := f.List(); err != nil || paths(entries) != "a/" {
		t.Errorf("the trash shows: %s, %v", paths(entries), err)
	}
	f.undelete(t, id, "a/b.md")
	f.want(t, "a/b.md", "text")
	if _, err := f.Undelete(id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second Undelete: %v", err)
	}
	if left, err := os.ReadDir(filepath.Join(f.dir, trash)); err != nil || len(left) != 0 {
		t.Errorf("the trash holds %v, %v", left, err)
	}
}

func TestUndeleteFindsAFreeName(t *testing.T) {
	f := open(t)
	f.put(t, "a/b.md", "old")
	id := f.delete(t, "a/b.md")
	f.put(t, "a/B.md", "new")
	f.undelete(t, id, "a/b 2.md")
	f.want(t, "a/B.md", "new")
	f.want(t, "a/b 2.md", "old")

	id = f.delete(t, "a")
	f.put(t, "a/c.md", "another folder")
	f.undelete(t, id, "a 2")
	f.want(t, "a 2/b 2.md", "old")

	id = f.delete(t, "a 2/b 2.md")
	f.delete(t, "a 2")
	f.undelete(t, id, "a 2/b 2.md") // its folder is made again
	f.want(t, "a 2/b 2.md", "old")
}

func TestTrashIsKeptThirtyDays(t *testing.T) {
	f := open(t)
	f.put(t, "old.md", "x")
	f.put(t, "young.md", "x")
	old := f.delete(t, "old.md")
	f.time = f.time.Add(24 * time.Hour)
	young := f.delete(t, "young.md")
	f.time = f.time.Add(30*24*time.Hour - time.Second)
	if _, err := f.List(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Undelete(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("31 days in the trash: %v", err)
	}
	f.undelete(t, young, "young.md")
}

func TestDeleteRefuses(t *testing.T) {
	f := open(t)
	f.put(t, ".hidden/x.md", "x")
	for _, name := range []string{"", ".", "..", "../x", ".hidden", ".trash", ".lock", "/etc"} {
		var refused *sandbox.NameError
		if _, err := f.Delete(name); !errors.As(err, &refused) {
			t.Errorf("Delete(%q) = %v, want a NameError", name, err)
		}
	}
	if _, err := f.Delete("gone.md"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Delete of nothing: %v", err)
	}
	for _, id := range []string{"", "x", "..", "../../x", "20260503-120000-0123456789abcdeg", "20260503-120000-0123456789abcdef/..", "20260503-120000-0123456789abcdef"} {
		if _, err := f.Undelete(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Undelete(%q) = %v", id, err)
		}
	}
}

// What a crash or another program leaves in the trash.
func TestTamperedTrash(t *testing.T) {
	for what, note := range map[string]string{
		"leads out": `{"path":"../../evil.md","deleted":"2026-05-03T12:00:00Z"}`,
		"hidden":    `{"path":".lock","deleted":"2026-05-03T12:00:00Z"}`,
		"no JSON":   `{"path":`,
		"empty":     ``,
		"long":      strings.Repeat(" ", 65<<10),
	} {
		f := open(t)
		f.put(t, "a.md", "text")
		id := f.delete(t, "a.md")
		f.put(t, placeOf(id), note)
		if name, err := f.Undelete(id); err == nil {
			t.Errorf("%s: restored as %s", what, name)
		}
		if data, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(contentOf(id)))); err != nil || string(data) != "text" {
			t.Errorf("%s: the content is %q, %v", what, data, err)
		}
	}
	f := open(t)
	const cut = "20260503-120000-0123456789abcdef"
	f.put(t, placeOf(cut), `{"path":"a.md","deleted":"2026-05-03T12:00:00Z"}`)
	f.put(t, trash+"/mine/keep.txt", "x")
	if _, err := f.List(); err != nil {
		t.Fatal(err)
	}
	f.wantNone(t, trash+"/"+cut)
	if _, err := os.Stat(filepath.Join(f.dir, trash, "mine", "keep.txt")); err != nil {
		t.Errorf("a foreign file in the trash: %v", err)
	}
}
