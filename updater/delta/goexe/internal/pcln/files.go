package pcln

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"

// What the file of a run of code is guessed from.
const (
	fileAsBefore = iota // where the function came back to inlined code
	fileConflict        // as before, but the counterpart says otherwise
	fileAsOld           // the counterpart
	fileFirst           // nothing
	fileGoesOn          // the run before
	fileGuesses
)

type fileModels struct {
	differ [fileGuesses]entropy.Prob
	cut    [2]entropy.Prob
	length entropy.Uint
	far    entropy.Int
	at     []int32 // by inline index and 1: the file, -1 for none
}

// farFile stands for indexes of files that take more than two bytes.
const farFile = 0xffff

// fileRun is a run of code in the same inlined function.
type fileRun struct {
	inline int32
	prev   int32 // the file before
	old    int   // step of the counterpart's table
}

// codeFiles codes pcfile along the function's inline indexes: inlined code comes from one file as a rule, and where it
// goes on, from the same.
func (m *contents) codeFiles(c *entropy.Coder, dst []step, t *table) ([]step, error) {
	m.files.at = m.files.at[:0]
	dst = dst[:0]
	runs := t.beside[0]
	r := fileRun{prev: -1}
	n := 0 // step of the builder's table
	for pc := uint32(0); pc < t.size; {
		end := t.size
		r.inline = -1
		if len(runs) > 0 {
			r.inline, end = runs[0].value, min(runs[0].end, t.size)
			if runs[0].end <= pc {
				runs = runs[1:]
				continue
			}
		}
		for r.old < len(t.old) && t.old[r.old].end <= pc {
			r.old++
		}
		var want step
		if c.Encoding() {
			for t.actual[n].end <= pc {
				n++
			}
			want = t.actual[n]
		}
		v := m.codeFile(c, t, &r, want.value)
		length := end - pc
		if c.Flag(&m.files.cut[b2i(len(t.beside[0]) > 0)], want.end < end) {
			length = uint32(min(c.Uint(&m.files.length, uint64(want.end-pc)), uint64(t.size)))
		}
		if length == 0 || length > end-pc {
			return dst, errSteps
		}
		if r.old < len(t.old) && startsAt(t.old, r.old, pc) {
			m.p.learn(colFile, t.old[r.old], v)
		}
		pc += length
		if len(dst) == 0 || dst[len(dst)-1].value != v {
			if len(dst) >= t.budget {
				return dst, errSteps
			}
			dst = append(dst, step{value: v})
		}
		dst[len(dst)-1].end = pc
		r.prev = v
		if err := c.Err(); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// guessFile returns what the file probably is, and why.
func (m *contents) guessFile(t *table, r *fileRun) (file int32, why int) {
	old, known := int32(0), r.old < len(t.old)
	if known {
		old = m.p.value(colFile, t.old[r.old])
	}
	if i := int(r.inline) + 1; i >= 0 && i < len(m.files.at) && m.files.at[i] >= 0 {
		if known && old != m.files.at[i] {
			return m.files.at[i], fileConflict
		}
		return m.files.at[i], fileAsBefore
	}
	switch {
	case known:
		return old, fileAsOld
	case r.prev < 0:
		return 0, fileFirst
	}
	return r.prev, fileGoesOn
}

func (m *contents) codeFile(c *entropy.Coder, t *table, r *fileRun, want int32) int32 {
	v, why := m.guessFile(t, r)
	if c.Flag(&m.files.differ[why], want != v) {
		v = m.codeOtherFile(c, r, v, why, want)
	}
	if i := int(r.inline) + 1; i >= 0 && i < maxInline {
		for len(m.files.at) <= i {
			m.files.at = append(m.files.at, -1)
		}
		m.files.at[i] = v
	}
	return v
}

// codeOtherFile codes an index as two bytes.
func (m *contents) codeOtherFile(c *entropy.Coder, r *fileRun, guess int32, why int, want int32) int32 {
	cu, before := m.p.cu, uint32(r.prev)
	bytes := uint32(want)
	if want < 0 || want > farFile {
		bytes = farFile
	}
	v := uint32(0)
	for part := range uint32(2) {
		if part == 1 {
			before = v
		}
		h := entropy.Hashes{
			mix(colFile, 8*part+0, uint32(r.inline), cu, 0),
			mix(colFile, 8*part+1, cu, 0, 0),
			mix(colFile, 8*part+2, cu, before, 0),
			mix(colFile, 8*part+3, uint32(guess), uint32(why), cu),
		}
		set := (colFile*valueSets + int(part)) * entropy.SymbolSets
		v |= c.Symbol(m.values, &h, set, bytes>>(8*part)&255) << (8 * part)
	}
	if v == farFile {
		return int32(c.Int(&m.files.far, int64(want)))
	}
	return int32(v)
}
