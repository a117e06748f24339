package bsdiff

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/peak"
)

const bulk = 2 << 20

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

// Patches that ask for more take no more.
func TestPeakMemoryOfLies(t *testing.T) {
	oldFile := make([]byte, bulk)
	header := func(control, difference, size int64) []byte {
		return append(append(append([]byte(magic), field(control)...), field(difference)...), field(size)...)
	}
	bomb := func() []byte { return pack(t, io.LimitReader(zeros{}, 20<<20)) }
	for name, patch := range map[string]func() io.Reader{
		"lengths beyond everything": func() io.Reader { return bytes.NewReader(header(1<<62, 1<<62, bulk)) },
		"a result of 8 EiB":         func() io.Reader { return bytes.NewReader(header(0, 0, 1<<63-1)) },
		"a patch without end":       func() io.Reader { return io.MultiReader(bytes.NewReader(header(0, 0, bulk)), zeros{}) },
		"a control block of 20 MiB": func() io.Reader {
			b := bomb()
			return bytes.NewReader(append(header(int64(len(b)), 0, bulk), b...))
		},
		"all of it bombs": func() io.Reader {
			b := bomb()
			control := pack(t, bytes.NewReader(append(append(field(bulk/2), field(bulk/2+1)...), field(0)...)))
			return bytes.NewReader(append(append(append(header(int64(len(control)), int64(len(b)), bulk), control...), b...), b...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			from := patch()
			got := peak.Memory(t, func() {
				if err := (Codec{}).Apply(t.Context(), section(oldFile), from, bulk, io.Discard); !errors.Is(err, ErrCorrupt) {
					t.Error(err)
				}
			})
			t.Logf("%.1f MiB", float64(got)/(1<<20))
			if limit := int64(bulk + bulk/32 + 16<<20); got > limit {
				t.Errorf("%d MiB, at most %d", got>>20, limit>>20)
			}
		})
	}
}
