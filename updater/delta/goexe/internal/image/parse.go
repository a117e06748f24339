package image

import (
	"cmp"
	"math"
	"slices"
)

// Parse reads an executable. An error wraps ErrUnsupported and says why. What it returns holds:
//   - sections lie inside the file and are disjoint, in memory and in the file;
//   - every table lies inside the file bytes of one section;
//   - functab ascends and stays within the text, and its records lie inside Funcs.
//
// The Image keeps data, which must not change.
func Parse(data []byte) (*Image, error) {
	if uint64(len(data)) > math.MaxUint32 {
		return nil, unsupported("larger than 4 GiB")
	}
	m := &Image{Data: data}
	read, err := m.outer()
	if err != nil {
		return nil, err
	}
	if err := read(m); err != nil {
		return nil, err
	}
	if err := m.order(); err != nil {
		return nil, err
	}
	for _, t := range []*Table{&m.Relocs, &m.Pdata, &m.EhFrame, &m.EhFrameHdr} {
		if m.Bytes(t.Addr, t.Size) == nil || t.Size == 0 {
			*t = Table{}
		}
	}
	m.imports()
	if err := m.golang(); err != nil {
		return nil, err
	}
	return m, nil
}

// outer tells the format by the file's first bytes.
func (m *Image) outer() (func(*Image) error, error) {
	f := &fields{data: m.Data}
	switch {
	case f.u32(0) == 0x464c457f:
		m.Format = ELF
		return readELF, nil
	case f.u16(0) == 0x5a4d:
		m.Format = PE
		return readPE, nil
	case f.u32(0) == 0xfeedfacf:
		m.Format = MachO
		return readMachO, nil
	}
	return nil, unsupported("neither ELF nor PE nor 64-bit Mach-O")
}

// order sorts the sections and checks that they are disjoint.
func (m *Image) order() error {
	const highest = 1 << 62 // no sum of an address and a size below it overflows
	size := uint64(len(m.Data))
	for i := range m.Sections {
		s := &m.Sections[i]
		if s.FileSize == 0 {
			s.Off = 0
		}
		if s.Off > size || s.FileSize > size-s.Off {
			return unsupported("section %q reaches behind the file's end", s.Name)
		}
		if s.Addr > highest || s.MemSize > highest {
			return unsupported("section %q at %#x", s.Name, s.Addr)
		}
	}
	slices.SortStableFunc(m.Sections, func(a, b Section) int { return cmp.Compare(a.Addr, b.Addr) })
	for i := 1; i < len(m.Sections); i++ {
		if a, b := m.Sections[i-1], m.Sections[i]; a.Addr+a.MemSize > b.Addr {
			return unsupported("sections %q and %q overlap in memory", a.Name, b.Name)
		}
	}
	filed := slices.DeleteFunc(slices.Clone(m.Sections), func(s Section) bool { return s.FileSize == 0 })
	slices.SortStableFunc(filed, func(a, b Section) int { return cmp.Compare(a.Off, b.Off) })
	for i := 1; i < len(filed); i++ {
		if a, b := filed[i-1], filed[i]; a.Off+a.FileSize > b.Off {
			return unsupported("sections %q and %q overlap in the file", a.Name, b.Name)
		}
	}
	return nil
}
