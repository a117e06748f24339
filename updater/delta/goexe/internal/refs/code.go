package refs

import (
	"encoding/binary"
	"sort"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/isa"
)

const (
	stopSize  = 256      // bytes of code between places that decoding can start at
	blockSize = 16 << 10 // decoding starts anew at least that often
)

// A unit is a run of code addresses that is decoded from its start on: a function, or where there are none (C code, what
// the linker adds) a block. Branches that stay in a function are no references: they move with it.
type unit struct {
	from, to uint64
	function bool
}

// unitAt returns the unit of r at addr.
func (s *Scanner) unitAt(r *Region, addr uint64) unit {
	n := s.image.Go.NumFuncs
	first, last := s.entry(0), s.entry(n)
	low, high := r.Addr, r.Addr+(r.End-r.Off)
	switch {
	case addr >= last:
		low = max(low, last, addr&^(blockSize-1))
		return unit{low, min(high, addr&^(blockSize-1)+blockSize), false}
	case addr < first:
		low = max(low, addr&^(blockSize-1))
		return unit{low, min(high, first, addr&^(blockSize-1)+blockSize), false}
	}
	i := s.function(addr)
	return unit{max(low, s.entry(i)), min(high, s.entry(i+1)), true}
}

// function returns the index of the function that addr, which is between the first and the end of the last, is in.
func (s *Scanner) function(addr uint64) int {
	n, i := s.image.Go.NumFuncs, s.lastFunc
	if addr >= s.entry(i) && addr < s.entry(i+1) {
		return i
	}
	if i++; i >= n || addr < s.entry(i) || addr >= s.entry(i+1) { // the next one is the usual case
		i = sort.Search(n, func(i int) bool { return s.entry(i) > addr }) - 1
	}
	s.lastFunc = i
	return i
}

// entry returns the address where function i starts; with their number, where the last one ends.
func (s *Scanner) entry(i int) uint64 {
	return s.image.Go.Text + uint64(binary.LittleEndian.Uint32(s.functab[8*i:]))
}

// inside tells whether a branch to target stays in the function without being a call of itself.
func (u unit) inside(target uint64) bool {
	return u.function && target > u.from && target < u.to
}

// codeAMD64 appends the references of region r that start in [from, to) and end by limit.
func (s *Scanner) codeAMD64(dst []Ref, r *Region, from, to, limit uint64) []Ref {
	if from >= to {
		return dst
	}
	delta := r.Addr - r.Off // from places in the file to addresses
	data := s.image.Data
	u := s.unitAt(r, from+delta)
	x := s.stopBefore(u.from-delta, from)
	next := (x + stopSize - 1) &^ (stopSize - 1) // the next stop to be remembered
	var tail isa.Window
	for x < to {
		if x+delta >= u.to {
			u = s.unitAt(r, x+delta)
		}
		if x >= next {
			s.stops[next/stopSize-s.firstStop] = uint8(x - next + 1)
			next += stopSize
		}
		i := isa.ReadAMD64(isa.Look(data[x:], &tail))
		if i.Length == 0 {
			x++
			continue
		}
		behind := x + uint64(i.Length)
		if behind+delta > u.to {
			x = u.to - delta
			continue
		}
		if at := x + uint64(i.At); i.At > 0 && at >= from && at < to && at+4 <= limit {
			target := behind + delta + signed32(uint64(binary.LittleEndian.Uint32(data[at:])))
			if s.inMemory(target) && (!i.Branch || !u.inside(target)) {
				dst = append(dst, Ref{uint32(at), Rel32, 4, uint8(i.Imm)})
			}
		}
		x = behind
	}
	return dst
}

// stopBefore returns where to start decoding a unit that starts at from, so as to come by at: the last place up to at
// that an earlier pass remembered, or from. What is remembered depends on the file alone, so nobody sees a difference.
func (s *Scanner) stopBefore(from, at uint64) uint64 {
	for stop := at / stopSize; stop*stopSize > from; stop-- {
		if ahead := s.stops[stop-s.firstStop]; ahead > 0 {
			if x := stop*stopSize + uint64(ahead) - 1; x <= at {
				return x
			}
		}
	}
	return from
}

// codeARM64 appends the references of region r that start in [from, to) and end by limit.
func (s *Scanner) codeARM64(dst []Ref, r *Region, from, to, limit uint64) []Ref {
	delta := r.Addr - r.Off
	data := s.image.Data
	var u unit
	for x := from + -(from+delta)&3; x < to && x+4 <= limit; x += 4 {
		w := binary.LittleEndian.Uint32(data[x:])
		switch {
		case isa.IsBranch(w):
			target, _ := isa.DecodeBranch(w, x+delta)
			if !isa.Links(w) {
				if x+delta >= u.to || x+delta < u.from {
					u = s.unitAt(r, x+delta)
				}
				if u.inside(target) {
					continue
				}
			}
			if s.inMemory(target) {
				dst = append(dst, Ref{uint32(x), Branch64, 4, 0})
			}
		case isa.IsPage(w) && x+8 <= limit:
			target, ok := isa.DecodePage(binary.LittleEndian.Uint64(data[x:]), x+delta)
			if ok && s.inMemory(target) {
				dst = append(dst, Ref{uint32(x), PageAddr64, 8, 0})
			}
		}
	}
	return dst
}
