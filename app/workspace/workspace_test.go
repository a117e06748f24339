package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

// fixture is a workspace in a folder of its own, with a clock that tests set.
type fixture struct {
	*Workspace
	dir  string
	time time.Time
	lang string
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{time: time.Date(2026, 5, 3, 12, 0, 0, 0, time.UTC)}
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f.dir = s.Documents().Path()
	f.Workspace, err = Open(Options{
		Folder:   s.Documents(),
		Now:      func() time.Time { return f.time },
		Language: func() string { return f.lang },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// put writes a file as another program would.
func (f *fixture) put(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) want(t *testing.T, name, text string) {
	t.Helper()
	if doc, err := f.Read(name); err != nil || doc.Text != text {
		t.Errorf("%s is %q, %v; want %q", name, doc.Text, err, text)
	}
}

func (f *fixture) wantNone(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(f.dir, name)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is there: %v", name, err)
	}
}

func TestOpenNeedsAFolder(t *testing.T) {
	if _, err := Open(Options{}); err == nil {
		t.Error("Open accepted no folder")
	}
}

func paths(entries []Entry) string {
	var all []string
	for _, e := range entries {
		name := e.Path
		if e.Folder {
			name += "/"
		}
		all = append(all, name)
		if len(e.Children) > 0 {
			all = append(all, paths(e.Children))
		}
	}
	return strings.Join(all, " ")
}

func TestListOrderAndChoice(t *testing.T) {
	f := open(t)
	for _, name := range []string{
		"Note 10.md", "note 9.md", "Note.md", "Note 2.txt", "apple.MARKDOWN", "Äpfel.md", "Zebra.md", "b/z.md", "b/inner/x.md", "a 10/x.md", "a 9/x.md",
		"Attachments/picture.png", "picture.png", ".hidden.md", ".git/x.md", "README", "script.sh",
	} {
		f.put(t, name, "x")
	}
	entries, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	want := "a 9/ a 9/x.md a 10/ a 10/x.md Attachments/ b/ b/inner/ b/inner/x.md b/z.md " +
		"Äpfel.md apple.MARKDOWN Note.md Note 2.txt note 9.md Note 10.md Zebra.md"
	if got := paths(entries); got != want {
		t.Errorf("listed\n%s, want\n%s", got, want)
	}
	for _, e := range entries {
		if e.Children == nil || e.Name == "" || e.Modified.IsZero() || e.Folder != (e.Size == 0) {
			t.Errorf("entry %+v", e)
		}
	}
}

func TestListInChinese(t *testing.T) {
	f := open(t)
	f.lang = "zh-Hans"
	for _, name := range []string{"章.md", "啊.md", "第 10 章.md", "第 9 章.md", "笔记.md"} {
		f.put(t, name, "x")
	}
	entries, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := paths(entries), "啊.md 笔记.md 第 9 章.md 第 10 章.md 章.md"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
}

func TestListLeavesLinksOutside(t *testing.T) {
	f := open(t)
	f.put(t, "real.md", "x")
	outside := filepath.Join(t.TempDir(), "secret.md")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"inside.md": "real.md", "out.md": outside, "nowhere.md": "gone.md", "up": "..", "here": "."} {
		if err := os.Symlink(target, filepath.Join(f.dir, name)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	entries, err := f.List()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := paths(entries), "inside.md real.md"; got != want {
		t.Errorf("listed %s, want %s", got, want)
	}
	if doc, err := f.Read("out.md"); err == nil {
		t.Errorf("read outside: %q", doc.Text)
	}
}

func TestWelcomeOnFirstRunOnly(t *testing.T) {
	for lang, want := range map[string]string{
		"":        "Tesseract updates itself while its window is hidden; **Settings → Updates** shows and controls it",
		"de-DE":   "Tesseract updates itself while its window is hidden",
		"zh-Hans": "Tesseract 会在窗口隐藏时自行更新；可在 **设置 → 更新** 中查看和控制",
		"zh":      "自行更新",
		"zh_CN":   "自行更新",
	} {
		f := open(t)
		f.lang = lang
		entries, err := f.List()
		if err != nil || paths(entries) != "Welcome.md" {
			t.Fatalf("%q: the first list is %s, %v", lang, paths(entries), err)
		}
		doc, err := f.Read("Welcome.md")
		if err != nil || !strings.Contains(doc.Text, want) {
			t.Errorf("%q: %v, %s", lang, err, doc.Text)
		}
		if _, err := f.Delete("Welcome.md"); err != nil {
			t.Fatal(err)
		}
		again, err := Open(Options{Folder: f.folder})
		if err != nil {
			t.Fatal(err)
		}
		if entries, err := again.List(); err != nil || len(entries) != 0 {
			t.Errorf("%q: after deleting it and a restart, the list is %s, %v", lang, paths(entries), err)
		}
	}
}

func TestNoWelcomeAmongDocuments(t *testing.T) {
	f := open(t)
	f.put(t, "mine.md", "x")
	if entries, err := f.List(); err != nil || paths(entries) != "mine.md" {
		t.Errorf("listed %s, %v", paths(entries), err)
	}
}

func TestUnusableFolderHeals(t *testing.T) {
	base := t.TempDir()
	inTheWay := filepath.Join(base, "Documents")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.Open(sandbox.Options{App: "App", Base: base})
	if err != nil {
		t.Fatal(err)
	}
	w, err := Open(Options{Folder: s.Documents()})
	if err != nil {
		t.Fatal(err)
	}
	var problem *sandbox.FolderError
	if _, err := w.List(); !errors.As(err, &problem) {
		t.Errorf("List = %v", err)
	}
	if _, err := w.Write("a.md", "x", ""); !errors.As(err, &problem) {
		t.Errorf("Write = %v", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	if entries, err := w.List(); err != nil || paths(entries) != "Welcome.md" {
		t.Errorf("after healing, the list is %s, %v", paths(entries), err)
	}
}

func TestWatchReportsOtherPrograms(t *testing.T) {
	f := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	changed := make(chan struct{}, 100)
	done := f.Watch(ctx, func() { changed <- struct{}{} })
	f.put(t, "new/from outside.md", "x")
	select {
	case <-changed:
	case <-time.After(20 * time.Second):
		t.Error("the change was not reported")
	}
	cancel()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("the watch did not end")
	}
}
