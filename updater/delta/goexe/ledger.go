package goexe

import "github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"

// ledger tells what a patch's bytes are spent on. A nil one keeps no books.
type ledger struct {
	bits map[string]float64
}

func (a *ledger) start(c *entropy.Coder) float64 {
	if a == nil {
		return 0
	}
	return c.Bits()
}

func (a *ledger) add(c *entropy.Coder, start float64, what, which string) {
	if a != nil {
		a.bits[what+which] += c.Bits() - start
	}
}

func (a *ledger) addBytes(n int, what, which string) {
	if a != nil {
		a.bits[what+which] += 8 * float64(n)
	}
}
