package app

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/snapshot"
	"github.com/tesseract-desktop/tesseract/app/workspace"
)

// pageError words an error for the page, which gets nothing but text: "code: message". The codes are conflict, not-found,
// exists, invalid, too-large, not-text, folder, disk-full and internal; the page says them in the user's language and
// shows the message as a detail.
func pageError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", codeOf(err), err)
}

func codeOf(err error) string {
	// What is wrong with a folder comes first: it wraps errors that mean something else for a file.
	if problem, ok := errors.AsType[*sandbox.FolderError](err); ok {
		if problem.Cause() == sandbox.Full {
			return "disk-full"
		}
		return "folder"
	}
	if _, ok := errors.AsType[*sandbox.NameError](err); ok {
		return "invalid"
	}
	if _, ok := errors.AsType[*preferences.InvalidError](err); ok {
		return "invalid"
	}
	for _, c := range []struct {
		is   error
		code string
	}{
		{workspace.ErrConflict, "conflict"},
		{workspace.ErrNotText, "not-text"},
		{sandbox.ErrNotPlain, "not-text"},
		{sandbox.ErrTooLarge, "too-large"},
		{snapshot.ErrTooLarge, "too-large"},
		{sandbox.ErrBusy, "folder"},
		{fs.ErrNotExist, "not-found"},
		{fs.ErrExist, "exists"},
	} {
		if errors.Is(err, c.is) {
			return c.code
		}
	}
	return "internal"
}
