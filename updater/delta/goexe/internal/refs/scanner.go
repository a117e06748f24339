package refs

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"

// Region is a piece of the file.
type Region struct {
	Off, End uint64 // in the file; Regions cover it in order, none is empty
	Addr     uint64 // of Off's byte; 0 where the piece is not in memory
	Class    Class
}

// Scanner finds references. It is not safe for use by several goroutines; each may have its own [Scanner.Fork].
type Scanner struct {
	image   *image.Image
	regions []Region
	bases   Bases
}

// New prepares a scanner for m, which it keeps and only reads.
func New(m *image.Image) (*Scanner, error) {
	s := &Scanner{image: m, bases: BasesOf(m)}
	s.regions = regionsOf(m)
	return s, nil
}

// Image returns what is scanned.
func (s *Scanner) Image() *image.Image { return s.image }

// Regions returns the pieces of the file, in order. The caller must not change them.
func (s *Scanner) Regions() []Region { return s.regions }

// Append appends to dst the references that start in [from, to) of the file and end at or before limit, ascending and
// disjoint. Which ones they are does not depend on how a range is cut into calls.
func (s *Scanner) Append(dst []Ref, from, to, limit uint64) []Ref {
	return dst
}

// Target returns the absolute address that r, one of this scanner's references, points at.
func (s *Scanner) Target(r Ref) uint64 {
	return 0
}
