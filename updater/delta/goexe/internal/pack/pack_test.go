package pack_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"github.com/andybalholm/brotli"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pack"
)

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// code is some machine code: the test's own.
func code(t testing.TB, n int) []byte {
	t.Helper()
	b, err := os.ReadFile(os.Args[0])
	if err != nil || len(b) < 1<<20+n {
		t.Fatalf("%d bytes of %s: %v", len(b), os.Args[0], err)
	}
	return b[1<<20:][:n]
}

func TestRoundTrip(t *testing.T) {
	for name, c := range map[string]struct {
		raw  []byte
		most int // bytes packed
	}{
		"nothing":          {nil, 0},
		"one byte":         {[]byte{7}, 3},
		"ten bytes":        {noise(10), 12},
		"ten equal bytes":  {make([]byte, 10), 12},
		"noise":            {noise(70000), 70004},
		"a megabyte of 0":  {make([]byte, 1<<20), 30},
		"code":             {code(t, 100000), 70000},
		"a whole window":   {noise(1<<16 - 16), 1<<16 - 12},
		"more than that":   {bytes.Repeat(noise(1<<16-15), 2), 1<<16 + 200},
		"repeated, at 128": {bytes.Repeat(noise(128), 2), 160},
	} {
		packed := pack.Pack(c.raw)
		if len(packed) > c.most {
			t.Errorf("%s: %d bytes became %d", name, len(c.raw), len(packed))
		}
		got, err := pack.Unpack(packed, uint64(len(c.raw)))
		if err != nil || !bytes.Equal(got, c.raw) {
			t.Errorf("%s: %d bytes of %d: %v", name, len(got), len(c.raw), err)
		}
		if len(c.raw) == 0 {
			continue
		}
		if _, err := pack.Unpack(packed, uint64(len(c.raw)-1)); !errors.Is(err, pack.ErrCorrupt) {
			t.Errorf("%s: above the limit: %v", name, err)
		}
		if _, err := pack.Unpack(append(packed, 0), 1<<30); !errors.Is(err, pack.ErrCorrupt) {
			t.Errorf("%s: with a byte behind its end: %v", name, err)
		}
		if _, err := pack.Unpack(append(packed, make([]byte, 100000)...), 1<<30); !errors.Is(err, pack.ErrCorrupt) {
			t.Errorf("%s: with much behind its end: %v", name, err)
		}
		for _, cut := range []int{1, len(packed) / 2, len(packed) - 1} {
			if _, err := pack.Unpack(packed[:cut], 1<<30); !errors.Is(err, pack.ErrCorrupt) {
				t.Errorf("%s: cut at %d: %v", name, cut, err)
			}
		}
	}
}

func compress(raw []byte, window int) []byte {
	var b bytes.Buffer
	w := brotli.NewWriterOptions(&b, brotli.WriterOptions{Quality: 5, LGWin: window})
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

func TestLengthsThatLie(t *testing.T) {
	raw := code(t, 5000)
	for name, c := range map[string]struct {
		method, size uint64
		payload      []byte
	}{
		"raw, longer":             {0, 4999, raw},
		"raw, shorter":            {0, 5001, raw},
		"brotli, longer":          {1, 4999, compress(raw, 16)},
		"brotli, shorter":         {1, 5001, compress(raw, 16)},
		"brotli, a huge window":   {1, 5000, compress(raw, 24)},
		"brotli, windows of 2^30": {1, 5000, []byte{0x11, 0x1e, 0, 0}},
		"brotli of nothing":       {1, 0, compress(nil, 16)},
		"another method":          {2, 5000, raw},
	} {
		packed := append(binary.AppendUvarint([]byte{byte(c.method)}, c.size), c.payload...)
		if _, err := pack.Unpack(packed, 1<<20); !errors.Is(err, pack.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a stream says of itself takes no memory before it is held to the limit, and little more than it says afterwards.
func TestMemory(t *testing.T) {
	huge := append(binary.AppendUvarint([]byte{1}, 1<<40), compress(make([]byte, 100), 24)...)
	zeros := pack.Pack(make([]byte, 20<<20))
	for name, c := range map[string]struct {
		packed []byte
		most   uint64
	}{"a terabyte": {huge, 1 << 16}, "20 MiB": {zeros, 2*20<<20 + 1<<20}} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = pack.Unpack(c.packed, 20<<20)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > c.most {
			t.Errorf("%s: took %d bytes", name, n)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte{})
	f.Add(pack.Pack([]byte("as it is")))
	f.Add(pack.Pack(bytes.Repeat([]byte("again and "), 50)))
	f.Add(pack.Pack(code(f, 3000)))
	f.Fuzz(func(t *testing.T, b []byte) {
		const limit = 1 << 16
		raw, err := pack.Unpack(b, limit)
		if err != nil {
			return
		}
		size := uint64(0)
		if len(b) > 0 {
			size, _ = binary.Uvarint(b[1:])
		}
		if uint64(len(raw)) != size || size > limit {
			t.Errorf("%d bytes instead of %d", len(raw), size)
		}
	})
}

func BenchmarkUnpack(b *testing.B) {
	raw := code(b, 1<<20)
	packed := pack.Pack(raw)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pack.Unpack(packed, uint64(len(raw))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	raw := code(b, 1<<18)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		pack.Pack(raw)
	}
}
