package refs

import (
	"bytes"
	"encoding/binary"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
)

// A type descriptor: 48 bytes for every type, more by kind, then if it has methods or a name of its own, where these are.
const (
	typeSize   = 48
	typeFlags  = 20 // bit 0: the uncommon part follows
	typeAligns = 21 // alignment, then alignment as a field
	typeKind   = 23
	typeEqual  = 24 // address
	typeMask   = 32 // address
	typeString = 40 // name offset
	typePtr    = 44 // type offset of the pointer to this type

	kindInterface, kindMap, kindLast = 20, 21, 26

	interfaceMethods = 56 // address and number
	imethodSize      = 8  // name offset, type offset

	uncommonCount  = 4 // 2 bytes
	uncommonOffset = 8
	methodSize     = 16 // name, type, and two functions
)

// typeSizes are the sizes of descriptors by kind, 48 where none stands; a map's depends on the version.
var typeSizes = [kindLast + 1]uint64{17: 72, 18: 64, 19: 56, 20: 80, 21: 112, 22: 56, 23: 56, 25: 80}

const mapSize23 = 88 // up to Go 1.23

// typeWalk finds type descriptors, beginning with whatever points at something that looks like one: the table of types,
// aligned words, and code that takes an address. What a descriptor names is looked at next.
type typeWalk struct {
	marks
	scanner *Scanner
	table   []byte
	seen    []uint64 // 1 bit for each 8 bytes
	stack   []uint32 // offsets of descriptors to look at
	mapSize uint64
	budget  int64 // members still to be marked: real ones never overlap, so more than fit is a hostile file
}

func findTypes(s *Scanner) marks {
	g := &s.image.Go
	t := image.Table{Addr: g.Types, Size: g.ETypes - g.Types}
	w := typeWalk{
		marks:   newMarks(t, TypeOff, TextOff),
		scanner: s,
		table:   s.image.Bytes(t.Addr, t.Size),
		seen:    make([]uint64, t.Size/512+1),
		mapSize: typeSizes[kindMap],
		budget:  int64(t.Size / 4),
	}
	if g.Minor <= 23 {
		w.mapSize = mapSize23
	}
	for b := s.image.Bytes(g.Typelinks.Addr, g.Typelinks.Size); len(b) >= 4; b = b[4:] {
		w.push(uint64(binary.LittleEndian.Uint32(b)))
	}
	for i := range s.regions {
		r := &s.regions[i]
		b := s.image.Data[r.Off:r.End]
		switch {
		case r.Class == Data || r.Class == Types:
			w.fromWords(b, r.Addr)
		case r.Class == Code && s.image.Arch == image.ARM64:
			w.fromARM64(b, r.Addr)
		case r.Class == Code:
			w.fromAMD64(b, r.Addr)
		}
	}
	for len(w.stack) > 0 && w.budget > 0 {
		off := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		w.descriptor(uint64(off))
	}
	return w.marks
}

func (w *typeWalk) fromWords(b []byte, addr uint64) {
	if skip := -addr & 7; skip < uint64(len(b)) {
		b = b[skip:]
	}
	size := uint64(len(w.table))
	for ; len(b) >= 8; b = b[8:] {
		if off := binary.LittleEndian.Uint64(b) - w.start; off < size {
			w.push(off)
		}
	}
}

// fromAMD64 looks for LEA with a distance from the next instruction.
func (w *typeWalk) fromAMD64(b []byte, addr uint64) {
	const lea, modrmMask, ripRelative, length = 0x8d, 0xc7, 0x05, 6
	size := uint64(len(w.table))
	for p := 0; p+length <= len(b); p++ {
		i := bytes.IndexByte(b[p:len(b)-length+1], lea)
		if i < 0 {
			return
		}
		p += i
		if b[p+1]&modrmMask == ripRelative {
			distance := signed32(uint64(binary.LittleEndian.Uint32(b[p+2:])))
			if off := addr + uint64(p) + length + distance - w.start; off < size {
				w.push(off)
			}
		}
	}
}

func (w *typeWalk) fromARM64(b []byte, addr uint64) {
	size := uint64(len(w.table))
	for p := int(-addr & 3); p+8 <= len(b); p += 4 {
		if !isa.IsPage(binary.LittleEndian.Uint32(b[p:])) {
			continue
		}
		if target, ok := isa.DecodePage(binary.LittleEndian.Uint64(b[p:]), addr+uint64(p)); ok && target-w.start < size {
			w.push(target - w.start)
		}
	}
}

// push keeps off for later when a descriptor may stand there.
func (w *typeWalk) push(off uint64) {
	n := uint64(len(w.table))
	if off&7 != 0 || off > n || n-off < typeSize || w.seen[off/512]>>(off/8%64)&1 != 0 {
		return
	}
	b := w.table[off : off+typeSize]
	const longestAlign = 16
	if k := b[typeKind] & 31; k == 0 || k > kindLast {
		return
	}
	if b[typeAligns] == 0 || b[typeAligns] > longestAlign || b[typeAligns+1] > longestAlign {
		return
	}
	name, ptr := uint64(binary.LittleEndian.Uint32(b[typeString:])), uint64(binary.LittleEndian.Uint32(b[typePtr:]))
	if name == 0 || name >= n || ptr >= n || w.table[name]&^0xf != 0 { // a name starts with four flags
		return
	}
	for _, at := range []int{typeMask, typeEqual} {
		if v := binary.LittleEndian.Uint64(b[at:]); v != 0 && v-w.scanner.low >= w.scanner.span {
			return
		}
	}
	w.seen[off/512] |= 1 << (off / 8 % 64)
	w.stack = append(w.stack, uint32(off))
}

// descriptor marks what the descriptor at off holds.
func (w *typeWalk) descriptor(off uint64) {
	b := w.table[off:]
	w.member(off+typeString, 1)
	w.typeAt(off + typePtr)
	kind := b[typeKind] & 31
	if kind == kindInterface && len(b) >= interfaceMethods+16 {
		methods := binary.LittleEndian.Uint64(b[interfaceMethods:]) - w.start
		count := binary.LittleEndian.Uint64(b[interfaceMethods+8:])
		if w.holds(methods, count, imethodSize) {
			for i := range count {
				w.member(methods+i*imethodSize, 1)
				w.typeAt(methods + i*imethodSize + 4)
			}
		}
	}
	if b[typeFlags]&1 == 0 {
		return
	}
	size := max(typeSize, typeSizes[kind])
	if kind == kindMap {
		size = w.mapSize
	}
	if len(b) >= int(size)+uncommonOffset+4 {
		w.uncommon(off + size)
	}
}

// uncommon marks the package's name and the methods of the uncommon part at off.
func (w *typeWalk) uncommon(off uint64) {
	u := w.table[off:]
	w.member(off, 1)
	count := uint64(binary.LittleEndian.Uint16(u[uncommonCount:]))
	methods := off + uint64(binary.LittleEndian.Uint32(u[uncommonOffset:]))
	if !w.holds(methods, count, methodSize) {
		return
	}
	for i := range count {
		m := methods + i*methodSize
		w.member(m, 1)
		w.typeAt(m + 4)
		w.member(m+8, 2)
		w.member(m+12, 2)
	}
}

// holds tells whether the table has count records of a size at off.
func (w *typeWalk) holds(off, count, size uint64) bool {
	n := uint64(len(w.table))
	return off%4 == 0 && off <= n && count <= (n-off)/size
}

// typeAt marks the type offset at off and looks at the type.
func (w *typeWalk) typeAt(off uint64) {
	if v := w.member(off, 1); v != 0 {
		w.push(uint64(v))
	}
}

// member marks the offset at off, unless it stands for nothing, and returns it.
func (w *typeWalk) member(off uint64, mark uint64) uint32 {
	v := binary.LittleEndian.Uint32(w.table[off:])
	if w.budget--; v == 0 || v == none || w.budget < 0 {
		return 0
	}
	w.set(w.start+off, mark)
	return v
}
