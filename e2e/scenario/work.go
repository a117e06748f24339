//go:build linux

package scenario

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
	"github.com/tesseract-desktop/tesseract/e2e/desktop"
)

// The documents that lie in the app's folder before it starts.
var documents = map[string]string{
	"Journal.md":   journal(),
	"Recipes.md":   "# Recipes\n\n## Bread\n\n- 500 g flour\n- 10 g salt\n- 330 g water\n\n## Soup\n\nWhatever is there, and *thyme*.\n",
	"Travels.md":   "# Travels\n\n| when | where |\n|---|---|\n| May | Lisbon |\n| June | 京都 |\n\n> Pack less.\n",
	"Untouched.md": "# Untouched\n\nThis one stays closed.\n",
}

const settled = 20 * time.Second

// journal is longer than any window.
func journal() string {
	var b strings.Builder
	b.WriteString("# Journal\n")
	for day := 1; day <= 60; day++ {
		fmt.Fprintf(&b, "\n## Day %d\n\nWoke up, wrote %d lines, crossed **%d** of them out again.\n", day, day*7, day*3)
	}
	return b.String()
}

const (
	draft  = "A draft that is on no disk but the app's own."
	kept   = "Today everything stayed where it was."
	regret = " Or did it?"
	others = "# Travels\n\nSomething else wrote this meanwhile.\n"
)

// Work is what a person has before them when they put the window away.
type Work struct {
	app      *App
	Picture  *image.RGBA // of the window's content
	Files    map[string]string
	Snapshot Snapshot
}

// Back is what they find when they bring the window back.
type Back struct {
	App           *App
	Before, After *image.RGBA
	Difference    desktop.Difference
	DocumentsLost int
}

// NewWork is a person before an app in which nothing was done yet.
func NewWork(app *App) *Work { return &Work{app: app} }

// PrepareDocuments puts the documents and the preferences where the app finds them.
func (s *Stage) PrepareDocuments() error {
	for name, text := range documents {
		if err := s.WriteFile(filepath.Join(s.Documents(), name), text); err != nil {
			return err
		}
	}
	return s.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"5s"}}`)
}

// WorkingIn starts the installed app on a folder with documents and does a person's work in it.
func (s *Stage) WorkingIn(ctx context.Context) (*App, *Work, error) {
	if err := s.PrepareDocuments(); err != nil {
		return nil, nil, err
	}
	app, err := s.Launch(ctx)
	if err != nil {
		return nil, nil, err
	}
	w := NewWork(app)
	for _, step := range []func(context.Context) error{
		w.widenSidebar, w.foldRecipes, w.draftThatCanNotBeSaved, w.writeJournal, w.selectAndScroll,
	} {
		if err := step(ctx); err != nil {
			return nil, nil, s.explain(app, err)
		}
		s.rest(ctx)
	}
	return app, w, nil
}

// Open opens a document by its name, as the palette finds it, and waits until it is in front.
func (w *Work) Open(ctx context.Context, name string) error {
	d := w.app.stage.Desktop
	if err := errors.Join(d.Key(ctx, "ctrl+p"), d.Type(ctx, name, 12*time.Millisecond), d.Key(ctx, "Return")); err != nil {
		return err
	}
	return w.titled(ctx, name)
}

// titled waits until the window's title begins with a name.
func (w *Work) titled(ctx context.Context, name string) error {
	return await.Until(ctx, settled, name+" to be open", func() error {
		windows, err := w.app.stage.Desktop.Windows(ctx, w.app.PID)
		if err != nil {
			return err
		}
		for _, window := range windows {
			if strings.HasPrefix(window.Title, name) {
				return nil
			}
		}
		return fmt.Errorf("the title is another: %+v", windows)
	})
}

func (w *Work) widenSidebar(ctx context.Context) error {
	return w.app.Window.Drag(ctx, 248, 400, 290, 400)
}

func (w *Work) foldRecipes(ctx context.Context) error {
	if err := w.Open(ctx, "Recipes"); err != nil {
		return err
	}
	d := w.app.stage.Desktop
	if err := d.Key(ctx, "ctrl+Home", "Down", "Down", "ctrl+shift+bracketleft"); err != nil {
		return err
	}
	return w.recorded(ctx, "the fold", func(s Snapshot) bool { return s.holds("folds", `"from"`) })
}

// draftThatCanNotBeSaved types into a document that another program changes at the same time: the
// app must not overwrite either, so that the draft is in no file.
func (w *Work) draftThatCanNotBeSaved(ctx context.Context) error {
	if err := w.Open(ctx, "Travels"); err != nil {
		return err
	}
	d := w.app.stage.Desktop
	if err := errors.Join(d.Key(ctx, "ctrl+Home"), d.Type(ctx, draft[:10], 5*time.Millisecond)); err != nil {
		return err
	}
	if err := w.app.stage.WriteFile(filepath.Join(w.app.stage.Documents(), "Travels.md"), others); err != nil {
		return err
	}
	if err := errors.Join(d.Type(ctx, draft[10:], 5*time.Millisecond), d.Key(ctx, "Return")); err != nil {
		return err
	}
	return w.recorded(ctx, "the draft beside the other program's text", func(s Snapshot) bool {
		return s.holds("buffers", draft) && s.holds("buffers", "Something else wrote this")
	})
}

// writeJournal writes two sentences and takes the second one back.
func (w *Work) writeJournal(ctx context.Context) error {
	if err := w.Open(ctx, "Journal"); err != nil {
		return err
	}
	d := w.app.stage.Desktop
	err := errors.Join(d.Key(ctx, "ctrl+Home", "End", "Return", "Return"), d.Type(ctx, kept, 12*time.Millisecond))
	if err != nil {
		return err
	}
	if err := w.recorded(ctx, "the first sentence", func(s Snapshot) bool { return s.holds("buffers", kept) }); err != nil {
		return err
	}
	// A caret that went away and came back starts another step of the undo history.
	if err := errors.Join(d.Key(ctx, "Left", "Right"), d.Type(ctx, regret, 12*time.Millisecond)); err != nil {
		return err
	}
	if err := w.recorded(ctx, "the second sentence", func(s Snapshot) bool { return s.holds("buffers", kept+regret) }); err != nil {
		return err
	}
	if err := d.Key(ctx, "ctrl+z"); err != nil {
		return err
	}
	return w.recorded(ctx, "the second sentence taken back", func(s Snapshot) bool {
		return s.holds("buffers", kept) && !s.holds("buffers", kept+regret)
	})
}

func (w *Work) selectAndScroll(ctx context.Context) error {
	d := w.app.stage.Desktop
	g, err := w.app.Window.Geometry(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		d.Key(ctx, "Down", "Down", "Home", "shift+Down", "shift+Down", "shift+End"),
		w.app.Window.Point(ctx, g.Width/2, g.Height/2),
		d.Scroll(ctx, 7),
		w.recorded(ctx, "the documents to be saved", func(s Snapshot) bool { return strings.Count(string(s.Fields["buffers"]), `"dirty":true`) == 1 }))
}

// PutAway looks once more and minimises the window.
func (w *Work) PutAway(ctx context.Context) (err error) {
	if w.Picture, err = w.app.Window.Settled(ctx); err != nil {
		return err
	}
	if w.Files, err = readFolder(w.app.stage.Documents()); err != nil {
		return err
	}
	started := time.Now()
	if err := w.app.Window.Minimise(ctx); err != nil {
		return err
	}
	w.Snapshot, err = w.app.stage.SnapshotWhenPutAway(ctx, started)
	return err
}

// BringBack brings the window of a process back and compares what it shows, and the files.
func (w *Work) BringBack(ctx context.Context, pid int) (*Back, error) {
	next, err := w.app.Successor(ctx, pid)
	if err != nil {
		return nil, err
	}
	if err := next.Window.Activate(ctx); err != nil {
		return nil, err
	}
	w.app = next
	b := &Back{App: next, Before: w.Picture}
	if b.After, b.Difference, err = next.Window.Matches(ctx, w.Picture, UpdateMask(w.Picture)); err != nil {
		return nil, err
	}
	files, err := readFolder(w.app.stage.Documents())
	if err != nil {
		return nil, err
	}
	for name, text := range w.Files {
		if files[name] != text {
			b.DocumentsLost++
		}
	}
	return b, nil
}

// GoOn types a sentence at the end of the open document and waits until the app has recorded it.
func (w *Work) GoOn(ctx context.Context, sentence string) error {
	if err := errors.Join(w.StartParagraph(ctx), w.app.stage.Desktop.Type(ctx, sentence, 12*time.Millisecond)); err != nil {
		return err
	}
	return w.recorded(ctx, "the sentence", func(s Snapshot) bool { return s.holds("buffers", sentence) })
}

// TakenBack waits until the one window is that of a process which stood by, and on the screen.
func (w *Work) TakenBack(ctx context.Context, pid int) error {
	next, err := w.app.Successor(ctx, pid)
	if err != nil {
		return err
	}
	w.app = next
	_, err = next.Window.Settled(ctx)
	return err
}

// FieldsThatDiffer puts the window away once more and compares what is recorded now with what was
// recorded the time before, whatever the app says of it.
func (w *Work) FieldsThatDiffer(ctx context.Context) ([]string, error) {
	before := w.Snapshot
	started := time.Now()
	if err := w.app.Window.Minimise(ctx); err != nil {
		return nil, err
	}
	now, err := w.app.stage.SnapshotWhenPutAway(ctx, started)
	if err != nil {
		return nil, err
	}
	return before.differ(now), w.app.Window.Activate(ctx)
}

// DraftsLost tries out whether the draft is there, and whether the undo history still knows the
// sentence that was taken back. It changes both.
func (w *Work) DraftsLost(ctx context.Context) (lost int, err error) {
	d := w.app.stage.Desktop
	if err := d.Key(ctx, "ctrl+shift+z"); err != nil {
		return 0, err
	}
	text, err := w.app.Text(ctx)
	if err != nil {
		return 0, err
	}
	if !strings.Contains(text, kept+regret) {
		lost++
	}
	if err := w.Open(ctx, "Travels"); err != nil {
		return 0, err
	}
	if text, err = w.app.Text(ctx); err != nil {
		return 0, err
	}
	if !strings.HasPrefix(text, draft) {
		lost++
	}
	return lost, nil
}

func readFolder(dir string) (map[string]string, error) {
	files := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		files[e.Name()] = string(text)
	}
	return files, nil
}
