package goexe

import (
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
)

// plainBytes are the bytes of the new file that operations make: those outside the derived spans.
type plainBytes struct {
	spans []remap.Span // by offset, disjoint
	size  uint64
}

func plainOf(spans []derived.Span, size uint64) plainBytes {
	p := plainBytes{size: size}
	for _, s := range spans {
		p.spans = append(p.spans, remap.Span{Off: s.Off, Size: s.Size})
		p.size -= s.Size
	}
	return p
}

// place returns where in the new file the plain byte number at stands.
func (p plainBytes) place(at uint64) uint64 {
	for _, s := range p.spans {
		if s.Off > at {
			break
		}
		at += s.Size
	}
	return at
}
