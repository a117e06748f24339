package refs

import (
	"cmp"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

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
	PdataTable                // PE: words that count from the base: where functions start and end, and what is imported
	EhHdrTable                // .eh_frame_hdr
	EhFrameTable              // .eh_frame
	NoPtr                     // data that holds no addresses, in name
	Derived                   // tables that are made anew, never copied: pctab, functab, functions, findfunctab, PE's relocations
	NumClasses
)

// Group says what new bytes beside old ones of a class are like: how well they pack, and with what together.
type Group uint8

// The groups.
const (
	CodeBytes Group = iota
	TypeBytes
	FuncBytes // what functions say about themselves
	WordBytes // data with addresses
	TextBytes // names and everything else
	NumGroups
)

// Group returns the class's group.
func (k Class) Group() Group {
	switch k {
	case Code:
		return CodeBytes
	case Types, Typelinks:
		return TypeBytes
	case GoFunc, CUs, PdataTable, EhFrameTable, EhHdrTable:
		return FuncBytes
	case Data, NoPtr:
		return WordBytes
	default:
		return TextBytes
	}
}

var groupNames = [NumGroups]string{"code", "types", "funcs", "words", "text"}

// String names the group, for accounts.
func (g Group) String() string { return groupNames[g] }

// Region is a piece of the file.
type Region struct {
	Off, End uint64 // in the file; Regions cover it in order, none is empty
	Addr     uint64 // of Off's byte; 0 where the piece is not in memory
	Class    Class
}

// regionsOf lays the regions of m out: sections first, then tables over them.
func regionsOf(m *image.Image) []Region {
	l := layout{image: m, regions: []Region{{End: uint64(len(m.Data))}}}
	for _, s := range m.Sections {
		class := Data
		if s.Exec {
			class = Code
		}
		l.paint(s.Addr, s.FileSize, class)
	}
	g := &m.Go
	l.table(g.NoPtrData, NoPtr)
	l.table(g.ModuleData, Data)
	l.table(image.Table{Addr: g.Types, Size: g.ETypes - g.Types}, Types)
	l.table(goFunc(m), GoFunc)
	l.table(g.Names, Names)
	l.table(g.CUs, CUs)
	l.table(g.Files, Files)
	l.table(g.Typelinks, Typelinks)
	for _, t := range []image.Table{g.Pctab, g.Functab, g.Funcs, g.FindFunc, m.Relocs} {
		l.table(t, Derived)
	}
	for _, t := range append(m.Imports, m.Pdata) {
		l.table(t, PdataTable)
	}
	l.table(m.EhFrame, EhFrameTable)
	l.table(m.EhFrameHdr, EhHdrTable)
	return l.regions
}

// goFunc is go:func.* as far as it can reach: moduledata tells its start alone. Up to Go 1.25 other read-only data
// follow in it.
func goFunc(m *image.Image) image.Table {
	g := &m.Go
	s := m.SectionAt(g.GoFunc)
	end := s.Addr + s.FileSize
	for _, next := range []uint64{g.FindFunc.Addr, g.Types} {
		if next > g.GoFunc && next < end {
			end = next
		}
	}
	return image.Table{Addr: g.GoFunc, Size: end - g.GoFunc}
}

// layout is a list of regions in the making.
type layout struct {
	image   *image.Image
	regions []Region
}

func (l *layout) table(t image.Table, c Class) { l.paint(t.Addr, t.Size, c) }

// paint gives [addr, addr+size), which lies in one section's file bytes, a class, over what was there.
func (l *layout) paint(addr, size uint64, c Class) {
	off, ok := l.image.Offset(addr)
	if size == 0 || !ok {
		return
	}
	end := off + size
	split := func(r Region, from, to uint64) Region {
		if r.Addr != 0 {
			r.Addr += from - r.Off
		}
		r.Off, r.End = from, to
		return r
	}
	var out []Region
	for _, r := range l.regions {
		if r.Off < min(r.End, off) {
			out = append(out, split(r, r.Off, min(r.End, off)))
		}
		if max(r.Off, end) < r.End {
			out = append(out, split(r, max(r.Off, end), r.End))
		}
	}
	out = append(out, Region{off, end, addr, c})
	slices.SortFunc(out, func(a, b Region) int { return cmp.Compare(a.Off, b.Off) })
	l.regions = out
}
