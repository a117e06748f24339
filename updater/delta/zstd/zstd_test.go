package zstd_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	kzstd "github.com/klauspost/compress/zstd"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// text compresses to about a third.
func text(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, size)
	for i := range b {
		b[i] = "abcdefgh"[r.IntN(8)]
	}
	return b
}

func compress(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := zstd.Compress(context.Background(), bytes.NewReader(b), &out, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFullArtifact(t *testing.T) {
	for _, size := range []int{0, 1, 1000, 1_000_000} {
		b := text(size)
		var packed, out bytes.Buffer
		var told []int64
		if err := zstd.Compress(t.Context(), bytes.NewReader(b), &packed, func(done int64) { told = append(told, done) }); err != nil {
			t.Fatal(err)
		}
		if size > 0 && told[len(told)-1] != int64(size) {
			t.Errorf("%d bytes: progress ended at %d", size, told[len(told)-1])
		}
		if err := zstd.Decompress(t.Context(), &packed, int64(size), &out); err != nil || !bytes.Equal(out.Bytes(), b) {
			t.Errorf("%d bytes: %d came back, %v", size, out.Len(), err)
		}
	}
}

func TestDecompressRefuses(t *testing.T) {
	b := text(500_000)
	good := compress(t, b)
	flip := func(at int) []byte {
		c := bytes.Clone(good)
		c[at] ^= 4
		return c
	}
	wide, err := kzstd.NewWriter(nil, kzstd.WithWindowSize(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	var wideFrame bytes.Buffer
	wide.Reset(&wideFrame)
	_, _ = wide.Write(make([]byte, 70<<20))
	if err := wide.Close(); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		in   []byte
		size int64
	}{
		{"longer than signed", good, int64(len(b)) - 1},
		{"much longer than signed", good, 10},
		{"shorter than signed", good, int64(len(b)) + 1},
		{"cut in the middle", good[:len(good)/2], int64(len(b))},
		{"cut before the checksum", good[:len(good)-4], int64(len(b))},
		{"wrong checksum", flip(len(good) - 1), int64(len(b))},
		{"flipped bit", flip(len(good) / 2), int64(len(b))},
		{"two frames", append(bytes.Clone(good), good...), int64(len(b))},
		{"bytes behind", append(bytes.Clone(good), "more"...), int64(len(b))},
		{"nothing", nil, 10},
		{"a page", []byte("<html>Please log in</html>"), 10},
		{"a window of 64 MiB", wideFrame.Bytes(), 70 << 20},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			err := zstd.Decompress(t.Context(), bytes.NewReader(c.in), c.size, &out)
			if !errors.Is(err, zstd.ErrCorrupt) {
				t.Errorf("got %v", err)
			}
			if int64(out.Len()) > c.size {
				t.Errorf("wrote %d bytes of %d", out.Len(), c.size)
			}
		})
	}
}

var errDisk = errors.New("the disk failed")

type failing struct{}

func (failing) Read([]byte) (int, error)  { return 0, errDisk }
func (failing) Write([]byte) (int, error) { return 0, errDisk }

func TestADiskThatFailsIsNotCorruption(t *testing.T) {
	b := text(600_000)
	good := compress(t, b)
	half := io.MultiReader(bytes.NewReader(good[:len(good)/2]), failing{})
	for name, err := range map[string]error{
		"source":             zstd.Decompress(t.Context(), failing{}, 10, io.Discard),
		"source, later":      zstd.Decompress(t.Context(), half, int64(len(b)), io.Discard),
		"target":             zstd.Decompress(t.Context(), bytes.NewReader(good), int64(len(b)), failing{}),
		"source to compress": zstd.Compress(t.Context(), failing{}, io.Discard, nil),
		"target to compress": zstd.Compress(t.Context(), bytes.NewReader(b), failing{}, nil),
	} {
		if !errors.Is(err, errDisk) || errors.Is(err, zstd.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	b := text(600_000)
	good := compress(t, b)
	ctx, cancel := context.WithCancel(t.Context())
	// Progress is the moment in between.
	if err := zstd.Compress(ctx, bytes.NewReader(b), io.Discard, func(int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("compress: %v", err)
	}
	if err := zstd.Decompress(ctx, bytes.NewReader(good), int64(len(b)), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("decompress: %v", err)
	}
}

func TestTooLargeForAPatch(t *testing.T) {
	huge := io.NewSectionReader(bytes.NewReader(nil), 0, 600<<20)
	none := io.NewSectionReader(bytes.NewReader(nil), 0, 0)
	if err := (zstd.Codec{}).Diff(t.Context(), huge, none, io.Discard); !errors.Is(err, zstd.ErrTooLarge) {
		t.Errorf("diff: %v", err)
	}
	if err := (zstd.Codec{}).Apply(t.Context(), huge, bytes.NewReader(nil), 1, io.Discard); !errors.Is(err, zstd.ErrTooLarge) {
		t.Errorf("apply: %v", err)
	}
}

func FuzzDecompress(f *testing.F) {
	good := compress(f, text(2000))
	f.Add(good, uint16(2000))
	f.Add(good[:len(good)-1], uint16(2000))
	f.Add(compress(f, nil), uint16(0))
	f.Add(append(bytes.Clone(good), good...), uint16(4000))
	f.Fuzz(func(t *testing.T, in []byte, size uint16) {
		var out bytes.Buffer
		err := zstd.Decompress(t.Context(), bytes.NewReader(in), int64(size), &out)
		if out.Len() > int(size) || err == nil && out.Len() != int(size) {
			t.Fatalf("%d bytes of %d, %v", out.Len(), size, err)
		}
	})
}

func FuzzApply(f *testing.F) {
	old := text(3000)
	section := io.NewSectionReader(bytes.NewReader(old), 0, int64(len(old)))
	new := append(bytes.Clone(old[500:]), "the end"...)
	var good bytes.Buffer
	if err := (zstd.Codec{}).Diff(f.Context(), section, io.NewSectionReader(bytes.NewReader(new), 0, int64(len(new))), &good); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes(), uint16(len(new)))
	f.Add(takeApart(f, good.Bytes()).bytes(), uint16(len(new))) // no checksum stands before its corners
	f.Add(good.Bytes()[:good.Len()-1], uint16(len(new)))
	f.Add(compress(f, new), uint16(len(new)))
	f.Fuzz(func(t *testing.T, patch []byte, size uint16) {
		var out bytes.Buffer
		err := zstd.Codec{}.Apply(t.Context(), section, bytes.NewReader(patch), int64(size), &out)
		if err != nil && out.Len() > 0 || err == nil && out.Len() != int(size) {
			t.Fatalf("%d bytes of %d, %v", out.Len(), size, err)
		}
	})
}

// Every width in which a frame can tell its size is read.
func TestInspect(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 257, 65_535, 65_536, 65_792, 70_000, 1 << 20} {
		b := text(n)
		var patch, full bytes.Buffer
		if err := (zstd.Codec{}).Diff(t.Context(), section(text(1000)), section(b), &patch); err != nil {
			t.Fatal(err)
		}
		if err := zstd.Compress(t.Context(), section(b), &full, nil); err != nil {
			t.Fatal(err)
		}
		if size, ok := (zstd.Codec{}).Inspect(patch.Bytes()); !ok || size != int64(n) {
			t.Errorf("patch to %d bytes: %d, %v", n, size, ok)
		}
		if size, ok := zstd.InspectFull(full.Bytes()); n > 0 && (!ok || size != int64(n)) {
			t.Errorf("%d bytes: %d, %v", n, size, ok)
		}
		if _, ok := zstd.InspectFull(patch.Bytes()); ok && n > 0 {
			t.Errorf("a patch to %d bytes passes for a full artifact", n)
		}
		if _, ok := (zstd.Codec{}).Inspect(full.Bytes()); ok && n > 0 {
			t.Errorf("a full artifact of %d bytes passes for a patch", n)
		}
		if err := zstd.Decompress(t.Context(), &full, int64(n), io.Discard); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	var full bytes.Buffer
	if err := zstd.Compress(t.Context(), io.MultiReader(section(text(1_000_000))), &full, nil); err != nil {
		t.Fatal(err)
	}
	if _, ok := zstd.InspectFull(full.Bytes()); ok {
		t.Error("a frame whose maker did not know its size says one")
	}
}

func TestASourceOfAnotherSizeIsRefused(t *testing.T) {
	for _, n := range []int64{999, 1001} {
		if err := zstd.Compress(t.Context(), io.NewSectionReader(bytes.NewReader(text(1000)), 0, n), io.Discard, nil); (err == nil) == (n > 1000) {
			t.Errorf("1000 bytes that were to be %d: %v", n, err)
		}
	}
}

// FuzzInspect: whatever the bytes, a size that is said is a size.
func FuzzInspect(f *testing.F) {
	f.Add(compress(f, text(100)))
	f.Add(header(0, true, 1<<63))
	f.Add(header(0xff, false, 1<<40))
	f.Add([]byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, head []byte) {
		patch, isPatch := zstd.Codec{}.Inspect(head)
		full, isFull := zstd.InspectFull(head)
		if patch < 0 || full < 0 || isPatch && isFull && patch != 0 {
			t.Fatalf("%d, %v, %d, %v", patch, isPatch, full, isFull)
		}
	})
}
