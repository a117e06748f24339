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
	typed   = "The draft that nobody saved: 42 words, some of them right."
	regret  = " And one too many."
	settled = 20 * time.Second
)

// Work is what a person has before them when they put the window away.
type Work struct {
	app     *App
	Picture *image.RGBA // of the window's content
	Files   map[string]string
}

// Back is what they find when they bring the window back.
type Back struct {
	App           *App
	Before, After *image.RGBA
	Changed       int
	Where         image.Rectangle
	DocumentsLost int
	DraftsLost    int
}

// WorkingIn starts the installed app on a folder with documents and does a person's work in it.
func (s *Stage) WorkingIn(ctx context.Context) (*App, *Work, error) {
	for name, text := range documents {
		if err := s.WriteFile(filepath.Join(s.Documents(), name), text); err != nil {
			return nil, nil, err
		}
	}
	if err := s.WritePreferences(`{"updates":{"checkEvery":"1s","probation":"5s"}}`); err != nil {
		return nil, nil, err
	}
	app, err := s.Launch(ctx)
	if err != nil {
		return nil, nil, err
	}
	w := &Work{app: app}
	for _, step := range w.steps() {
		if err := step(ctx); err != nil {
			return nil, nil, s.explain(app, err)
		}
		s.rest(ctx)
	}
	return app, w, nil
}

func (w *Work) steps() []func(context.Context) error {
	d := w.app.stage.Desktop
	open := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			return errors.Join(d.Key(ctx, "ctrl+p"), d.Type(ctx, name, 12*time.Millisecond), d.Key(ctx, "Return"))
		}
	}
	return []func(context.Context) error{
		open("Recipes"), open("Travels"), open("Journal"),
	}
}

// PutAway looks once more and minimises the window.
func (w *Work) PutAway(ctx context.Context) (err error) {
	if w.Picture, err = w.app.Window.Settled(ctx); err != nil {
		return err
	}
	if w.Files, err = readFolder(w.app.stage.Documents()); err != nil {
		return err
	}
	return w.app.Window.Minimise(ctx)
}

// BringBack brings the window of a process back and compares.
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
	if b.After, b.Changed, b.Where, err = next.Window.Matches(ctx, w.Picture, UpdateMask(w.Picture)); err != nil {
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
	_ = desktop.Save
	return b, nil
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

// StartParagraph puts the caret into a new last line of the open document.
func (w *Work) StartParagraph(ctx context.Context) error {
	return w.app.stage.Desktop.Key(ctx, "ctrl+End", "Return", "Return")
}

// Paragraph is the last line of the open document.
func (w *Work) Paragraph(ctx context.Context) (string, error) {
	text, err := w.app.Text(ctx)
	return text[strings.LastIndexByte(text, '\n')+1:], err
}

// Text is everything in what has the focus, by way of the clipboard.
func (a *App) Text(ctx context.Context) (text string, err error) {
	d := a.stage.Desktop
	const nothing = "nothing was copied"
	if err := d.SetClipboard(ctx, nothing); err != nil {
		return "", err
	}
	err = await.Until(ctx, settled, "the text to be copied", func() error {
		if err := d.Key(ctx, "ctrl+a", "ctrl+c"); err != nil {
			return err
		}
		if text, err = d.Clipboard(ctx); err != nil {
			return err
		}
		if text == nothing {
			return errors.New(nothing)
		}
		return nil
	})
	return text, err
}
