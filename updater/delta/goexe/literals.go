package goexe

import (
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"
)

// Literal bytes travel in groups of what is alike: each is packed for itself.
const (
	codeLiterals = iota
	typeLiterals
	funcLiterals // what functions say about themselves
	wordLiterals // data with addresses
	textLiterals // names and everything else
	numGroups
)

var groupNames = [numGroups]string{"code", "types", "funcs", "words", "text"}

// inlineLiterals is how many literal bytes are few enough to be coded among the numbers: smaller, but slower.
const inlineLiterals = 48 << 10

// groupOf tells the group of what stands near old bytes of that class.
func groupOf(k refs.Class) int {
	switch k {
	case refs.Code:
		return codeLiterals
	case refs.Types, refs.Typelinks:
		return typeLiterals
	case refs.GoFunc, refs.CUs, refs.PdataTable, refs.EhFrameTable, refs.EhHdrTable:
		return funcLiterals
	case refs.Data, refs.NoPtr:
		return wordLiterals
	default:
		return textLiterals
	}
}

// literals are the groups: collected by a builder, used up by a patcher.
type literals struct {
	inline    bool // there are few: they are coded among the numbers, and no group has any
	collected [numGroups][]byte
	packed    [numGroups][]byte
}
