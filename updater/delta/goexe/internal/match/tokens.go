package match

import (
	"bytes"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

const (
	looks      = 20  // bytes by which a target is told from others
	longString = 256 // bytes of a name that are looked at
)

// byLooks returns a number for every reference of f that is the same in both files if what it points at looks the same.
// A function is told by its number in the old file: known gives it, or -1.
func (f *file) byLooks(masked []byte, known func(function int) int32) []uint32 {
	numbers := make([]uint32, len(f.refs))
	for i, r := range f.refs {
		numbers[i] = uint32((f.look(r, masked, known) ^ f.shape(r)) * golden >> 32)
	}
	return numbers
}

func (f *file) look(r refs.Ref, masked []byte, known func(function int) int32) uint64 {
	target := f.target(r)
	if i := f.functionAt(target); i >= 0 {
		within := (target - f.functions[i].start) * 0xd6e8feb86659fd93
		if k := known(i); k >= 0 {
			return uint64(k)*golden + within
		}
		return hash(f.functions[i].name) + within
	}
	off, ok := f.image.Offset(target)
	if !ok {
		return 1
	}
	if r.Kind == refs.InlName || r.Kind == refs.Cutab {
		name := masked[off:min(off+longString, uint64(len(masked)))]
		if end := bytes.IndexByte(name, 0); end >= 0 {
			name = name[:end]
		}
		return hash(withoutVersion(name))
	}
	return hash(masked[off:min(off+looks, uint64(len(masked)))])
}

// byPlace returns a number for every reference of f that is the same in both files if it is to point at the same place.
func (f *file) byPlace(now func(target uint64) uint64) []uint32 {
	numbers := make([]uint32, len(f.refs))
	for i, r := range f.refs {
		numbers[i] = uint32((now(f.target(r))*golden ^ f.shape(r)) * golden >> 32)
	}
	return numbers
}

// shape is what a reference says besides its target: its kind, and an instruction's registers.
func (f *file) shape(r refs.Ref) uint64 {
	return r.Kind.Encode(f.image.Data[r.Off:], 0, r.Imm, 0, 0)<<8 | uint64(r.Kind)
}

const golden = 0x9e3779b97f4a7c15

// hash is FNV-1a, mixed.
func hash[T string | []byte](b T) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(b) {
		h = (h ^ uint64(b[i])) * 0x100000001b3
	}
	return (h ^ h>>29) * golden
}

// withoutVersion takes the version of a module out of a file's name.
func withoutVersion(name []byte) []byte {
	before, rest, ok := bytes.Cut(name, []byte("@"))
	if !ok {
		return name
	}
	_, after, _ := bytes.Cut(rest, []byte("/"))
	return append(append(make([]byte, 0, len(name)), before...), after...)
}
