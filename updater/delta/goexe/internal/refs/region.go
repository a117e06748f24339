package refs

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"

// Class says what stands in a region and thus which references it may hold.
type Class uint8

// The classes.
const (
	Raw          Class = iota // no references: headers, text, what is unknown
	Code                      // instructions
	Data                      // words that may be addresses
	Types                     // type descriptors, among words that may be addresses
	Names                     // function names
	CUs                       // file numbers of compilation units
	Files                     // file names
	GoFunc                    // what functions say about themselves: inlining trees, stack objects, pointer masks
	Typelinks                 // the table of types
	PdataTable                // PE: where functions start and end
	EhHdrTable                // .eh_frame_hdr
	EhFrameTable              // .eh_frame
	NoPtr                     // data that holds no addresses
	Derived                   // tables that are made anew, never copied: pctab, functab, functions, findfunctab, PE's relocations
	NumClasses
)

// regionsOf lays the regions of m out.
func regionsOf(m *image.Image) []Region {
	return []Region{{End: uint64(len(m.Data))}}
}
