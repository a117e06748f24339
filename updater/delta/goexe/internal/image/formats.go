package image

import "fmt"

// The three file formats, as far as sections need them. They are read here and not by debug/elf and its sisters because
// both sides of a patch must agree on every strange file, whatever they were built with, and because nothing here takes
// memory on a header's word.

const (
	maxSections = 512
	longestName = 64
)

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

func readELF(m *Image) error {
	const (
		class64, littleEndian = 2, 1
		headerSize            = 64
		alloc, exec, tls      = 0x2, 0x4, 0x400
		noBits                = 8
	)
	f := &fields{data: m.Data}
	if ident := f.bytes(4, 2); ident == nil || ident[0] != class64 || ident[1] != littleEndian {
		return unsupported("ELF, but not 64 bits and little endian")
	}
	switch f.u16(18) {
	case 62:
		m.Arch = AMD64
	case 183:
		m.Arch = ARM64
	default:
		return unsupported("ELF machine %d", f.u16(18))
	}
	table, count := f.u64(40), f.u16(60)
	if f.u16(58) != headerSize || count == 0 || count > maxSections {
		return unsupported("ELF with %d section headers", count)
	}
	names := f.u64(table + f.u16(62)*headerSize + 24)
	for i := range count {
		h := table + i*headerSize
		flags := f.u64(h + 8)
		s := Section{
			Name:    f.name(names+f.u32(h), longestName),
			Addr:    f.u64(h + 16),
			MemSize: f.u64(h + 32),
			Off:     f.u64(h + 24),
			Exec:    flags&exec != 0,
		}
		if f.u32(h+4) != noBits {
			s.FileSize = s.MemSize
		} else if flags&tls != 0 {
			continue // takes no place in memory
		}
		if flags&alloc == 0 || s.Addr == 0 || s.MemSize == 0 {
			continue
		}
		m.Sections = append(m.Sections, s)
		switch s.Name {
		case ".eh_frame":
			m.EhFrame = Table{s.Addr, s.FileSize}
		case ".eh_frame_hdr":
			m.EhFrameHdr = Table{s.Addr, s.FileSize}
		}
	}
	return f.err()
}

func readPE(m *Image) error {
	const (
		headerSize    = 40
		exec          = 0x20000000
		imports       = 1 // indexes of data directories
		exceptions    = 3
		relocations   = 5
		directories64 = 112
	)
	f := &fields{data: m.Data}
	h := f.u32(0x3c)
	if string(f.bytes(h, 4)) != "PE\x00\x00" {
		return unsupported("MZ without PE")
	}
	switch f.u16(h + 4) {
	case 0x8664:
		m.Arch = AMD64
	case 0xaa64:
		m.Arch = ARM64
	default:
		return unsupported("PE machine %#x", f.u16(h+4))
	}
	count, optional := f.u16(h+6), h+24
	if f.u16(optional) != 0x20b || count == 0 || count > maxSections {
		return unsupported("PE with %d sections and optional header %#x", count, f.u16(optional))
	}
	m.Base = f.u64(optional + 24)
	directory := func(i uint64) Table {
		if f.u32(optional+directories64-4) <= i {
			return Table{}
		}
		d := optional + directories64 + 8*i
		return Table{m.Base + f.u32(d), f.u32(d + 4)}
	}
	m.Imports = []Table{directory(imports)}
	m.Pdata, m.Relocs = directory(exceptions), directory(relocations)
	table := optional + f.u16(h+20)
	for i := range count {
		h := table + i*headerSize
		s := Section{
			Name:     f.name(h, 8),
			Addr:     m.Base + f.u32(h+12),
			MemSize:  f.u32(h + 8),
			Off:      f.u32(h + 20),
			FileSize: f.u32(h + 16),
			Exec:     f.u32(h+36)&exec != 0,
		}
		s.FileSize = min(s.FileSize, s.MemSize) // what is more is padding
		if s.MemSize > 0 && s.Addr != m.Base {
			m.Sections = append(m.Sections, s)
		}
	}
	return f.err()
}

func readMachO(m *Image) error {
	const (
		segment64              = 0x19
		segmentSize, sectSize  = 72, 80
		instructions           = 0x80000400
		zeroFill, hugeZeroFill = 0x1, 0xc
		threadZeroFill         = 0x12
	)
	f := &fields{data: m.Data}
	switch f.u32(4) {
	case 0x01000007:
		m.Arch = AMD64
	case 0x0100000c:
		m.Arch = ARM64
	default:
		return unsupported("Mach-O processor %#x", f.u32(4))
	}
	at := uint64(32)
	for range f.u32(16) {
		size := f.u32(at + 4)
		if size < 8 || f.bytes(at, size) == nil {
			return unsupported("Mach-O load commands reach behind the file")
		}
		if f.u32(at) != segment64 || f.name(at+8, 16) == "__DWARF" {
			at += size
			continue
		}
		if f.u64(at+40) == 0 && f.u64(at+48) > 0 {
			m.Base = f.u64(at + 24)
		}
		count := f.u32(at + 64)
		if size < segmentSize || count > (size-segmentSize)/sectSize || uint64(len(m.Sections))+count > maxSections {
			return unsupported("Mach-O segment with %d sections", count)
		}
		for i := range count {
			h := at + segmentSize + i*sectSize
			flags := f.u32(h + 64)
			s := Section{
				Name:    f.name(h+16, 16) + "," + f.name(h, 16),
				Addr:    f.u64(h + 32),
				MemSize: f.u64(h + 40),
				Off:     f.u32(h + 48),
				Exec:    flags&instructions != 0 && f.name(h+16, 16) == "__TEXT",
			}
			if kind := flags & 0xff; kind != zeroFill && kind != hugeZeroFill && kind != threadZeroFill {
				s.FileSize = s.MemSize
			}
			if s.MemSize > 0 {
				m.Sections = append(m.Sections, s)
			}
		}
		at += size
	}
	return f.err()
}

func (f *fields) err() error {
	if f.short {
		return unsupported("headers reach behind the file's end")
	}
	return nil
}
