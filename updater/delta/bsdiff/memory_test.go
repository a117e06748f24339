package bsdiff

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/peak"
)

const bulk = 4 << 20

// The most memory that Apply holds: the patch and the bzip2 streams; neither file.
func TestPeakMemory(t *testing.T) {
	oldFile := make([]byte, bulk)
	for i := range oldFile {
		oldFile[i] = byte(i * i >> 7)
	}
	// Noise, so that the bzip2 blocks are full ones and the patch is large.
	noise := rand.New(rand.NewPCG(1, 2))
	difference, extra := make([]byte, 3*bulk/4), make([]byte, bulk/4)
	for i := range difference {
		difference[i] = byte(noise.Uint32()) & 3
	}
	for i := range extra {
		extra[i] = byte(noise.Uint32())
	}
	patch := handmade(t, bulk, []entry{{bulk / 2, 0, 0}, {bulk / 4, bulk / 4, 0}}, difference, extra)
	got := peak.Memory(t, func() {
		// The reader hides that the patch is in memory already.
		err := Codec{}.Apply(t.Context(), section(oldFile), io.MultiReader(bytes.NewReader(patch)), bulk, io.Discard)
		if err != nil {
			t.Error(err)
		}
	})
	t.Logf("old %d MiB, new %d MiB, patch %d KiB: %.1f MiB", bulk>>20, bulk>>20, len(patch)>>10, float64(got)/(1<<20))
	if limit := int64(len(patch) + 20<<20); got > limit {
		t.Errorf("%d MiB, at most %d", got>>20, limit>>20)
	}
}
