package pcln

import (
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
)

// farFile stands for indexes of files that take more than two bytes.
const farFile = 0xffff

// codeFiles codes pcfile along the function's inline tree: code that was inlined comes from one file as a rule, and
// where it comes back, from the same.
func (m *contents) codeFiles(c *entropy.Coder, dst []step, t *task) ([]step, error) {
	m.fileOf = m.fileOf[:0]
	dst = dst[:0]
	runs := t.others[colInline]
	pc, old, n := uint32(0), 0, 0 // n: step of the builder's table
	prev := int32(-1)
	for pc < t.size {
		inline, end := int32(-1), t.size
		if len(runs) > 0 {
			inline, end = runs[0].value, min(runs[0].end, t.size)
			runs = runs[1:]
		}
		for pc < end {
			for old < len(t.old) && t.old[old].end <= pc {
				old++
			}
			var want step
			if c.Encoding() {
				for t.actual[n].end <= pc {
					n++
				}
				want = t.actual[n]
			}
			guess, kind := m.guessFile(t, inline, old, prev)
			v := m.codeFile(c, t, inline, guess, prev, kind, want.value)
			length := end - pc
			if inner := c.Flag(&m.fileEnd[min(len(t.others[colInline]), 1)], want.end < end); inner {
				length = uint32(min(c.Uint(&m.farLength[colFile], uint64(want.end-pc)), uint64(t.size)))
			}
			if length == 0 || length > end-pc {
				return dst, errSteps
			}
			if old < len(t.old) && (pc == 0 || old > 0 && t.old[old-1].end == pc) {
				m.learn(colFile, t.old[old], v)
			}
			pc += length
			if len(dst) > 0 && dst[len(dst)-1].value == v {
				dst[len(dst)-1].end = pc
			} else {
				if len(dst) >= t.budget {
					return dst, errSteps
				}
				dst = append(dst, step{v, pc})
			}
			prev = v
		}
		if err := c.Err(); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// guessFile returns what the file probably is, and why.
func (m *contents) guessFile(t *task, inline int32, old int, prev int32) (guess int32, kind int) {
	if i := int(inline) + 1; i >= 0 && i < len(m.fileOf) && m.fileOf[i] >= 0 {
		guess, kind = m.fileOf[i], 1
		if old < len(t.old) && m.value(t.k, t.old[old]) != guess {
			kind = 2
		}
		return guess, kind
	}
	if old < len(t.old) {
		return m.value(t.k, t.old[old]), 3
	}
	if prev < 0 {
		return 0, 4
	}
	return prev, 5
}

func (m *contents) codeFile(c *entropy.Coder, t *task, inline, guess, prev int32, kind int, want int32) int32 {
	v := guess
	if c.Flag(&m.fileHit[kind], want != guess) {
		x := &m.context
		p := uint32(prev)
		low := want
		if want < 0 || want > farFile {
			low = farFile
		}
		for part := range 2 {
			id := uint32(part) * 8
			if part == 1 {
				p = uint32(byte(v))
			}
			x[0] = mix(colFile, id, 0, 0, 0)
			x[1] = mix(colFile, id+1, t.unit, 0, 0)
			x[2] = mix(colFile, id+1, t.unit, p, 0)
			x[3] = mix(colFile, id+2, p, 0, 0)
			x[4] = mix(colFile, id+3, uint32(guess), uint32(kind), t.unit)
			x[5] = mix(colFile, id+4, uint32(inline), t.unit, 0)
			x[6] = mix(colFile, id+5, uint32(guess), uint32(kind), 0)
			b := uint32(c.Byte(m.values, x[:], colFile*4+part, byte(low>>(8*part))))
			if part == 0 {
				v = int32(b)
			} else {
				v |= int32(b) << 8
			}
		}
		if v == farFile {
			v = int32(c.Int(&m.farValue[colFile*4], int64(want)))
		}
	}
	if i := int(inline) + 1; i >= 0 && i < 1<<16 {
		for len(m.fileOf) <= i {
			m.fileOf = append(m.fileOf, -1)
		}
		m.fileOf[i] = v
	}
	return v
}
