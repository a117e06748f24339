package delta_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
	"github.com/tesseract-desktop/tesseract/updater/delta/internal/peak"
)

// What the package promises, for every codec: old + new + 64 MiB, whatever numbers a patch begins with, and however long
// it goes on.
func TestMemoryOfHostilePatches(t *testing.T) {
	each(t, func(t *testing.T, c delta.Codec) {
		old, new := sample(t, c)
		good := diff(t, c, old, new)
		got := peak.Memory(t, func() {
			r := rand.New(rand.NewPCG(13, 17))
			for i := range 120 {
				patch := ways[[]int{1, 3, 4, 5}[i%4]](r, bytes.Clone(good), nil)
				endless := io.MultiReader(bytes.NewReader(patch), io.LimitReader(zeros{}, 1<<30))
				for _, from := range []io.Reader{bytes.NewReader(patch), endless} {
					err := c.Apply(t.Context(), section(old), from, int64(len(new)), io.Discard)
					if err != nil && !errors.Is(err, delta.ErrCorrupt) {
						t.Errorf("mutation %d: %v", i, err)
					}
				}
			}
		})
		t.Logf("old %d, new %d bytes: %.1f MiB", len(old), len(new), float64(got)/(1<<20))
		if limit := int64(len(old) + len(new) + 64<<20); got > limit {
			t.Errorf("%d MiB, at most %d", got>>20, limit>>20)
		}
	})
}
