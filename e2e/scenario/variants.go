//go:build linux

package scenario

import "github.com/tesseract-desktop/tesseract/e2e/release"

// Old is the version that the person works in: the sources as they are.
var Old = release.Variant{Name: "1.0.0", Version: "1.0.0"}

// newer is what a release changes: a line of Go that every start runs through, a file of Go that
// is new, and a sentence that people can read.
var newer = []release.Edit{}

// Update is the next version, Later the one after it.
var (
	Update = release.Variant{Name: "1.1.0", Version: "1.1.0", Edits: newer}
	Later  = release.Variant{Name: "1.2.0", Version: "1.2.0", Edits: newer}
)

// Dying is an update that passes its trial and dies as soon as it is to take over.
var Dying = release.Variant{Name: "1.1.0-dying", Version: "1.1.0", Edits: append(append([]release.Edit{}, newer...), release.Edit{
	File: "dying.go",
	New: `package main

import "os"

var _ = func() bool {
	if os.Getenv("HANDOVER_SOCKET") != "" {
		os.Exit(3)
	}
	return true
}()
`,
})}
