// Package isa reads single instructions of amd64 and arm64: how long one is, which address it holds, and what it does to
// the stack.
//
// Trust. The bytes may be anything. What is read from them depends on nothing else, no byte outside a [Window] is looked
// at, and nothing panics. A strange instruction may be read wrongly; both sides of a patch then read it wrongly alike,
// so what is read belongs to the numbered patch format.
package isa

// WindowSize is more than an instruction takes: no reading looks further, however strange the bytes.
const WindowSize = 24

// A Window holds one amd64 instruction and whatever follows.
type Window = [WindowSize]byte

// Look returns the bytes that b begins with: in place or, where b is shorter, followed by zeros in spare.
func Look(b []byte, spare *Window) *Window {
	if len(b) >= WindowSize {
		return (*Window)(b)
	}
	clear(spare[copy(spare[:], b):])
	return spare
}

// Effect is what an instruction does besides computing.
type Effect struct {
	Stack int16 // by how many bytes it makes the frame larger; Leaves for a return
	Kind  uint8 // a hash of the opcode, of KindBits bits
	Call  bool
}

const (
	// KindBits is the size of an instruction's kind.
	KindBits = 6
	// Leaves marks a return: the code behind it has the frame that was left.
	Leaves = -1 << 15
)

func kindOf(opcode uint32) uint8 { return uint8(opcode * 0x9E3779B1 >> (32 - KindBits)) }
