package image

// imports replaces PE's import directory by what follows from it: the directory itself, 20 bytes for each library, and
// for each library two lists of words, which name the functions and become their addresses.
func (m *Image) imports() {
	const (
		entry               = 20
		list, name, address = 0, 12, 16 // of an entry
		mostLibraries       = 256
		mostFunctions       = 1 << 12
	)
	if len(m.Imports) == 0 {
		return
	}
	directory := m.Imports[0].Addr
	m.Imports = nil
	at := directory
	for range mostLibraries {
		if m.Uint32(at+name) == 0 {
			break
		}
		for _, field := range []uint64{list, address} {
			t := Table{Addr: m.Base + uint64(m.Uint32(at+field))}
			for t.Size < 8*mostFunctions && m.Uint64(t.End()) != 0 {
				t.Size += 8
			}
			if m.Bytes(t.Addr, t.Size) != nil && t.Size > 0 {
				m.Imports = append(m.Imports, t)
			}
		}
		at += entry
	}
	if at > directory && m.Bytes(directory, at-directory) != nil {
		m.Imports = append(m.Imports, Table{directory, at - directory})
	}
}
