package delta_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func BenchmarkDiff(b *testing.B) { benchmark(b, true) }

func BenchmarkApply(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, diffing bool) {
	old := program(1, 2<<20)
	new := edited(old, 2)
	for _, c := range delta.Codecs() {
		b.Run(c.Name(), func(b *testing.B) {
			patch := diff(b, c, old, new)
			b.SetBytes(int64(len(new)))
			b.ReportAllocs()
			for b.Loop() {
				if diffing {
					diff(b, c, old, new)
					continue
				}
				if err := c.Apply(b.Context(), section(old), bytes.NewReader(patch), int64(len(new)), io.Discard); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(patch)), "patch-bytes")
		})
	}
}
