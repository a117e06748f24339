package main

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// Every width in which a zstd frame can tell its length is read.
func TestSniffKnowsEveryCodec(t *testing.T) {
	for _, codec := range delta.Codecs() {
		for _, n := range []int{0, 1, 255, 256, 257, 65_535, 65_536, 65_792, 70_000, 1 << 20} {
			old, after := programBytes("1", 1000), programBytes("2", n)[:n]
			var made bytes.Buffer
			err := codec.Diff(context.Background(), section(old), section(after), &made)
			if err != nil {
				t.Fatal(err)
			}
			name, length, err := sniff(bytes.NewReader(made.Bytes()))
			if err != nil || name != codec.Name() || length != int64(n) {
				t.Errorf("%s of %d bytes: got %s, %d, %v", codec.Name(), n, name, length, err)
			}
		}
	}
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("BSDIFF40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		name, length, err := sniff(bytes.NewReader(data))
		if err == nil && (length < 0 || length > 1<<30 || name == "") {
			t.Fatalf("%s, %d", name, length)
		}
	})
}
