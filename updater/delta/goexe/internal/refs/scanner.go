package refs

import (
	"encoding/binary"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Scanner finds references. It is not safe for use by several goroutines; each may have its own [Scanner.Fork].
type Scanner struct {
	image   *image.Image
	bases   Bases
	regions []Region
	functab []byte

	low, span       uint64 // of addresses in memory
	pcln, pclnSpan  uint64 // pclntab: only moduledata points there, so other numbers that seem to do not
	types, funcdata marks
	frames          marks

	// What speeds the next call up, and changes no answer.
	stops      []uint8 // amd64: for every 256 bytes of code from firstStop on, 1 + how far behind it an instruction starts; 0: not known
	firstStop  uint64
	lastFunc   int
	lastRegion int
	section    *image.Section
}

// New prepares a scanner for m, which it keeps and only reads.
func New(m *image.Image) (*Scanner, error) {
	g := &m.Go
	s := &Scanner{
		image:   m,
		bases:   BasesOf(m),
		regions: regionsOf(m),
		functab: m.Bytes(g.Functab.Addr, g.Functab.Size),
		section: &m.Sections[0],
		low:     m.Sections[0].Addr,
		pcln:    g.Pcln, pclnSpan: g.Funcs.End() - g.Pcln,
	}
	last := m.Sections[len(m.Sections)-1]
	s.span = last.Addr + last.MemSize - s.low
	s.types = findTypes(s)
	s.funcdata = findFuncdata(m)
	s.frames = findFrames(m)
	s.makeStops()
	return s, nil
}

// Fork returns a scanner of the same image for another goroutine. It shares what never changes.
func (s *Scanner) Fork() *Scanner {
	f := *s
	f.stops = make([]uint8, len(s.stops))
	return &f
}

func (s *Scanner) makeStops() {
	from, to := uint64(0), uint64(0)
	for _, r := range s.regions {
		if r.Class == Code && s.image.Arch == image.AMD64 {
			if to == 0 {
				from = r.Off
			}
			to = r.End
		}
	}
	s.firstStop = from / stopSize
	s.stops = make([]uint8, (to+stopSize-1)/stopSize-s.firstStop)
}

// Image returns what is scanned.
func (s *Scanner) Image() *image.Image { return s.image }

// Regions returns the pieces of the file, in order. The caller must not change them.
func (s *Scanner) Regions() []Region { return s.regions }

// Append appends to dst the references that start in [from, to) of the file and end at or before limit, ascending and
// disjoint. Which ones they are does not depend on how a range is cut into calls.
func (s *Scanner) Append(dst []Ref, from, to, limit uint64) []Ref {
	for i := s.regionAt(from); i < len(s.regions) && s.regions[i].Off < to; i++ {
		r := &s.regions[i]
		dst = s.appendRegion(dst, r, max(from, r.Off), min(to, r.End), min(limit, r.End))
	}
	return dst
}

// regionAt returns the index of the region that holds off, or the number of regions.
func (s *Scanner) regionAt(off uint64) int {
	if r := &s.regions[s.lastRegion]; off >= r.Off && off < r.End {
		return s.lastRegion
	}
	i := sort.Search(len(s.regions), func(i int) bool { return s.regions[i].End > off })
	if i < len(s.regions) {
		s.lastRegion = i
	}
	return i
}

func (s *Scanner) appendRegion(dst []Ref, r *Region, from, to, limit uint64) []Ref {
	switch r.Class {
	case Code:
		if s.image.Arch == image.ARM64 {
			return s.codeARM64(dst, r, from, to, limit)
		}
		return s.codeAMD64(dst, r, from, to, limit)
	case Data:
		return s.pointers(dst, r, from, to, limit)
	case Types:
		return s.marked(dst, r, &s.types, true, from, to, limit)
	case GoFunc:
		return s.marked(dst, r, &s.funcdata, true, from, to, limit)
	case NoPtr:
		return s.unlikely(dst, r, from, to, limit)
	case EhFrameTable:
		return s.marked(dst, r, &s.frames, false, from, to, limit)
	case CUs:
		return s.offsets(dst, r, Cutab, ^uint32(0), from, to, limit)
	case Typelinks:
		return s.offsets(dst, r, Typelink, ^uint32(0), from, to, limit)
	case PdataTable:
		return s.offsets(dst, r, Pdata, 0, from, to, limit)
	case EhHdrTable:
		return s.offsets(dst, r, EhHdr, 0, max(from, r.Off+12), to, limit)
	}
	return dst
}

// pointers appends the aligned words that are addresses.
func (s *Scanner) pointers(dst []Ref, r *Region, from, to, limit uint64) []Ref {
	delta := r.Addr - r.Off
	data := s.image.Data
	module := r.Addr == s.image.Go.ModuleData.Addr
	for x := from + -(from+delta)&7; x < to && x+8 <= limit; x += 8 {
		if v := binary.LittleEndian.Uint64(data[x:]); v-s.low < s.span && s.isPointer(v, module) {
			dst = append(dst, Ref{uint32(x), Abs64, 8, 0})
		}
	}
	return dst
}

// unlikely appends the aligned words that are the address of a function's start, or an aligned one of data like these.
// Where there should be no addresses the linker leaves such all the same, of what initialises packages; any other number
// that looks like an address is more likely to be none.
func (s *Scanner) unlikely(dst []Ref, r *Region, from, to, limit uint64) []Ref {
	delta := r.Addr - r.Off
	data := s.image.Data
	table, module := s.image.Go.NoPtrData, s.image.Go.ModuleData.Addr
	first, last := s.entry(0), s.entry(s.image.Go.NumFuncs)
	for x := from + -(from+delta)&7; x < to && x+8 <= limit; x += 8 {
		v := binary.LittleEndian.Uint64(data[x:])
		if v-table.Addr < table.Size && v%8 == 0 || v == module || v-first < last-first && s.entry(s.function(v)) == v {
			dst = append(dst, Ref{uint32(x), Abs64, 8, 0})
		}
	}
	return dst
}

// marked appends the marked places, and if wanted, the aligned words between them that are addresses.
func (s *Scanner) marked(dst []Ref, r *Region, m *marks, pointers bool, from, to, limit uint64) []Ref {
	delta := r.Addr - r.Off
	data := s.image.Data
	for x := from + -(from+delta)&3; x < to && x+4 <= limit; {
		marks := m.at(x + delta)
		if (x+delta)&7 == 0 && marks == 0 {
			if pointers && x+8 <= limit {
				if v := binary.LittleEndian.Uint64(data[x:]); v-s.low < s.span && s.isPointer(v, false) {
					dst = append(dst, Ref{uint32(x), Abs64, 8, 0})
				}
			}
			x += 8
			continue
		}
		if marks&3 != 0 {
			dst = append(dst, Ref{uint32(x), m.kinds[marks&3], 4, 0})
		}
		x += 4
	}
	return dst
}

// offsets appends all 4-byte words but those that stand for nothing. The table starts where the region does.
func (s *Scanner) offsets(dst []Ref, r *Region, k Kind, nothing uint32, from, to, limit uint64) []Ref {
	data := s.image.Data
	for x := from + -(from-r.Off)&3; x < to && x+4 <= limit; x += 4 {
		if binary.LittleEndian.Uint32(data[x:]) != nothing {
			dst = append(dst, Ref{uint32(x), k, 4, 0})
		}
	}
	return dst
}

// isPointer tells whether v, which stands in moduledata or not, is taken for an address.
func (s *Scanner) isPointer(v uint64, module bool) bool {
	return (module || v-s.pcln >= s.pclnSpan) && s.inMemory(v)
}

// inMemory tells whether an address lies in a section.
func (s *Scanner) inMemory(v uint64) bool {
	if v-s.section.Addr < s.section.MemSize {
		return true
	}
	if v-s.low >= s.span {
		return false
	}
	section := s.image.SectionAt(v)
	if section == nil {
		return false
	}
	s.section = section
	return true
}

// Target returns the absolute address that r, one of this scanner's references, points at.
func (s *Scanner) Target(r Ref) uint64 {
	i := s.regionAt(uint64(r.Off))
	if i == len(s.regions) || uint64(r.Off)+uint64(r.Width) > uint64(len(s.image.Data)) {
		return 0
	}
	place := s.regions[i].Addr + uint64(r.Off) - s.regions[i].Off
	value := uint64(binary.LittleEndian.Uint32(s.image.Data[r.Off:]))
	if r.Width == 8 {
		value = binary.LittleEndian.Uint64(s.image.Data[r.Off:])
	}
	target, _ := r.Kind.Decode(value, place, r.Imm, s.bases[r.Kind])
	return target
}
