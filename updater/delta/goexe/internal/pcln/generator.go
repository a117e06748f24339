package pcln

import (
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Layout is what is known of the new functions before anything else of the new file.
type Layout struct {
	Entries []uint32 // where each function starts, from the start of the text; the last one is where the text ends
	Align   []int32  // each function's old counterpart, -1 for none
}

// CodeFunctions codes which old function each new one comes from, and where it lies. g is what the header told of the new
// image: NumFuncs, Text and the bounds of the tables, already compared with the size of the new file. want and align are
// given by the builder, nil when decoding.
func CodeFunctions(c *entropy.Coder, old *Table, g *image.Go, want *Table, align []int32) (*Layout, error) {
	return nil, nil
}

// Copy says that Size bytes at the new address come from the old one.
type Copy struct{ Old, New, Size uint64 }

// Generator makes the new tables.
type Generator struct{}

// NewGenerator returns a generator for the new image that g and layout describe. copies are by ascending New address;
// predict tells where what lies at an old address is found in the new image. want is nil when decoding.
func NewGenerator(old *Table, g *image.Go, layout *Layout, copies []Copy, predict func(old uint64) uint64, want *Table) *Generator {
	return nil
}

// Pctab codes the pc tables and writes them: g.Pctab.Size bytes.
func (g *Generator) Pctab(c *entropy.Coder, w io.Writer) error { return nil }

// Funcs codes functab and the _func records and writes them, from g.Functab.Addr to g.Funcs.End(). Pctab comes first.
func (g *Generator) Funcs(c *entropy.Coder, w io.Writer) error { return nil }
