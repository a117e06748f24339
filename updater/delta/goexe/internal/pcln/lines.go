package pcln

// The kinds of line changes, by what the next line is probably near to.
const (
	lineGoesOn  = iota // the line before, in the same code
	lineBack           // where code that is returned to was left
	lineEntered        // where such code was entered in another function
	lineFirst          // the end of the function before
	lineKinds
)

// linePlace is what a [place] knows of lines.
type linePlace struct {
	kind   int
	inline int32 // which inlined code the line before belongs to
	now    int32 // and this one
	file   int32
}

// maxInline bounds the inline indexes for which something is remembered.
const maxInline = 1 << 16

// lines remembers where lines of a function went.
type lines struct {
	last    int32       // line of the function before
	at      []int32     // by inline index and 1: the last line, 0 for none
	visited [2048]bool  // lines, by their low bits
	entered [4096]int32 // by a hash of the file: the line at which inlined code of it began last
}

// begin turns to a new function.
func (l *lines) begin(s *place) {
	l.at = l.at[:0]
	clear(l.visited[:])
	s.line.inline = -2
}

// look sets what the line from here on is probably near to.
func (l *lines) look(cu uint32, s *place) {
	p := &s.line
	p.now, p.file = s.beside[0].value(-1), s.beside[1].value(0)
	i := int(p.now) + 1
	switch {
	case len(l.at) == 0:
		p.kind, s.symbols.base = lineFirst, l.last
	case p.now == p.inline:
		p.kind, s.symbols.base = lineGoesOn, s.prev
	case i >= 0 && i < len(l.at) && l.at[i] != 0:
		p.kind, s.symbols.base = lineBack, l.at[i]
	default:
		p.kind, s.symbols.base = lineEntered, l.entered[entrance(cu, p.file)]
	}
}

func entrance(cu uint32, file int32) uint32 { return mix(0, 0, uint32(file), cu, 0) >> 20 }

// saw notes the line from here on.
func (l *lines) saw(cu uint32, s *place, line int32) {
	p := &s.line
	if p.kind == lineEntered {
		l.entered[entrance(cu, p.file)] = line
	}
	l.visited[uint32(line)%uint32(len(l.visited))] = true
	if i := int(p.now) + 1; i >= 0 && i < maxInline {
		for len(l.at) <= i {
			l.at = append(l.at, 0)
		}
		l.at[i] = line
	}
	p.inline = p.now
}

// around tells which lines near to a line the function came by.
func (l *lines) around(line int32) (set uint32) {
	for d := int32(-3); d <= 4; d++ {
		set = set<<1 | uint32(b2i(l.visited[uint32(line+d)%uint32(len(l.visited))]))
	}
	return set
}
