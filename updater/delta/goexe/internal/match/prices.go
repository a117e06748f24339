package match

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/refs"

// price is what literal bytes cost in a part of the new text.
type price struct {
	end     int
	literal cost
}

// pricesOf lists the parts of f's text. There is at least one.
func pricesOf(f *file) []price {
	list := make([]price, 0, len(f.regions)+1)
	for _, r := range f.regions {
		list = append(list, price{f.place(r.End), literalOf(r.Class)})
	}
	return append(list, price{len(f.image.Data), literalText})
}

func literalOf(k refs.Class) cost {
	switch k {
	case refs.Code:
		return literalCode
	case refs.Types, refs.Typelinks:
		return literalType
	case refs.GoFunc, refs.CUs, refs.PdataTable, refs.EhFrameTable, refs.EhHdrTable:
		return literalFunc
	case refs.Data, refs.NoPtr:
		return literalWord
	default:
		return literalText
	}
}
