package pcln

import (
	"fmt"
	"io"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

// Verify tells the builder whether the linker's rules, as they are known here, give exactly these tables from what is in
// them: ErrUnsupported if not.
func (t *Table) Verify() error {
	if err := t.verifyRecords(); err != nil {
		return err
	}
	p := newPlacer(t)
	if err := p.begin(io.Discard, uint64(len(t.pctab))); err != nil || t.pctab[0] != 0 {
		return errOrder
	}
	for i := range t.num {
		r := t.record(i)
		for j := range columns(r) {
			k := layoutOrder(j, columns(r))
			at, err := p.place(t.pcTable(column(r, k)))
			if err != nil || at != column(r, k) {
				return fmt.Errorf("function %d: %w", i, errOrder)
			}
		}
	}
	for _, b := range t.pctab[p.front:] {
		if b != 0 {
			return fmt.Errorf("%w: something follows the pc tables", image.ErrUnsupported)
		}
	}
	if err := p.end(); err != nil {
		return fmt.Errorf("%w: %w", image.ErrUnsupported, err)
	}
	return nil
}

// verifyRecords checks where records are and what no code tells.
func (t *Table) verifyRecords() error {
	at := t.first
	for i := range t.num {
		r := t.record(i)
		bad := r == nil || t.recordAt(i) != at || t.start(i) > t.start(i+1) || word(r, wEntry) != t.start(i) ||
			columns(r) != int(3+word(r, wPcdata)) || r[4*wKind+2] != 0
		if bad {
			return fmt.Errorf("%w: the record of function %d has a shape of its own", image.ErrUnsupported, i)
		}
		end := at + recordSize + 4*(uint64(word(r, wPcdata))+uint64(r[4*wKind+3]))
		at = (end + 7) &^ 7
		for _, b := range t.funcs[end:min(at, uint64(len(t.funcs)))] {
			if b != 0 {
				return fmt.Errorf("%w: something follows the record of function %d", image.ErrUnsupported, i)
			}
		}
	}
	if at != (uint64(len(t.funcs))+7)&^7 {
		return fmt.Errorf("%w: something follows the records", image.ErrUnsupported)
	}
	return nil
}
