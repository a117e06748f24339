package goexe

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

const (
	maxSections = 200
	ehFrameHdr  = ".eh_frame_hdr" // whose references count from its start
)

// headerModels learn the few numbers that describe the new file against the old one.
type headerModels struct {
	count, which, addr, off, fileSize, memSize, landmark entropy.Int
	exec                                                 entropy.Prob
}

// near codes a number that is likely to be expected.
func near(c *entropy.Coder, m *entropy.Int, v, expected uint64) uint64 {
	return uint64(c.Int(m, int64(v-expected))) + expected
}

// codeImage codes the sections and landmarks of the new file. The result has no Data, and of the section names only
// those that the old file has too, on both sides.
func codeImage(c *entropy.Coder, old, new *image.Image, size uint64) (*image.Image, error) {
	var m headerModels
	next := &image.Image{Format: old.Format, Arch: old.Arch}
	var from image.Image // what is written: nothing when reading
	if c.Encoding() {
		from = *new
	}
	count := near(c, &m.count, uint64(len(from.Sections)), uint64(len(old.Sections)))
	if count == 0 || count > maxSections {
		return nil, fmt.Errorf("%d sections", count)
	}
	next.Sections = make([]image.Section, count)
	copy(next.Sections, from.Sections)
	m.sections(c, old.Sections, next.Sections)
	if err := checkSections(next.Sections, size); err != nil {
		return nil, err
	}
	for _, s := range next.Sections {
		if s.Name == ehFrameHdr && old.EhFrameHdr.Size > 0 {
			next.EhFrameHdr = image.Table{Addr: s.Addr, Size: s.FileSize}
		}
	}
	next.Base = near(c, &m.landmark, from.Base, old.Base)
	m.landmarks(c, old, &from, next)
	if err := checkLandmarks(next); err != nil {
		return nil, err
	}
	return next, nil
}

// sections codes each section against the old one of its name, moved by what the sections before it grew.
func (m *headerModels) sections(c *entropy.Coder, old, next []image.Section) {
	last := -1
	var shiftAddr, shiftOff uint64
	for i := range next {
		s := &next[i]
		twin := slices.IndexFunc(old, func(o image.Section) bool { return o.Name == s.Name }) // -1: a new one
		twin = int(int64(near(c, &m.which, uint64(int64(twin)), uint64(int64(last+1)))))
		var o image.Section
		if twin >= 0 && twin < len(old) {
			o, last = old[twin], twin
		} else {
			o.Exec = c.Flag(&m.exec, s.Exec)
		}
		s.Name, s.Exec = o.Name, o.Exec
		s.Addr = near(c, &m.addr, s.Addr, o.Addr+shiftAddr)
		s.Off = near(c, &m.off, s.Off, o.Off+shiftOff)
		s.FileSize = near(c, &m.fileSize, s.FileSize, o.FileSize)
		s.MemSize = near(c, &m.memSize, s.MemSize, o.MemSize-o.FileSize+s.FileSize)
		shiftAddr, shiftOff = s.Addr-o.Addr, s.Off-o.Off
		if last == twin && twin+1 < len(old) {
			shiftAddr = follow(o.Addr, o.MemSize, old[twin+1].Addr, s.Addr, s.MemSize)
			shiftOff = follow(o.Off, o.FileSize, old[twin+1].Off, s.Off, s.FileSize)
		}
	}
}

// follow says how far the section behind (start, size) moves from next, when it keeps its alignment.
func follow(oldStart, oldSize, oldNext, start, size uint64) uint64 {
	shift := start - oldStart
	if oldNext-(oldStart+oldSize) >= 1<<16 {
		return shift // it does not follow closely
	}
	align := oldNext & -oldNext
	if align < 4096 {
		align = max(min(align, 32), 1)
	} else {
		align = 4096
	}
	return (start+size+align-1)&^(align-1) - oldNext
}

var errSections = errors.New("its sections overlap or reach outside the file")

// checkSections makes the promises of image.Image true for sections that were read from a patch.
func checkSections(l []image.Section, size uint64) error {
	const top = math.MaxUint64 / 4
	byOff := slices.Clone(l)
	slices.SortFunc(byOff, func(a, b image.Section) int { return cmp.Compare(a.Off, b.Off) })
	var addr, off uint64
	for i, s := range l {
		if s.Addr < addr || s.Addr > top || s.MemSize > top || s.FileSize > s.MemSize {
			return errSections
		}
		addr = s.Addr + s.MemSize
		f := byOff[i]
		if f.FileSize == 0 {
			continue
		}
		if f.Off < off || f.Off > size || f.FileSize > size-f.Off {
			return errSections
		}
		off = f.Off + f.FileSize
	}
	return nil
}

// landmarks are the addresses in image.Go that a patcher needs of the new file.
func landmarks(m *image.Image) []*uint64 {
	g := &m.Go
	return []*uint64{
		&g.Text, &g.EText, &g.Types, &g.ETypes, &g.ROData, &g.GoFunc, &g.FindFunc.Addr, &g.Typelinks.Addr,
		&g.ModuleData.Addr, &g.Pcln, &g.Names.Addr, &g.CUs.Addr, &g.Files.Addr, &g.Pctab.Addr, &g.Functab.Addr,
	}
}

// landmarks codes each landmark as moved like the one below it in the same section, or else like the section.
func (m *headerModels) landmarks(c *entropy.Coder, old, from, next *image.Image) {
	was, given, is := landmarks(old), landmarks(from), landmarks(next)
	order := make([]int, len(was))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(*was[a], *was[b]) })
	var section *image.Section
	var shift uint64
	for _, i := range order {
		if s := old.SectionAt(*was[i]); s != section && s != nil {
			section = s
			if k := slices.IndexFunc(next.Sections, func(n image.Section) bool { return n.Name == s.Name }); k >= 0 {
				shift = next.Sections[k].Addr - s.Addr
			}
		}
		*is[i] = near(c, &m.landmark, *given[i], *was[i]+shift)
		shift = *is[i] - *was[i]
	}
	g, f, o := &next.Go, &from.Go, &old.Go
	g.Minor = int(int64(near(c, &m.count, uint64(f.Minor), uint64(o.Minor))))
	g.NumFuncs = int(int64(near(c, &m.count, uint64(f.NumFuncs), uint64(o.NumFuncs))))
	g.Pctab.Size = near(c, &m.landmark, f.Pctab.Size, g.Functab.Addr-g.Pctab.Addr-(o.Functab.Addr-o.Pctab.End()))
	g.Functab.Size = uint64(g.NumFuncs)*8 + 4
	g.Funcs.Addr = g.Functab.End()
	g.Funcs.Size = near(c, &m.landmark, f.Funcs.Size, o.Funcs.Size)
	g.FindFunc.Size = near(c, &m.landmark, f.FindFunc.Size, o.FindFunc.Size)
}

var errLandmarks = errors.New("its function tables reach outside the file")

// checkLandmarks holds what memory is taken for to sections, which lie within the signed size.
func checkLandmarks(m *image.Image) error {
	g := &m.Go
	if g.NumFuncs < 0 || g.NumFuncs > 1<<24 || g.EText < g.Text || g.EText-g.Text > math.MaxUint32 {
		return errLandmarks
	}
	text := image.Table{Addr: g.Text, Size: g.EText - g.Text}
	for _, t := range []image.Table{text, g.Pctab, g.Functab, g.Funcs, g.FindFunc} {
		s := m.SectionAt(t.Addr)
		if s == nil || t.Size > s.FileSize || t.Addr-s.Addr > s.FileSize-t.Size {
			return errLandmarks
		}
	}
	return nil
}
