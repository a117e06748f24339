// Package image reads an executable that Go's linker made: its sections, and the tables that even a stripped one carries.
//
// Parties. The builder reads both files, the patcher only the old one. Both must see the same thing, so what is read here
// belongs to the numbered patch format: a change that lets an image look different needs a new format number.
//
// Trust. The file may be anything. Parse refuses what it does not know by every detail; it never guesses, never panics and
// takes memory only in proportion to the file.
package image

import (
	"encoding/binary"
	"errors"
	"sort"
)

// ErrUnsupported says that a file is no Go executable of a known layout.
var ErrUnsupported error = unsupportedError{}

type unsupportedError struct{}

func (unsupportedError) Error() string { return "not a Go executable of a known layout" }

// Is makes it the standard library's error too, which those know who cannot import this package.
func (unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// Format is the outer file format.
type Format uint8

// The file formats.
const (
	ELF Format = iota + 1
	PE
	MachO
)

// Arch is the instruction set.
type Arch uint8

// The instruction sets.
const (
	AMD64 Arch = iota + 1
	ARM64
)

// Image is a parsed executable. Its methods never write.
type Image struct {
	Data     []byte // the whole file
	Format   Format
	Arch     Arch
	Sections []Section // by ascending Addr; disjoint both in memory and in the file
	Base     uint64    // what PE's relative addresses and Mach-O's rebase offsets count from; 0 for ELF
	Go       Go

	// Tables of the outer format, as far as the file holds them; zero when there are none.
	Relocs     Table   // PE: base relocations
	Pdata      Table   // PE: the exception directory
	Imports    []Table // PE: what names functions of other libraries, 4-byte words that count from Base or are 0
	EhFrame    Table   // ELF
	EhFrameHdr Table   // ELF
}

// Section is a piece of the file that is mapped into memory.
type Section struct {
	Name     string
	Addr     uint64
	MemSize  uint64 // at least FileSize
	Off      uint64
	FileSize uint64 // 0 when nothing of it is in the file
	Exec     bool
}

// Table is a run of bytes in memory.
type Table struct{ Addr, Size uint64 }

// End returns the address behind the table.
func (t Table) End() uint64 { return t.Addr + t.Size }

// Go holds what moduledata and pcHeader say.
type Go struct {
	Minor      int    // of the Go version: 26 for go1.26.x
	ModuleData Table  // runtime.firstmoduledata
	Pcln       uint64 // runtime.pcheader, which everything of pclntab follows
	Names      Table  // funcnametab
	CUs        Table  // cutab, in bytes whatever the version
	Files      Table  // filetab
	Pctab      Table
	Functab    Table // 8 bytes for each function and 4 more: entry and funcoff pairs, then the end of the text
	Funcs      Table // the _func records behind functab; funcoff counts from Functab.Addr
	NumFuncs   int

	Text, EText   uint64 // what _func entries count from; end of Go's own code
	Types, ETypes uint64
	ROData        uint64 // what gcdata offsets count from
	GoFunc        uint64 // what funcdata offsets count from: go:func.*
	FindFunc      Table  // runtime.findfunctab
	Typelinks     Table  // 4 bytes each
	NoPtrData     Table  // data that holds no pointers, in name; moduledata may stand in it
}

// Offset returns where in the file the byte at addr is.
func (m *Image) Offset(addr uint64) (off uint64, ok bool) {
	s := m.SectionAt(addr)
	if s == nil || addr-s.Addr >= s.FileSize {
		return 0, false
	}
	return s.Off + addr - s.Addr, true
}

// SectionAt returns the section that holds addr in memory, or nil.
func (m *Image) SectionAt(addr uint64) *Section {
	i := sort.Search(len(m.Sections), func(i int) bool { return m.Sections[i].Addr > addr }) - 1
	if i < 0 || addr-m.Sections[i].Addr >= m.Sections[i].MemSize {
		return nil
	}
	return &m.Sections[i]
}

// Bytes returns the n bytes at addr, or nil when the file does not hold them all in one section.
func (m *Image) Bytes(addr, n uint64) []byte {
	s := m.SectionAt(addr)
	if s == nil || addr-s.Addr > s.FileSize || n > s.FileSize-(addr-s.Addr) {
		return nil
	}
	off := s.Off + addr - s.Addr
	return m.Data[off : off+n : off+n]
}

// Uint32 returns the little-endian word at addr, 0 when the file does not hold it.
func (m *Image) Uint32(addr uint64) uint32 {
	if b := m.Bytes(addr, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// Uint64 returns the little-endian word at addr, 0 when the file does not hold it.
func (m *Image) Uint64(addr uint64) uint64 {
	if b := m.Bytes(addr, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
