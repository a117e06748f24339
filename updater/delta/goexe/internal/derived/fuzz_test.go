package derived_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

func FuzzRelocs(f *testing.F) {
	f.Add([]byte{0, 16, 0, 0, 12, 0, 0, 0, 8, 0xa0, 0, 0})
	f.Add([]byte{0, 16, 0, 0, 12, 0, 0, 0, 8, 0xa0, 16, 0xa0, 0, 48, 0, 0, 12, 0, 0, 0, 0, 0xa0, 8, 0xa0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		rvas, ok := derived.ParseRelocs(b)
		if !ok {
			return
		}
		r := derived.Relocs{Size: uint64(len(b)), RVAs: rvas}
		if got := r.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("%x became %x", b, got)
		}
	})
}

// macho makes a file of the load commands that count here, with a rebase table and a signature.
func macho(rebases, signature []byte) []byte {
	le := binary.LittleEndian
	const commands, size = 32, 2*72 + 48 + 16
	b := make([]byte, commands+size)
	le.PutUint32(b, 0xfeedfacf)
	le.PutUint32(b[16:], 4)
	le.PutUint32(b[20:], size)
	at := b[commands:]
	for _, addr := range []uint64{1 << 32, 1<<32 + 4096} {
		le.PutUint32(at, 0x19)
		le.PutUint32(at[4:], 72)
		le.PutUint64(at[24:], addr)
		at = at[72:]
	}
	var tail []byte
	for _, c := range []struct {
		kind, size uint32
		data       []byte
	}{{0x80000022, 48, rebases}, {0x1d, 16, signature}} {
		le.PutUint32(at, c.kind)
		le.PutUint32(at[4:], c.size)
		le.PutUint32(at[8:], uint32(len(b)+len(tail)))
		le.PutUint32(at[12:], uint32(len(c.data)))
		at = at[c.size:]
		tail = append(tail, c.data...)
	}
	return slices.Concat(b, tail)
}

func FuzzMachO(f *testing.F) {
	sig := binary.BigEndian.AppendUint32(nil, 0xfade0cc0)
	sig = append(sig, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20)
	f.Add(macho([]byte{0x11, 0x21, 8, 0x51, 0x20, 0x80, 1, 0x51, 0, 0}, append(sig, directory(240, 1, 2, 32, "T")...)))
	f.Add(macho([]byte{0x11, 0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0x51}, nil))
	f.Add(macho(nil, sig))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &image.Image{Data: b, Format: image.MachO, Base: 1 << 32}
		tables := derived.Read(m)
		if r := tables.Rebases; r != nil {
			if got := r.Append(nil); !bytes.Equal(got, b[r.Off:][:r.Size]) {
				t.Errorf("the rebases came out as %x", got)
			}
		}
		tables.Verify(m, nil)
		spans, ok := tables.Spans(m, uint64(len(b)))
		if !ok && len(spans) < 2 {
			t.Errorf("a single span outside the file: %+v", spans)
		}
	})
}

func FuzzLists(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		expected := []uint32{8, 16, 24, 4096, 4104, 4112, 1 << 31}
		for _, code := range []func(*entropy.Coder, []uint32, []uint32, uint64) ([]uint32, error){derived.CodeRelocs, derived.CodeRebases} {
			l, err := code(entropy.NewDecoder(b), expected, nil, 1000)
			if err != nil {
				continue
			}
			c := entropy.NewEncoder()
			if _, err := code(c, expected, l, 1000); err != nil {
				t.Fatal(err)
			}
			again, err := code(entropy.NewDecoder(c.Bytes()), expected, nil, 1000)
			if err != nil || len(again) != len(l) {
				t.Errorf("%v became %v: %v", l, again, err)
			}
		}
	})
}
