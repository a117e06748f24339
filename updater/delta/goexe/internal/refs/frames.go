package refs

import (
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// findFrames marks where .eh_frame says which function an entry is about. An entry is its length, the distance back to
// the entry that it shares its start with (0: it is such a one), then the function's address.
func findFrames(m *image.Image) marks {
	const function, shortest, longest = 8, 8, 1 << 20
	w := newMarks(m.EhFrame, EhFrame)
	b := m.Bytes(m.EhFrame.Addr, m.EhFrame.Size)
	for at := uint64(0); at+function+4 <= uint64(len(b)); {
		length := uint64(binary.LittleEndian.Uint32(b[at:]))
		if length < shortest || length > longest {
			break
		}
		if binary.LittleEndian.Uint32(b[at+4:]) != 0 {
			w.set(m.EhFrame.Addr+at+function, 1)
		}
		at += 4 + length
	}
	return w
}
