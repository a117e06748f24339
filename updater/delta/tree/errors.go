package tree

import (
	"errors"
	"fmt"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

var (
	// ErrUnfit says that a tree, or the manifest of one, breaks the rules that let it be shipped to every system.
	ErrUnfit = errors.New("the tree cannot be shipped")
	// ErrChanged says that the old tree is not the one that the patch was made for. Fetch the full artifact.
	ErrChanged = errors.New("the old tree is not the one that the patch was made for")
	// ErrLinks says that a tree has symbolic links, which this system cannot make.
	ErrLinks = errors.New("trees with symbolic links are refused on this system")
)

// Progress is told after each file of the new tree; Done and Total are bytes of the new tree.
type Progress struct {
	Path        string
	Done, Total int64
}

func unfit(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnfit, fmt.Sprintf(format, args...))
}

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", delta.ErrCorrupt, fmt.Sprintf(format, args...))
}

// clip keeps hostile input from flooding an error message.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
