package zstd_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/zstd"
)

// frame is a patch taken apart, without its checksum: so what is damaged reaches the decoder's last corner, and wrong
// results come out.
type frame struct {
	head   []byte
	blocks []part
}

type part struct {
	kind    uint32 // 0 stored, 1 repeated, 2 compressed, 3 reserved
	n       uint32 // what the header says
	content []byte
}

func takeApart(t testing.TB, b []byte) frame {
	t.Helper()
	const descriptor = 4
	widths := []int{1, 2, 4, 8}
	if b[descriptor]&(1<<5) == 0 || b[descriptor]&3 != 1 || b[descriptor]&(1<<2) == 0 {
		t.Fatalf("a descriptor of %08b", b[descriptor])
	}
	at := descriptor + 2 + widths[b[descriptor]>>6]
	f := frame{head: bytes.Clone(b[:at])}
	f.head[descriptor] &^= 1 << 2
	for last := false; !last; {
		v := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16
		s := part{kind: v >> 1 & 3, n: v >> 3}
		last, at = v&1 == 1, at+3
		size := int(s.n)
		if s.kind == 1 {
			size = 1
		}
		s.content, at = b[at:at+size], at+size
		f.blocks = append(f.blocks, s)
	}
	return f
}

func (f frame) bytes() []byte {
	b := bytes.Clone(f.head)
	for i, s := range f.blocks {
		b = append(block(b, i == len(f.blocks)-1, s.kind, s.n), s.content...)
	}
	return b
}

// Ten thousand frames without a checksum: other header fields, block kinds, sizes and order, other literals and
// sequences in compressed blocks.
func TestMutatedFrames(t *testing.T) {
	const mutations = 10_000
	old := append(text(20_000), noise(20_000)...)
	new := slices.Concat(old[5000:15_000], noise(5000)[1000:3000], old[25_000:], text(4000)[2000:], bytes.Repeat([]byte{7}, 110_000), old[:9000])
	for range 50 {
		new = slices.Insert(new, len(new)/7, new[len(new)/9])
	}
	var patch bytes.Buffer
	if err := (zstd.Codec{}).Diff(t.Context(), section(old), section(new), &patch); err != nil {
		t.Fatal(err)
	}
	good := takeApart(t, patch.Bytes())
	apply := func(b []byte) ([]byte, error) {
		var out bytes.Buffer
		err := zstd.Codec{}.Apply(t.Context(), section(old), bytes.NewReader(b), int64(len(new)), &out)
		return out.Bytes(), err
	}
	if got, err := apply(good.bytes()); err != nil || !bytes.Equal(got, new) || len(good.blocks) < 2 {
		t.Fatalf("%d blocks: %v", len(good.blocks), err)
	}
	r := rand.New(rand.NewPCG(31, 32))
	var refused, wrong, harmless int
	for i := range mutations {
		got, err := apply(good.mutated(r, i).bytes())
		switch {
		case err != nil && (!errors.Is(err, zstd.ErrCorrupt) || len(got) > 0), err == nil && len(got) != len(new):
			t.Fatalf("mutation %d: %d bytes, %v", i, len(got), err)
		case err != nil:
			refused++
		case !bytes.Equal(got, new):
			wrong++
		default:
			harmless++
		}
	}
	t.Logf("%d refused, %d wrong, %d harmless", refused, wrong, harmless)
	if refused < mutations/4 || wrong < mutations/20 {
		t.Error("the table is too tame")
	}
}

// mutated returns a damaged copy.
func (f frame) mutated(r *rand.Rand, i int) frame {
	f.head, f.blocks = bytes.Clone(f.head), slices.Clone(f.blocks)
	at := r.IntN(len(f.blocks))
	s := &f.blocks[at]
	s.content = bytes.Clone(s.content)
	switch i % 8 {
	case 0: // what the frame says of itself
		f.head[4+r.IntN(len(f.head)-4)] ^= 1 << r.IntN(8)
	case 1: // a size that is a lie
		f.head = f.head[:6]
		f.head[4] |= 3 << 6
		f.head = binary.LittleEndian.AppendUint64(f.head, uint64(1)<<r.IntN(64)-uint64(r.IntN(2)))
	case 2: // another kind of block
		s.kind = uint32(r.IntN(4))
	case 3: // a block that says another size
		s.n = uint32(r.IntN(1 << 21))
	case 4: // order and number
		f.blocks = slices.Insert(f.blocks, r.IntN(len(f.blocks)+1), f.blocks[at])
	case 5: // one that repeats a byte in between
		f.blocks = slices.Insert(f.blocks, at, part{1, uint32(r.IntN(200_000)), []byte{1}})
	case 6: // the heads of literals and sequences
		s.content[r.IntN(min(12, len(s.content)))] = byte(r.Uint32())
	default: // what they hold
		s.content[r.IntN(len(s.content))] ^= 1 << r.IntN(8)
	}
	return f
}
