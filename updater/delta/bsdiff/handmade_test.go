package bsdiff

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/dsnet/compress/bzip2"
)

// entry is one control entry of a patch made by hand.
type entry struct{ add, insert, move int64 }

// handmade packs the three streams into a patch whose header announces size.
func handmade(t testing.TB, size int64, control []entry, difference, extra []byte) []byte {
	t.Helper()
	var c []byte
	for _, e := range control {
		c = append(append(append(c, field(e.add)...), field(e.insert)...), field(e.move)...)
	}
	cz, dz, ez := pack(t, bytes.NewReader(c)), pack(t, bytes.NewReader(difference)), pack(t, bytes.NewReader(extra))
	p := append([]byte(magic), field(int64(len(cz)))...)
	p = append(append(p, field(int64(len(dz)))...), field(size)...)
	return append(append(append(p, cz...), dz...), ez...)
}

// field writes sign and magnitude.
func field(n int64) []byte {
	u := uint64(n)
	if n < 0 {
		u = uint64(-n) | 1<<63
	}
	return binary.LittleEndian.AppendUint64(nil, u)
}

func pack(t testing.TB, r io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := bzip2.NewWriter(&b, &bzip2.WriterConfig{Level: bzip2.BestCompression})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, r); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
