package match

import (
	"bytes"
	"encoding/binary"
	"sort"
	"strings"
)

// function is one of a file's functions.
type function struct {
	start, end uint64 // addresses
	name       string
}

// readFunctions lists the functions of f by ascending address; what makes no sense is left out at the end.
func (f *file) readFunctions() {
	g := &f.image.Go
	tab := f.image.Bytes(g.Functab.Addr, g.Functab.Size)
	all := f.image.Bytes(g.Functab.Addr, g.Funcs.End()-g.Functab.Addr)
	names := f.image.Bytes(g.Names.Addr, g.Names.Size)
	word := binary.LittleEndian.Uint32
	for i := 0; i < g.NumFuncs && 8*i+12 <= len(tab); i++ {
		start, end := word(tab[8*i:]), word(tab[8*i+8:])
		if end < start || g.Text+uint64(end) > g.EText {
			break
		}
		fn := function{start: g.Text + uint64(start), end: g.Text + uint64(end)}
		if record := uint64(word(tab[8*i+4:])); record+8 <= uint64(len(all)) {
			if off := uint64(word(all[record+4:])); off < uint64(len(names)) {
				name, _, _ := bytes.Cut(names[off:], []byte{0})
				fn.name = string(name)
			}
		}
		f.functions = append(f.functions, fn)
	}
	f.buckets = make([]int32, (g.EText-g.Text)>>8+1)
	k := int32(-1)
	for i := range f.buckets {
		for int(k+1) < len(f.functions) && f.functions[k+1].start <= g.Text+uint64(i)<<8 {
			k++
		}
		f.buckets[i] = k
	}
}

// functionAt returns the number of the function that addr lies in, or -1.
func (f *file) functionAt(addr uint64) int {
	d := addr - f.image.Go.Text
	if d>>8 >= uint64(len(f.buckets)) {
		return -1
	}
	i := int(f.buckets[d>>8])
	for i+1 < len(f.functions) && f.functions[i+1].start <= addr {
		i++
	}
	if i < 0 || addr >= f.functions[i].end {
		return -1
	}
	return i
}

// byName pairs new functions with old ones: for each new one the number of the old one, or -1. Functions of one family
// (closures of a function, instances of a generic one) are told apart by what they do before their numbers count.
func byName(old, new *file, oldMasked, newMasked []byte) []int32 {
	families := make(map[string]*family)
	for i := range old.functions {
		name := familyName(old.functions[i].name)
		f := families[name]
		if f == nil {
			f = &family{}
			families[name] = f
		}
		f.old = append(f.old, int32(i))
	}
	align := make([]int32, len(new.functions))
	var order []*family
	for i := range new.functions {
		align[i] = -1
		f := families[familyName(new.functions[i].name)]
		if f == nil {
			continue
		}
		if f.new == nil {
			order = append(order, f)
		}
		f.new = append(f.new, int32(i))
	}
	for _, f := range order {
		f.pair(old, new, oldMasked, newMasked, align)
	}
	return align
}

// family holds functions that are called alike.
type family struct{ old, new []int32 }

// pair pairs the members: first those that do the same, then those of the same name, then the rest in order.
func (f *family) pair(old, new *file, oldMasked, newMasked []byte, align []int32) {
	if len(f.old) == 1 && len(f.new) == 1 {
		align[f.new[0]] = f.old[0]
		return
	}
	type sight struct {
		name string
		code uint64
	}
	prints := func(m *file, masked []byte, list []int32) []sight {
		out := make([]sight, len(list))
		for i, k := range list {
			out[i] = sight{m.functions[k].name, hash(m.code(masked, int(k)))}
		}
		return out
	}
	was, is := prints(old, oldMasked, f.old), prints(new, newMasked, f.new)
	taken := make([]bool, len(was))
	by := func(key func(sight) sight) {
		waiting := make(map[sight][]int)
		for i, s := range was {
			if !taken[i] {
				waiting[key(s)] = append(waiting[key(s)], i)
			}
		}
		for i, s := range is {
			if l := waiting[key(s)]; align[f.new[i]] < 0 && len(l) > 0 {
				align[f.new[i]] = f.old[l[0]]
				taken[l[0]] = true
				waiting[key(s)] = l[1:]
			}
		}
	}
	by(func(s sight) sight { return s })
	by(func(s sight) sight { return sight{"", s.code} })
	by(func(s sight) sight { return sight{s.name, 0} })
	by(func(sight) sight { return sight{} })
}

// code returns the masked bytes of function i.
func (f *file) code(masked []byte, i int) []byte {
	fn := &f.functions[i]
	off, ok := f.image.Offset(fn.start)
	if !ok || off+fn.end-fn.start > uint64(len(masked)) {
		return nil
	}
	return masked[off : off+fn.end-fn.start]
}

// familyName takes the numbers out that the compiler gives to closures and their like.
func familyName(name string) string {
	slash := strings.LastIndexByte(name, '/') + 1
	if i := strings.IndexByte(name, '['); i >= 0 && i < slash {
		slash = 0
	}
	if !strings.ContainsAny(name[slash:], "0123456789") {
		return name
	}
	parts := strings.Split(name[slash:], ".")
	for i, p := range parts[1:] {
		letters := strings.TrimRight(p, "0123456789")
		switch letters {
		case "", "func", "gowrap", "deferwrap", "init":
			parts[i+1] = letters
		default:
			if strings.Contains(letters, "-range") {
				parts[i+1] = letters
			}
		}
	}
	return name[:slash] + strings.Join(parts, ".")
}

// pairs tells in places of the texts which new function is taken for which old one.
func pairs(old, new *file, align []int32) []pair {
	list := make([]pair, 0, len(align))
	for i, k := range align {
		fn := &new.functions[i]
		off, ok := new.image.Offset(fn.start)
		if !ok {
			continue
		}
		p := pair{start: new.place(off)}
		p.end = p.start + int(fn.end-fn.start)
		if k >= 0 {
			fn := &old.functions[k]
			if off, ok := old.image.Offset(fn.start); ok {
				p.oldStart = int(off)
				p.oldEnd = p.oldStart + int(fn.end-fn.start)
			}
		}
		list = append(list, p)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].start < list[j].start })
	return list
}

// pair is a new function and the old one it is taken for, in places of the texts.
type pair struct {
	start, end       int
	oldStart, oldEnd int // equal for none
}
