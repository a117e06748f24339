package delta_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func TestInspectRefuses(t *testing.T) {
	for name, head := range map[string][]byte{
		"nothing":                   nil,
		"a program":                 program(1, 5000),
		"a header cut off":          []byte("BSDIFF40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff"),
		"a result below zero":       append([]byte("BSDIFF40"), bytes.Repeat([]byte{0xff}, 24)...),
		"a frame that says no size": {0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 1, 0, 0},
		"a frame to be skipped":     {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0},
	} {
		if info, err := delta.Inspect(bytes.NewReader(head)); !errors.Is(err, delta.ErrUnknownPatch) {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
	}
	if _, err := delta.Inspect(failing{}); !errors.Is(err, errDisk) {
		t.Errorf("a disk that fails: %v", err)
	}
}

// FuzzInspect: whatever the bytes, what Inspect returns is a codec of this build and a size that is one.
func FuzzInspect(f *testing.F) {
	old := program(1, 500)
	for _, c := range delta.Codecs() {
		var patch bytes.Buffer
		if err := c.Diff(f.Context(), section(old), section(edited(old, 2)), &patch); err == nil {
			f.Add(patch.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		info, err := delta.Inspect(bytes.NewReader(head))
		if err != nil {
			return
		}
		if _, ok := delta.ByName(info.Codec); info.Size < 0 || !ok && info.Codec != delta.Full {
			t.Fatalf("%+v", info)
		}
	})
}
