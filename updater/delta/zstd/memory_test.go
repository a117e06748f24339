package zstd_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/internal/peak"
	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

const mib = 1 << 20

// header writes a frame's first bytes: the size is said in 8 bytes, and a window where there is one.
func header(window byte, dictionary bool, size uint64) []byte {
	b := []byte{0x28, 0xb5, 0x2f, 0xfd, 3 << 6}
	if dictionary {
		b[4] |= 1
	}
	if window == 0 {
		b[4] |= 1 << 5
	} else {
		b = append(b, window)
	}
	if dictionary {
		b = append(b, 1)
	}
	return binary.LittleEndian.AppendUint64(b, size)
}

// block writes a block header: kind 0 is stored, 1 is one byte repeated n times.
func block(b []byte, last bool, kind, n uint32) []byte {
	v := n<<3 | kind<<1
	if last {
		v |= 1
	}
	return append(b, byte(v), byte(v>>8), byte(v>>16))
}

// bomb is a frame that makes size bytes of four for each 128 KiB.
func bomb(b []byte, size int) []byte {
	for ; size > 0; size -= 128 << 10 {
		b = append(block(b, size <= 128<<10, 1, uint32(min(size, 128<<10))), 'x')
	}
	return b
}

// stored is a frame that compresses nothing.
func stored(b, content []byte) []byte {
	for len(content) > 0 {
		n := min(len(content), 128<<10)
		b = append(block(b, n == len(content), 0, uint32(n)), content[:n]...)
		content = content[n:]
	}
	return b
}

func noise(n int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	b := make([]byte, 0, n+8)
	for len(b) < n {
		b = binary.LittleEndian.AppendUint64(b, r.Uint64())
	}
	return b[:n]
}

// What Apply holds at most: old + new + patch + 16 MiB, whatever the patch asks for.
func TestApplyMemory(t *testing.T) {
	const old, new = 4 * mib, 6 * mib
	oldFile := noise(old)
	honest := func() []byte {
		var b bytes.Buffer
		changed := append(append(bytes.Clone(oldFile[old/4:]), "changed"...), oldFile...)[:new]
		if err := (zstd.Codec{}).Diff(t.Context(), section(oldFile), section(changed), &b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	cases := []struct {
		name  string
		patch func() []byte
		ok    bool
	}{
		{"honest", honest, true},
		{"as long as the result", func() []byte { return stored(header(0, true, new), noise(new)) }, true},
		{"a bomb", func() []byte { return bomb(header(0, true, new), new) }, true},
		{"a bomb beyond the size", func() []byte { return bomb(header(0, true, new), 4000*mib) }, false},
		{"the largest window there is", func() []byte { return bomb(header(0xff, true, new), new) }, false},
		{"a window of 512 MiB", func() []byte { return bomb(header(19<<3, true, new), new) }, false},
		{"a result of 2^63 bytes", func() []byte { return bomb(header(0, true, 1<<63), new) }, false},
		{"a second frame of 4 GiB", func() []byte {
			return append(bomb(header(0, true, new), new), bomb(header(0, true, 4<<30), mib)...)
		}, false},
		{"a second frame with a huge window", func() []byte {
			return append(bomb(header(0, true, new), new), bomb(header(19<<3, false, 0), mib)...)
		}, false},
		{"a block of 2 MiB", func() []byte { return append(block(header(0, true, new), true, 1, 1<<21-1), 'x') }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			patch := c.patch()
			got := peak.Memory(t, func() {
				// The readers hide what is in memory already.
				err := zstd.Codec{}.Apply(t.Context(), section(oldFile), io.MultiReader(bytes.NewReader(patch)), new, io.Discard)
				if (err == nil) != c.ok {
					t.Error(err)
				}
			})
			t.Logf("old 4 MiB, new 6 MiB, patch %.1f MiB: %.1f MiB", float64(len(patch))/mib, float64(got)/mib)
			if limit := int64(old + new + len(patch) + 16*mib); got > limit {
				t.Errorf("%d MiB, at most %d", got/mib, limit/mib)
			}
		})
	}
}

func TestDecompressMemory(t *testing.T) {
	const size = 70 * mib
	content := noise(size)
	for _, c := range []struct {
		name  string
		frame func() []byte
		ok    bool
		limit int64
	}{
		{"a window of 8 MiB, as ours", func() []byte { return stored(header(13<<3, false, size), content) }, true, 16},
		{"a window of 32 MiB", func() []byte { return stored(header(15<<3, false, size), content) }, true, 40},
		{"a bomb", func() []byte { return bomb(header(13<<3, false, size), size) }, true, 16},
		{"a bomb beyond the size", func() []byte { return bomb(header(13<<3, false, size), 4000*mib) }, false, 16},
		{"a window of 512 MiB", func() []byte { return bomb(header(19<<3, false, size), size) }, false, 8},
		{"no window but the result", func() []byte { return bomb(header(0, false, size), size) }, false, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			frame := c.frame()
			got := peak.Memory(t, func() {
				err := zstd.Decompress(t.Context(), bytes.NewReader(frame), size, io.Discard)
				if (err == nil) != c.ok {
					t.Error(err)
				}
			})
			t.Logf("%.1f MiB", float64(got)/mib)
			if got > c.limit*mib {
				t.Errorf("%d MiB, at most %d", got/mib, c.limit)
			}
		})
	}
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
