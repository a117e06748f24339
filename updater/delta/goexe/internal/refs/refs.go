// Package refs finds what points at what in a Go executable: calls, branches and addresses in code, pointers in data, and
// the offsets in the runtime's tables. A new version of a program mostly moves things; with its references known, moved
// code and data look unchanged.
//
// Parties. The builder scans both files, the patcher the old one alone. Both must find the same references, so what is
// found belongs to the numbered patch format, and it depends on nothing but the file: not on the order of the questions,
// the machine or the time.
//
// Trust. The image may be anything that [image.Parse] lets through. A reference may be mistaken (a number that looks like
// an address) and one may be missed: that costs bytes in a patch and nothing else. What is promised is that a reference
// lies inside the file and inside its region, that references never overlap, and that encoding a reference's own target
// at its own place gives the file's bytes back.
//
// Memory. No list is kept. [Scanner.Append] reads references off the file's bytes; only what takes a walk to find
// (types, and what functions say about themselves) is remembered, in 2 bits for every 4 bytes of those tables.
package refs

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
)

// Kind says how a reference is written.
type Kind uint8

// The kinds. Offsets count from the kind's base, see [BasesOf]; they are 32 bits wide and not negative.
const (
	Rel32      Kind = iota // amd64 code: signed, from the end of the instruction
	Abs64                  // an address
	Branch64               // arm64 B or BL
	PageAddr64             // arm64 ADRP with the ADD, load or store behind it
	InlName                // name offset in an inlining tree
	Gcdata                 // offset of a pointer mask in a list of stack objects
	Cutab                  // offset of a file name
	TypeOff                // offset of a type or of a name among the types
	TextOff                // offset of a function in a method table
	Typelink               // offset of a type in the table of types
	EhFrame                // signed, from the reference's own place
	EhHdr                  // signed, from the start of .eh_frame_hdr
	Pdata                  // relative to the image's base: PE's tables
	NumKinds
)

var kindNames = [NumKinds]string{"rel32", "abs64", "branch64", "pageaddr64", "inlname", "gcdata", "cutab", "typeoff",
	"textoff", "typelink", "ehframe", "ehhdr", "pdata"}

// String names the kind, for accounts.
func (k Kind) String() string {
	if k < NumKinds {
		return kindNames[k]
	}
	return "unknown"
}

// Width is the number of bytes that a reference of the kind takes: 4 or 8.
func (k Kind) Width() uint8 {
	if k == Abs64 || k == PageAddr64 {
		return 8
	}
	return 4
}

// Ref is one reference.
type Ref struct {
	Off   uint32 // of its first byte, in the file
	Kind  Kind
	Width uint8 // bytes: 4 or 8
	Imm   uint8 // Rel32: bytes between it and the next instruction, at most 8
}

// Bases are the absolute addresses that offsets of each kind count from; 0 where a kind has none.
type Bases [NumKinds]uint64

// BasesOf returns the bases of m.
func BasesOf(m *image.Image) Bases {
	var b Bases
	b[InlName] = m.Go.Names.Addr
	b[Gcdata] = m.Go.ROData
	b[Cutab] = m.Go.Files.Addr
	b[TypeOff] = m.Go.Types
	b[TextOff] = m.Go.Text
	b[Typelink] = m.Go.Types
	b[EhHdr] = m.EhFrameHdr.Addr
	b[Pdata] = m.Base
	return b
}

// Decode returns the absolute address that value points at, when it stands at address place. Value holds the reference's
// Width bytes, little endian. It is not ok when the bytes are no reference of this kind; that can only be with arm64 code.
func (k Kind) Decode(value, place uint64, imm uint8, base uint64) (target uint64, ok bool) {
	switch k {
	case Abs64:
		return value, true
	case Rel32:
		return place + 4 + uint64(imm) + signed32(value), true
	case EhFrame:
		return place + signed32(value), true
	case EhHdr:
		return base + signed32(value), true
	case Branch64:
		return isa.DecodeBranch(uint32(value), place)
	case PageAddr64:
		return isa.DecodePage(value, place)
	default:
		return base + uint64(uint32(value)), k < NumKinds
	}
}

// Encode returns the value that points at target when it stands at address place: Decode's inverse. Of template, which
// holds at least Width bytes, arm64 code keeps everything but the address. A target out of the kind's reach is cut off:
// Decode then gives another one.
func (k Kind) Encode(template []byte, place uint64, imm uint8, base, target uint64) uint64 {
	switch k {
	case Abs64:
		return target
	case Rel32:
		return uint64(uint32(target - place - 4 - uint64(imm)))
	case EhFrame:
		return uint64(uint32(target - place))
	case Branch64:
		return isa.EncodeBranch(binary.LittleEndian.Uint32(template), place, target)
	case PageAddr64:
		return isa.EncodePage(binary.LittleEndian.Uint64(template), place, target)
	default:
		return uint64(uint32(target - base))
	}
}

func signed32(v uint64) uint64 { return uint64(int64(int32(uint32(v)))) }
