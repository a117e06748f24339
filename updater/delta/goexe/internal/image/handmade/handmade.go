// Package handmade makes the smallest executables that look as if Go's linker had made them: 3 KiB with one of everything
// that a parser reads. They run nowhere. Only tests import it, as a start for hostile files.
package handmade

import "encoding/binary"

// Where things are in the file. In memory everything is Base further.
const (
	Base = 0x400000

	text    = 0x100
	types   = 0x200
	pcln    = 0x400
	names   = pcln + 0x48
	cutab   = pcln + 0x60
	filetab = pcln + 0x68
	pctab   = pcln + 0x70
	functab = pcln + 0x78
	records = functab + 20 // two functions
	end     = records + 72 + 44
	goFunc  = pcln + 0x200
	find    = goFunc + 0x40
	links   = find + 0x10
	data    = 0x800
	module  = data + 0x100
	noPtr   = module + 0x260
	frame   = 0xb80
	headers = 0xc00

	// Size is how long a file is.
	Size = headers + 0x200
)

// ELF returns an executable of Go 1.minor, from 23 to 26, for amd64 or arm64.
func ELF(minor int, arm64 bool) []byte {
	b := make([]byte, Size)
	outer(b, arm64)
	code(b, arm64)
	typeTable(b)
	functions(b, arm64)
	version(b, minor)
	moduledata(b, minor)
	frames(b)
	return b
}

func u16(b []byte, off int, v ...uint16) {
	for i, x := range v {
		binary.LittleEndian.PutUint16(b[off+2*i:], x)
	}
}

func u32(b []byte, off int, v ...uint32) {
	for i, x := range v {
		binary.LittleEndian.PutUint32(b[off+4*i:], x)
	}
}

func u64(b []byte, off int, v ...uint64) {
	for i, x := range v {
		binary.LittleEndian.PutUint64(b[off+8*i:], x)
	}
}

func outer(b []byte, arm64 bool) {
	const strings = "\x00.text\x00.rodata\x00.data\x00.eh_frame\x00.shstrtab\x00"
	copy(b, "\x7fELF\x02\x01\x01")
	machine := uint16(62)
	if arm64 {
		machine = 183
	}
	u16(b, 16, 2, machine)
	u64(b, 40, headers)
	u16(b, 58, 64, 6, 5)
	section := func(i int, name, kind uint32, flags, off, size uint64) {
		h := headers + 64*i
		u32(b, h, name, kind)
		u64(b, h+8, flags, 0, off, size)
		if flags != 0 {
			u64(b, h+16, Base+off)
		}
	}
	section(1, 1, 1, 6, text, 0x100)
	section(2, 7, 1, 2, types, data-types)
	section(3, 15, 1, 3, data, frame-data)
	section(4, 21, 1, 2, frame, 0x40)
	section(5, 31, 3, 0, headers+6*64, uint64(len(strings)))
	copy(b[headers+6*64:], strings)
}

// code: a function that calls the second one and takes the address of the type, then one that does nothing.
func code(b []byte, arm64 bool) {
	if arm64 {
		u32(b, text, 0x94000008, 0x90000000, 0x91084000, 0xd65f03c0) // bl; adrp, add; ret
		u32(b, text+0x20, 0xd65f03c0)
		return
	}
	copy(b[text:], "\xe8\x1b\x00\x00\x00\x48\x8d\x05\x04\x01\x00\x00\xc3") // call; lea; ret
	b[text+0x20] = 0xc3
}

// typeTable: a name at 8, an interface type at 0x10 with one method each way.
func typeTable(b []byte) {
	copy(b[types+8:], "\x01\x01T")
	t := types + 0x10
	u64(b, t, 16, 8)
	copy(b[t+20:], "\x01\x08\x08\x14")
	u64(b, t+24, Base+text, Base+types)
	u32(b, t+40, 8, 0x10)
	u64(b, t+56, Base+types+0x80, 1, 1)
	u32(b, types+0x60, 8, 1, 0x10, 0, 8, 0x10, 0, 0x20)
	u32(b, types+0x80, 8, 0x10)
}

func functions(b []byte, arm64 bool) {
	least := uint32(1)
	if arm64 {
		least = 4
	}
	u32(b, pcln, 0xfffffff1, least<<16|8<<24)
	u64(b, pcln+8, 2, 1, Base+text, names-pcln, cutab-pcln, filetab-pcln, pctab-pcln, functab-pcln)
	copy(b[names:], "\x00main.main\x00main.two\x00")
	copy(b[filetab:], "a.go")
	copy(b[pctab:], "\x00\x02\x20\x00")
	u32(b, functab, 0, records-functab, 0x20, records-functab+72, 0x40)
	u32(b, records, 0, 1, 0, 0, 0, 0, 0, 3, 0, 1, 4<<24)
	u32(b, records+44, 0, 0, 1, ^uint32(0), ^uint32(0), 0x20, 0)
	u32(b, records+72, 0x20, 11)
	u32(b, goFunc, 0, 11, 4, 5)
	u64(b, goFunc+0x20, 1)
	u32(b, goFunc+0x28, 0, 8, 8, 0x10)
	u32(b, links, 0x10)
}

func version(b []byte, minor int) {
	copy(b[data:], "\xff Go buildinf:\x08\x02")
	text := "go1.2" + string(rune('0'+minor%10)) + ".1"
	b[data+32] = byte(len(text))
	copy(b[data+33:], text)
}

func moduledata(b []byte, minor int) {
	slice := func(i int, addr, n uint64) { u64(b, module+8*i, addr, n, n) }
	unit, last := uint64(1), 41
	if minor >= 26 {
		unit, last = 4, 42
	}
	u64(b, module, Base+pcln)
	slice(1, Base+names, 0x18)
	slice(4, Base+cutab, 4/unit)
	slice(7, Base+filetab, 5)
	slice(10, Base+pctab, 4)
	slice(13, Base+functab, end-functab)
	slice(16, Base+functab, 3)
	u64(b, module+19*8, Base+find, Base+text, Base+text+0x40, Base+text, Base+text+0x40)
	u64(b, module+24*8, Base+noPtr, Base+noPtr+8)
	u64(b, module+37*8, Base+types, Base+types+0x100, Base+types, Base+goFunc)
	slice(last, Base+text, 1)
	slice(last+3, Base+links, 1)
}

func frames(b []byte) {
	u32(b, frame, 0x14, 0)
	u32(b, frame+0x18, 0x14, 0x1c, ^uint32(frame+0x20-text)+1, 0x20)
}
