package derived

import "encoding/binary"

// loads is what the load commands of a 64-bit Mach-O file say, as far as it is derived from.
type loads struct {
	segments []uint64 // their addresses, in order
	rebase   extent
	sign     extent
}

// extent is a run of bytes of the file.
type extent struct{ off, size uint64 }

const (
	machoMagic    = 0xfeedfacf
	machoHead     = 32
	loadSegment   = 0x19
	loadSignature = 0x1d
	loadDyldInfo  = 0x22 | 0x80000000
)

// readLoads reads the load commands; it stops at the first that does not fit.
func readLoads(b []byte) loads {
	le := binary.LittleEndian
	var l loads
	h := cut(b, 0, machoHead)
	if h == nil || le.Uint32(h) != machoMagic {
		return l
	}
	commands := cut(b, machoHead, uint64(le.Uint32(h[20:])))
	for n := le.Uint32(h[16:]); n > 0 && len(commands) >= 8; n-- {
		size := le.Uint32(commands[4:])
		if size < 8 || uint64(size) > uint64(len(commands)) {
			return l
		}
		l.add(le.Uint32(commands), commands[:size])
		commands = commands[size:]
	}
	return l
}

func (l *loads) add(kind uint32, b []byte) {
	le := binary.LittleEndian
	if kind == loadSegment && len(b) >= 32 {
		l.segments = append(l.segments, le.Uint64(b[24:]))
	}
	if len(b) < 16 {
		return
	}
	at := extent{uint64(le.Uint32(b[8:])), uint64(le.Uint32(b[12:]))}
	switch kind {
	case loadDyldInfo:
		l.rebase = at
	case loadSignature:
		l.sign = at
	}
}
