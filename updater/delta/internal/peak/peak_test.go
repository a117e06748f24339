package peak_test

import (
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/peak"
)

func TestMemory(t *testing.T) {
	for _, mib := range []int64{0, 40} {
		t.Run("", func(t *testing.T) {
			got := peak.Memory(t, func() {
				b := make([]byte, mib<<20)
				for i := 0; i < len(b); i += 512 {
					b[i] = 1
				}
			})
			if got < mib<<20 || got > (mib+8)<<20 {
				t.Errorf("%d MiB of work: measured %.1f", mib, float64(got)/(1<<20))
			}
		})
	}
}
