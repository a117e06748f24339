package sample_test

import (
	"bytes"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

func TestVersionsDiffer(t *testing.T) {
	old, new := sample.Pair(t, sample.Linux)
	if len(old) < 500_000 || bytes.Equal(old, new) {
		t.Errorf("%d and %d bytes", len(old), len(new))
	}
}
