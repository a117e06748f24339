// Package derived makes again what a linker derives from the rest of a file, so that no patch has to carry it.
//
// These are: runtime.findfunctab, from the entries of all functions; PE's .reloc and the rebase opcodes of Mach-O, from the
// places of pointers, which are coded against the old file's; and the page hashes of Mach-O signatures, from the file
// itself. Everything else of a signature, a Developer ID's certificates among it, is plain bytes. pctab, functab and the
// _func records are derived too, by package pcln; here they only have their places.
//
// Parties. The builder reads both files with [Read], and checks with [Tables.Verify] that the new one's tables come out byte
// for byte; a table that does not is dropped and then travels as plain bytes. The patcher reads only the old file. Both call
// [CodeLayout] and then [Tables.CodeLists].
//
// Trust. Files and patches may be anything. A table that is not just as a known linker writes it is not there. What a
// patch says takes no more memory than the sizes of its spans, and those lie within the new file, whose size is signed.
package derived

import (
	"bytes"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Kind says what regenerates a span.
type Kind uint8

// The kinds of spans.
const (
	FindFunc Kind = iota + 1 // AppendFindFunc
	Pctab                    // package pcln
	Functab                  // package pcln: functab and the _func records behind it
	Reloc                    // Relocs.Append
	Rebase                   // Rebases.Append
	Slots                    // Pages.Append
)

// Span is a run of bytes of a file that is regenerated.
type Span struct {
	Off, Size uint64 // in the file
	Kind      Kind
	Index     int // of Slots: which of Tables.Directories
}

// End returns the offset behind the span.
func (s Span) End() uint64 { return s.Off + s.Size }

// Tables are the derived tables of one file.
type Tables struct {
	FindFunc    bool        // runtime.findfunctab is one
	Relocs      *Relocs     // nil when there is none
	Rebases     *Rebases    // nil when there is none
	Directories []Directory // of the signature, by ascending Off
}

// Read finds the tables of an image. Page hashes are not looked at.
func Read(m *image.Image) *Tables {
	t := &Tables{FindFunc: m.Go.FindFunc.Size > 0}
	switch m.Format {
	case image.PE:
		t.Relocs = readRelocs(m)
	case image.MachO:
		l := readLoads(m.Data)
		t.Rebases = l.rebases(m)
		t.Directories = l.directories(m.Data)
	}
	return t
}

// Verify drops what would not come out of a regeneration as it is in the file. entries are the functions' as in functab.
func (t *Tables) Verify(m *image.Image, entries []uint32) {
	if b, err := AppendFindFunc(nil, entries); err != nil || !bytes.Equal(b, m.Bytes(m.Go.FindFunc.Addr, m.Go.FindFunc.Size)) {
		t.FindFunc = false
	}
	size := uint64(len(m.Data))
	if r := t.Relocs; r != nil && (!r.codable(size) || !bytes.Equal(r.Append(nil), cut(m.Data, r.Off, r.Size))) {
		t.Relocs = nil
	}
	if r := t.Rebases; r != nil && (!r.codable(size) || !bytes.Equal(r.Append(nil), cut(m.Data, r.Off, r.Size))) {
		t.Rebases = nil
	}
	t.verifySlots(m.Data)
}

func (t *Tables) verifySlots(file []byte) {
	pages := NewPages(t.Directories)
	_, _ = pages.Write(file)
	var exact []Directory
	for i, d := range t.Directories {
		b, err := pages.Append(nil, i)
		if err == nil && bytes.Equal(b, cut(file, d.Off, d.Size())) {
			exact = append(exact, d)
		}
	}
	t.Directories = exact
}

// Spans lists the spans of the file by ascending offset, disjoint, with a size above 0. Of the image only its sections and
// Go's tables are used. ok is false when they overlap or do not lie in a file of the given size.
func (t *Tables) Spans(m *image.Image, size uint64) (list []Span, ok bool) {
	ok = true
	add := func(off, n uint64, kind Kind, index int) {
		if n > 0 {
			list = append(list, Span{off, n, kind, index})
		}
	}
	table := func(g image.Table, kind Kind) {
		off, found := m.Offset(g.Addr)
		ok = ok && (found || g.Size == 0)
		add(off, g.Size, kind, 0)
	}
	if t.FindFunc {
		table(m.Go.FindFunc, FindFunc)
	}
	table(m.Go.Pctab, Pctab)
	table(image.Table{Addr: m.Go.Functab.Addr, Size: m.Go.Functab.Size + m.Go.Funcs.Size}, Functab)
	if t.Relocs != nil {
		add(t.Relocs.Off, t.Relocs.Size, Reloc, 0)
	}
	if t.Rebases != nil {
		add(t.Rebases.Off, t.Rebases.Size, Rebase, 0)
	}
	for i, d := range t.Directories {
		add(d.Off, d.Size(), Slots, i)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Off < list[j].Off })
	last := uint64(0)
	for _, s := range list {
		ok = ok && s.Off >= last && s.Off <= size && s.Size <= size-s.Off
		last = s.Off + s.Size
	}
	return list, ok
}

// cut returns the n bytes of b from off on, or nil when they are not all there.
func cut(b []byte, off, n uint64) []byte {
	if size := uint64(len(b)); off > size || n > size-off {
		return nil
	}
	return b[off : off+n : off+n]
}
