package workspace

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

func TestReadRefuses(t *testing.T) {
	f := open(t)
	f.put(t, "latin1.md", "caf\xe9")
	f.put(t, "utf16.txt", "\xff\xfeh\x00i\x00")
	f.put(t, "picture.png", "png")
	f.put(t, "large.md", strings.Repeat("x", MaxSize+1))
	f.put(t, "largest.md", strings.Repeat("x", MaxSize))
	f.put(t, ".secret.md", "x")
	f.put(t, "folder.md/x.md", "x")
	for name, want := range map[string]error{
		"latin1.md": ErrNotText, "utf16.txt": ErrNotText, "large.md": sandbox.ErrTooLarge, "gone.md": fs.ErrNotExist, "gone/x.md": fs.ErrNotExist,
		"folder.md": sandbox.ErrNotPlain,
	} {
		if _, err := f.Read(name); !errors.Is(err, want) {
			t.Errorf("Read(%s) = %v, want %v", name, err, want)
		}
	}
	for _, name := range []string{"picture.png", ".secret.md", ".trash/x.md", "../x.md", "/x.md", "", "a", "con.md", "a\\b.md"} {
		var refused *sandbox.NameError
		if _, err := f.Read(name); !errors.As(err, &refused) {
			t.Errorf("Read(%q) = %v, want a NameError", name, err)
		}
	}
	if doc, err := f.Read("largest.md"); err != nil || len(doc.Text) != MaxSize {
		t.Errorf("the largest document: %d bytes, %v", len(doc.Text), err)
	}
}

func TestTextSurvivesExactly(t *testing.T) {
	f := open(t)
	for _, text := range []string{"", "\n", "a\r\nb\r\n", "\ufeffbom", "nul\x00", "文\u0301🎉", "no end"} {
		f.put(t, "a.md", text)
		doc, err := f.Read("a.md")
		if err != nil || doc.Text != text {
			t.Errorf("read %q, %v; want %q", doc.Text, err, text)
		}
		if _, err := f.Write("a.md", text+"!", doc.Revision); err != nil {
			t.Fatal(err)
		}
		f.want(t, "a.md", text+"!")
	}
}

func TestWriteAndConflict(t *testing.T) {
	f := open(t)
	first, err := f.Write("a/b.md", "one", "")
	if err != nil || !first.SavedAt.Equal(f.time) {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := f.Write("a/b.md", "two", first.Revision)
	if err != nil || second.Revision == first.Revision {
		t.Fatalf("%+v, %v", second, err)
	}
	if doc, err := f.Read("a/b.md"); err != nil || doc.Revision != second.Revision {
		t.Errorf("read %+v, %v after saving %+v", doc, err, second)
	}
	for what, base := range map[string]string{"an old base": first.Revision, "no base": "", "nonsense": "x"} {
		if _, err := f.Write("a/b.md", "three", base); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	f.put(t, "a/b.md", "from outside")
	if _, err := f.Write("a/b.md", "three", second.Revision); !errors.Is(err, ErrConflict) {
		t.Errorf("changed outside: %v", err)
	}
	f.want(t, "a/b.md", "from outside")
	if saved, err := f.Write("a/b.md", "from outside", "whatever"); err != nil || saved.Revision != revision([]byte("from outside")) {
		t.Errorf("saving what is there: %+v, %v", saved, err)
	}
	f.put(t, "a/b.md", strings.Repeat("x", MaxSize+1))
	if _, err := f.Write("a/b.md", "three", second.Revision); !errors.Is(err, ErrConflict) {
		t.Errorf("grown outside: %v", err)
	}
	if err := os.Remove(filepath.Join(f.dir, "a", "b.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write("a/b.md", "three", second.Revision); !errors.Is(err, ErrConflict) {
		t.Errorf("deleted outside: %v", err)
	}
	if _, err := f.Write("a/b.md", "three", ""); err != nil {
		t.Errorf("made anew: %v", err)
	}
	if runtime.GOOS != "windows" {
		if info, err := os.Stat(filepath.Join(f.dir, "a", "b.md")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

func TestWriteRefusesBadText(t *testing.T) {
	f := open(t)
	if _, err := f.Write("a.md", strings.Repeat("x", MaxSize+1), ""); !errors.Is(err, sandbox.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := f.Write("a.md", "\xff", ""); !errors.Is(err, ErrNotText) {
		t.Errorf("not text: %v", err)
	}
	if _, err := f.Create("a.md", "\xff"); !errors.Is(err, ErrNotText) {
		t.Errorf("not text: %v", err)
	}
	f.wantNone(t, "a.md")
}

// Many savers that each read, add and save again until it succeeds: nothing is lost.
func TestWritersTogether(t *testing.T) {
	f := open(t)
	f.put(t, "a.md", "")
	const each = 10
	var wg sync.WaitGroup
	for _, mark := range []string{"a", "b", "c", "d"} { // their own, as saving what is there already succeeds
		wg.Go(func() {
			for saved := 0; saved < each; {
				doc, err := f.Read("a.md")
				if err != nil {
					t.Error(err)
					return
				}
				_, err = f.Write("a.md", doc.Text+mark, doc.Revision)
				switch {
				case err == nil:
					saved++
				case !errors.Is(err, ErrConflict):
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	doc, err := f.Read("a.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"a", "b", "c", "d"} {
		if n := strings.Count(doc.Text, mark); n != each {
			t.Errorf("%d saves of %s are left in %q, want %d", n, mark, doc.Text, each)
		}
	}
}

func TestCreatePicksFreeNames(t *testing.T) {
	f := open(t)
	f.put(t, "Taken.TXT", "x")
	for _, c := range []struct{ name, want string }{
		{"", "Untitled.md"}, {"Untitled.md", "Untitled 2.md"}, {"untitled.md", "untitled 3.md"}, {"Untitled 2.md", "Untitled 2 2.md"},
		{"notes", "notes.md"}, {"notes", "notes 2.md"}, {"v1.2", "v1.2.md"}, {"taken.txt", "taken 2.txt"},
		{"new/folder/a.md", "new/folder/a.md"}, {"new/folder/a.md", "new/folder/a 2.md"}, {"e\u0301.md", "e\u0301.md"}, {"é.md", "é 2.md"},
	} {
		doc, err := f.Create(c.name, "text of "+c.name)
		if err != nil || doc.Path != c.want || doc.Revision != revision([]byte(doc.Text)) {
			t.Errorf("Create(%q) = %+v, %v; want %s", c.name, doc, err, c.want)
		}
		f.want(t, c.want, "text of "+c.name)
	}
	f.lang = "zh-Hans"
	if doc, err := f.Create("", ""); err != nil || doc.Path != "未命名.md" {
		t.Errorf("%+v, %v", doc, err)
	}
	for _, name := range []string{"../x", "a/../b", ".hidden", "a/.b.md", "con", "x?.md", "/x", "a/"} {
		var refused *sandbox.NameError
		if doc, err := f.Create(name, ""); !errors.As(err, &refused) {
			t.Errorf("Create(%q) = %+v, %v", name, doc, err)
		}
	}
}

func TestRename(t *testing.T) {
	f := open(t)
	for _, name := range []string{"a.md", "b.md", "dir/x.md", "other/y.md"} {
		f.put(t, name, name)
	}
	for _, c := range []struct {
		from, to string
		want     error
	}{
		{"a.md", "b.md", fs.ErrExist}, {"a.md", "B.MD", fs.ErrExist}, {"dir", "other", fs.ErrExist}, {"dir/x.md", "other/y.md", fs.ErrExist},
		{"gone.md", "c.md", fs.ErrNotExist}, {"a.md", "a.md", nil}, {"a.md", "A.md", nil}, {"A.md", "deep/er/a.markdown", nil},
		{"dir", "moved/dir", nil}, {"moved/dir/x.md", "x.txt", nil}, {"other", "Other", nil},
	} {
		if err := f.Rename(c.from, c.to); !errors.Is(err, c.want) {
			t.Errorf("Rename(%s, %s) = %v, want %v", c.from, c.to, err, c.want)
		}
	}
	f.want(t, "b.md", "b.md")
	f.want(t, "deep/er/a.markdown", "a.md")
	f.want(t, "x.txt", "dir/x.md")
	f.want(t, "Other/y.md", "other/y.md")
	for _, c := range [][2]string{
		{"b.md", "b"}, {"b.md", "b.png"}, {"b.md", ".b.md"}, {"b.md", "../b.md"}, {"../b.md", "c.md"}, {"b.md", ""}, {"Other", "Other/inner"}, {"b.md", ".trash/b.md"},
	} {
		var refused *sandbox.NameError
		if err := f.Rename(c[0], c[1]); !errors.As(err, &refused) {
			t.Errorf("Rename(%s, %s) = %v, want a NameError", c[0], c[1], err)
		}
	}
	f.want(t, "b.md", "b.md")
}
