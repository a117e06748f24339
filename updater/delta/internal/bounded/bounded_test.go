package bounded_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/bounded"
)

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * i >> 3)
	}
	return b
}

func TestReadsAll(t *testing.T) {
	for _, n := range []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 200_000} {
		want := pattern(n)
		b, err := bounded.Read(iotest.HalfReader(bytes.NewReader(want)), int64(n))
		if err != nil || b.Size() != int64(n) {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if err := iotest.TestReader(b.Section(0, b.Size()), want); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		if got := b.Join(); !bytes.Equal(got, want) || b.Size() != 0 {
			t.Errorf("%d bytes: joined to %d, %d left", n, len(got), b.Size())
		}
	}
}

func TestSections(t *testing.T) {
	want := pattern(200_000)
	b, err := bounded.Read(bytes.NewReader(want), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(b.Section(65_000, 70_000))
	if err != nil || !bytes.Equal(got, want[65_000:135_000]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	got, err = io.ReadAll(b.Section(199_990, 1<<40))
	if err != nil || !bytes.Equal(got, want[199_990:]) {
		t.Errorf("past the end: %d bytes, %v", len(got), err)
	}
	if _, err := b.ReadAt(make([]byte, 1), -1); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("before the start: %v", err)
	}
}

type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) { e.read += int64(len(p)); return len(p), nil }

func TestGivesUp(t *testing.T) {
	src := &endless{}
	if _, err := bounded.Read(src, 100_000); !errors.Is(err, bounded.ErrTooLong) || src.read > 200_000 {
		t.Errorf("%v after %d bytes", err, src.read)
	}
	broken := errors.New("broken")
	if _, err := bounded.Read(io.MultiReader(bytes.NewReader(pattern(10)), iotest.ErrReader(broken)), 100); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestWholeFiles(t *testing.T) {
	section := func(r io.ReaderAt, n int64) *io.SectionReader { return io.NewSectionReader(r, 0, n) }
	a, b := pattern(1000), pattern(200_000)
	old, new, err := bounded.Both(t.Context(), section(bytes.NewReader(a), 1000), section(bytes.NewReader(b), 200_000))
	if err != nil || !bytes.Equal(old, a) || !bytes.Equal(new, b) {
		t.Errorf("%d and %d bytes, %v", len(old), len(new), err)
	}
	if none, err := bounded.All(section(bytes.NewReader(nil), 0)); err != nil || len(none) != 0 {
		t.Errorf("an empty file: %d bytes, %v", len(none), err)
	}
	short := section(bytes.NewReader(a), 1001) // of a file that was cut meanwhile
	if _, _, err := bounded.Both(t.Context(), short, short); !errors.Is(err, io.EOF) {
		t.Errorf("cut: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := bounded.Both(ctx, section(bytes.NewReader(a), 1000), section(bytes.NewReader(b), 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
