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
		list = append(list, price{f.place(r.End), literals[r.Class.Group()]})
	}
	return append(list, price{len(f.image.Data), literals[refs.TextBytes]})
}

// literals are the costs of a byte that the patch brings, by what it is like.
var literals = [refs.NumGroups]cost{
	refs.CodeBytes: 11 * bit / 4,
	refs.TypeBytes: 15 * bit / 8,
	refs.FuncBytes: 3 * bit / 2,
	refs.WordBytes: 2 * bit,
	refs.TextBytes: 2 * bit,
}
