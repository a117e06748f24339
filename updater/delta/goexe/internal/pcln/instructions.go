package pcln

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
)

// instruction is what matters of one: values change between instructions, and what stands there tells which. It need not
// be right: what is read wrongly only makes a patch longer.
type instruction struct {
	end uint32 // in quanta from where the function starts
	isa.Effect
}

// maxText is how many quanta of one function are looked at.
const maxText = 1 << 20

// appendInstructions appends the instructions of a function of that many quanta. Where there is no code, each quantum
// counts as one.
func appendInstructions(dst []instruction, arch image.Arch, code []byte, size uint32) []instruction {
	var spare isa.Window
	at := uint32(0)
	for at < size {
		i := instruction{end: at + 1}
		switch {
		case arch == image.ARM64 && uint64(at)*4+4 <= uint64(len(code)):
			i.Effect = isa.EffectARM64(binary.LittleEndian.Uint32(code[4*at:]))
		case arch == image.AMD64 && int(at) < len(code):
			window := isa.Look(code[at:], &spare)
			length := max(isa.ReadAMD64(window).Length, 1)
			i = instruction{min(at+uint32(length), size), isa.EffectAMD64(window)}
		}
		dst = append(dst, i)
		at = i.end
	}
	return dst
}

// padding returns how many quanta at the end of a function are no code.
func padding(arch image.Arch, code []byte) (n uint32) {
	if arch == image.ARM64 {
		for ; len(code) >= 4 && binary.LittleEndian.Uint32(code[len(code)-4:]) == 0; code = code[:len(code)-4] {
			n++
		}
		return n
	}
	for ; len(code) > 0 && code[len(code)-1] == 0xcc; code = code[:len(code)-1] {
		n++
	}
	return n
}
