//go:build linux

package scenario

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
)

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

// UpdatesPage opens Settings, Updates, and returns what is written there.
func (w *Work) UpdatesPage(ctx context.Context) (string, error) {
	if err := w.Command(ctx, "Settings: Updates"); err != nil {
		return "", err
	}
	if err := w.titled(ctx, "Settings"); err != nil {
		return "", err
	}
	return w.app.Text(ctx)
}

// RestartNow asks the app for it by the palette.
func (w *Work) RestartNow(ctx context.Context) error { return w.Command(ctx, "Restart into the new") }

// Command runs the first command that the palette finds by its words.
func (w *Work) Command(ctx context.Context, words string) error {
	d := w.app.stage.Desktop
	return errors.Join(d.Key(ctx, "ctrl+shift+p"), d.Type(ctx, words, 12*time.Millisecond), d.Key(ctx, "Return"))
}
