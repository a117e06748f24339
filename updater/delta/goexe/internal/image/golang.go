package image

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
)

// The Go versions whose tables are known.
const (
	firstMinor = 23
	lastMinor  = 26
)

// golang finds and checks the tables of the Go runtime.
func (m *Image) golang() error {
	minor, ok := m.version()
	if !ok {
		return unsupported("no Go build information")
	}
	if minor < firstMinor || minor > lastMinor {
		return unsupported("built by Go 1.%d, known are 1.%d to 1.%d", minor, firstMinor, lastMinor)
	}
	headers := m.headers()
	if len(headers) == 0 {
		return unsupported("no pclntab")
	}
	var modules []uint64
	for _, h := range headers {
		m.find(h, func(addr uint64) bool {
			if m.isModule(addr) {
				modules = append(modules, addr)
			}
			return len(modules) < 2
		})
	}
	switch len(modules) {
	case 0:
		return unsupported("no moduledata: its pointers may be set at load time")
	case 1:
		return m.tables(minor, modules[0])
	}
	return unsupported("more than one moduledata")
}

// version reads the Go version that the linker left: behind a marker, aligned by 16, a byte that says that two strings
// follow at 32, the first of them the version with its length before it.
func (m *Image) version() (minor int, ok bool) {
	const marker, inline = "\xff Go buildinf:", 2
	m.find(binary.LittleEndian.Uint64([]byte(marker)), func(addr uint64) bool {
		b := m.Bytes(addr, 33)
		if addr%16 == 0 && bytes.HasPrefix(b, []byte(marker)) && b[15]&inline != 0 && b[32] < 0x80 {
			minor, ok = minorOf(string(m.Bytes(addr+33, uint64(b[32]))))
		}
		return !ok
	})
	return minor, ok
}

// minorOf returns 26 for go1.26.8, go1.26rc1 and go1.26-custom.
func minorOf(version string) (int, bool) {
	digits, ok := strings.CutPrefix(version, "go1.")
	minor, n := 0, 0
	for n < len(digits) && n < 4 && '0' <= digits[n] && digits[n] <= '9' {
		minor = minor*10 + int(digits[n]-'0')
		n++
	}
	return minor, ok && n > 0
}

// find calls f with the address of every aligned word outside code that is want, until f returns false.
func (m *Image) find(want uint64, f func(addr uint64) bool) {
	for _, s := range m.Sections {
		skip := -s.Addr & 7
		if s.Exec || s.FileSize < skip {
			continue
		}
		b := m.Data[s.Off+skip : s.Off+s.FileSize]
		for i := 0; i+8 <= len(b); i += 8 {
			if binary.LittleEndian.Uint64(b[i:]) == want && !f(s.Addr+skip+uint64(i)) {
				return
			}
		}
	}
}

// pcHeader, in bytes: magic 4, zeros 2, smallest instruction 1, pointer size 1, number of functions 8, number of files 8,
// start of text 8 (unused since Go 1.26), then the offsets of names, cutab, filetab, pctab and functab.
const (
	pcHeaderSize  = 72
	pcHeaderFuncs = 8
	pcHeaderNames = 32
)

// headers returns the addresses of what looks like a pcHeader.
func (m *Image) headers() (found []uint64) {
	const most = 16 // an executable may hold others, as data
	want := uint64(0x0801_0000_fffffff1)
	if m.Arch == ARM64 {
		want = 0x0804_0000_fffffff1
	}
	m.find(want, func(addr uint64) bool {
		h := fields{data: m.Bytes(addr, pcHeaderSize)}
		previous := uint64(pcHeaderSize - 1)
		for i := uint64(0); i < 5; i++ {
			off := h.u64(pcHeaderNames + 8*i)
			if off <= previous || off > math.MaxUint32 {
				return true
			}
			previous = off
		}
		if n := h.u64(pcHeaderFuncs); n > 0 && n < 1<<24 {
			found = append(found, addr)
		}
		return len(found) < most
	})
	return found
}

// The words of moduledata that are needed; slices are pointer, length and capacity.
const (
	mdHeader = 0
	mdNames  = 1 // slice
	mdCUs    = 4 // slice
	mdFiles  = 7 // slice
	mdPctab  = 10
	mdPcln   = 13 // slice: functab and functions
	mdFtab   = 16 // slice
	mdFind   = 19
	mdText   = 22
	mdEText  = 23
	mdNoPtr  = 24
	mdENoPtr = 25
	mdTypes  = 37
	mdETypes = 38
	mdROData = 39
	mdGoFunc = 40
	// From here on, a word more since Go 1.26.
	mdTexts     = 41 // slice: one for each piece of the text
	mdTypelinks = 44 // slice
)

// isModule tells whether the words at addr agree with the pcHeader that the first of them points at.
func (m *Image) isModule(addr uint64) bool {
	header := m.Uint64(addr)
	word := func(i uint64) uint64 { return m.Uint64(addr + 8*i) }
	for i, w := range []uint64{mdNames, mdCUs, mdFiles, mdPctab, mdPcln} {
		if word(w) != header+m.Uint64(header+pcHeaderNames+8*uint64(i)) || word(w+1) != word(w+2) {
			return false
		}
	}
	return word(mdFtab) == word(mdPcln) && word(mdFtab+1) == m.Uint64(header+pcHeaderFuncs)+1
}

// tables reads moduledata.
func (m *Image) tables(minor int, module uint64) error {
	shift, words, elements := uint64(0), uint64(73), uint64(1)
	if minor >= 26 {
		shift, words, elements = 1, 74, 4 // epclntab; cutab's length in elements
	}
	word := func(i uint64) uint64 { return m.Uint64(module + 8*i) }
	table := func(i, unit uint64) Table {
		return Table{word(i), min(word(i+1), math.MaxUint32) * unit}
	}
	g := &m.Go
	g.Minor = minor
	g.ModuleData = Table{module, 8 * words}
	g.Pcln = word(mdHeader)
	g.Names, g.CUs, g.Files, g.Pctab = table(mdNames, 1), table(mdCUs, elements), table(mdFiles, 1), table(mdPctab, 1)
	pcln := table(mdPcln, 1)
	g.NumFuncs = int(word(mdFtab+1)) - 1
	g.Functab = Table{pcln.Addr, 8*uint64(g.NumFuncs) + 4}
	g.Funcs = Table{g.Functab.End(), pcln.Size - g.Functab.Size}
	g.Text, g.EText = word(mdText), word(mdEText)
	g.NoPtrData = between(word(mdNoPtr), word(mdENoPtr))
	g.Types, g.ETypes, g.ROData, g.GoFunc = word(mdTypes), word(mdETypes), word(mdROData), word(mdGoFunc)
	g.Typelinks = table(mdTypelinks+shift, 4)
	if word(mdTexts+shift+1) > 1 {
		return unsupported("text in several pieces")
	}
	if pcln.Size < g.Functab.Size {
		return unsupported("pclntab ends inside functab")
	}
	g.FindFunc = Table{word(mdFind), findFuncSize(g.EText - g.Text)}
	if err := m.checkTables(); err != nil {
		return err
	}
	return m.checkFuncs()
}

// between is a table by its ends. One that ends before it starts is too large for any file.
func between(from, to uint64) Table { return Table{from, to - from} }

// findFuncSize: 4 bytes for every 4096 of text, and one for every 256.
func findFuncSize(text uint64) uint64 {
	const bucket, sub = 4096, 256
	text = min(text, math.MaxUint32)
	return (text+bucket-1)/bucket*4 + (text+sub-1)/sub
}

func (m *Image) checkTables() error {
	g := &m.Go
	for _, t := range []struct {
		name string
		Table
	}{
		{"moduledata", g.ModuleData}, {"text", between(g.Text, g.EText)},
		{"funcnametab", g.Names}, {"cutab", g.CUs}, {"filetab", g.Files}, {"pctab", g.Pctab},
		{"functab", g.Functab}, {"functions", g.Funcs}, {"findfunctab", g.FindFunc}, {"typelinks", g.Typelinks},
		{"types", between(g.Types, g.ETypes)}, {"noptrdata", g.NoPtrData},
		{"rodata", Table{g.ROData, 0}}, {"go:func.*", Table{g.GoFunc, 0}},
	} {
		if m.Bytes(t.Addr, t.Size) == nil {
			return unsupported("%s is not in the file", t.name)
		}
	}
	if g.Names.End() > g.CUs.Addr || g.CUs.End() > g.Files.Addr || g.Files.End() > g.Pctab.Addr || g.Pctab.End() > g.Functab.Addr {
		return unsupported("the tables of pclntab overlap")
	}
	if s := m.SectionAt(g.Text); g.Text >= g.EText || !s.Exec {
		return unsupported("no text where moduledata says")
	}
	if g.Types%8 != 0 || g.GoFunc%8 != 0 {
		return unsupported("types or go:func.* not aligned")
	}
	if m.SectionAt(g.Pcln) != m.SectionAt(g.Funcs.Addr) {
		return unsupported("pclntab in several sections")
	}
	return nil
}

// A _func record: 44 bytes, then 4 for each table of values by pc and 4 for each piece of funcdata.
const (
	funcSize    = 44
	funcNPCData = 28 // 4 bytes
	funcNFuncs  = 43 // 1 byte: pieces of funcdata
)

func (m *Image) checkFuncs() error {
	g := &m.Go
	tab := m.Bytes(g.Functab.Addr, g.Functab.Size+g.Funcs.Size)
	n := uint64(g.NumFuncs)
	previous, length := uint32(0), g.EText-g.Text
	for i := range n + 1 {
		entry := binary.LittleEndian.Uint32(tab[8*i:])
		if entry < previous || uint64(entry) > length {
			return unsupported("functab does not ascend at function %d", i)
		}
		previous = entry
		if i == n {
			break
		}
		off := uint64(binary.LittleEndian.Uint32(tab[8*i+4:]))
		if off < g.Functab.Size || off+funcSize > uint64(len(tab)) {
			return unsupported("function %d has no record", i)
		}
		f := tab[off:]
		if funcSize+4*(uint64(binary.LittleEndian.Uint32(f[funcNPCData:]))+uint64(f[funcNFuncs])) > uint64(len(f)) {
			return unsupported("the record of function %d is cut off", i)
		}
	}
	return nil
}
