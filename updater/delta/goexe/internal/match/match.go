// Package match finds what a new executable has in common with an old one. Only builders need it.
//
// Parties. A builder asks which new function was which old one, and which operations make the new file's bytes from the
// old one's. Its answers travel in the patch: they may be good or bad, but a patcher never has to find them again, so they
// are no part of the format.
//
// Trust. The files may be anything that parses. Time and memory grow with their sizes, whatever is in them.
package match

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"

// Op and Span are what the patcher knows too.
type (
	Op   = remap.Op
	Span = remap.Span
)
