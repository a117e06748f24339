package delta_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

// Ten thousand patches per codec, each damaged in another way. None may panic or write past the signed size; a
// wrong result may come out, and then the hash differs: that is what the hash is for. What bytes alone cannot reach,
// because a checksum stands before it, the codecs' own tables do.
func TestMutatedPatches(t *testing.T) {
	const mutations = 10_000
	old := program(1, 4000)
	new := edited(old, 2)
	want := sha256.Sum256(new)
	each(t, func(t *testing.T, c delta.Codec) {
		t.Parallel()
		good := smallBlocks(diff(t, c, old, new))
		other := smallBlocks(diff(t, c, new, append(program(5, 1500), old...)))
		r := rand.New(rand.NewPCG(3, 5))
		var refused, wrong, harmless int
		var out bytes.Buffer
		for i := range mutations {
			patch := ways[i%len(ways)](r, bytes.Clone(good), other)
			out.Reset()
			err := c.Apply(t.Context(), section(old), bytes.NewReader(patch), int64(len(new)), &out)
			switch {
			case errors.Is(err, delta.ErrPanic):
				t.Fatalf("mutation %d: %v", i, err)
			case errors.Is(err, delta.ErrCorrupt):
				refused++
			case err != nil:
				t.Fatalf("mutation %d: %v is not ErrCorrupt", i, err)
			case sha256.Sum256(out.Bytes()) != want:
				wrong++
			default:
				harmless++
			}
			if out.Len() > len(new) {
				t.Fatalf("mutation %d wrote %d bytes of %d", i, out.Len(), len(new))
			}
			if _, err := delta.Inspect(bytes.NewReader(patch)); err != nil && !errors.Is(err, delta.ErrUnknownPatch) {
				t.Fatalf("mutation %d: %v", i, err)
			}
		}
		t.Logf("%d refused, %d wrong results that the hash finds, %d harmless", refused, wrong, harmless)
		if refused+wrong < mutations*9/10 {
			t.Errorf("only %d of %d mutations mattered: the table is too tame", refused+wrong, mutations)
		}
	})
}

// smallBlocks announces bzip2 blocks of 100 kB, which these fill no more than those of 900: else ten thousand
// decoders ask for 100 GB in turn.
func smallBlocks(patch []byte) []byte {
	return bytes.ReplaceAll(patch, []byte("BZh9"), []byte("BZh1"))
}

// ways are ways to damage p, or to cross it with another good patch.
var ways = []func(r *rand.Rand, p, other []byte) []byte{
	func(r *rand.Rand, p, _ []byte) []byte { // one bit anywhere
		p[r.IntN(len(p))] ^= 1 << r.IntN(8)
		return p
	},
	func(r *rand.Rand, p, _ []byte) []byte { // one byte of the header
		p[r.IntN(min(32, len(p)))] = byte(r.Uint32())
		return p
	},
	func(r *rand.Rand, p, _ []byte) []byte { // cut short
		return p[:r.IntN(len(p))]
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a fixed-length number made extreme
		at := r.IntN(min(32, len(p)))
		width := []int{1, 2, 4, 8}[r.IntN(4)]
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], extreme(r))
		copy(p[at:], n[:width])
		return p
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a number of variable length made extreme
		at := r.IntN(min(32, len(p)))
		end := at
		for end < len(p)-1 && p[end]&0x80 != 0 {
			end++
		}
		return slices.Concat(p[:at], binary.AppendUvarint(nil, extreme(r)), p[end+1:])
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a number that never ends
		at := r.IntN(min(32, len(p)))
		return slices.Concat(p[:at], bytes.Repeat([]byte{0xff}, 1+r.IntN(12)), p[at:])
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a run of noise
		at := r.IntN(len(p))
		for j := at; j < min(at+1+r.IntN(64), len(p)); j++ {
			p[j] = byte(r.Uint32())
		}
		return p
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a piece moved
		from := r.IntN(len(p))
		copy(p[r.IntN(len(p)):], bytes.Clone(p[from:min(from+32, len(p))]))
		return p
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a piece inserted
		at := r.IntN(len(p))
		return slices.Concat(p[:at], program(r.Uint64(), 1+r.IntN(40)), p[at:])
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a piece removed
		at := r.IntN(len(p))
		return slices.Delete(p, at, min(at+1+r.IntN(40), len(p)))
	},
	func(r *rand.Rand, p, _ []byte) []byte { // a piece twice
		from := r.IntN(len(p))
		to := min(from+1+r.IntN(200), len(p))
		return slices.Concat(p[:to], p[from:])
	},
	func(r *rand.Rand, p, other []byte) []byte { // the start of one patch and the end of another
		at := r.IntN(min(len(p), len(other)))
		return slices.Concat(p[:at], other[at:])
	},
	func(r *rand.Rand, p, other []byte) []byte { // a piece of another patch in this one's place
		at := r.IntN(min(len(p), len(other)))
		copy(p[at:], other[at:min(at+1+r.IntN(64), len(other))])
		return p
	},
}

// extreme is a number that arithmetic gets wrong.
func extreme(r *rand.Rand) uint64 {
	n := uint64(1) << r.IntN(64)
	switch r.IntN(4) {
	case 0:
		return n
	case 1:
		return n - 1
	case 2:
		return -n
	default:
		return n + uint64(r.IntN(1000))
	}
}
