package bsdiff

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// streams are what lies behind a patch's checksums.
type streams struct {
	control           []entry
	difference, extra []byte
}

// unpacked reads an honest patch.
func unpacked(t *testing.T, patch []byte) streams {
	t.Helper()
	c, d := number(patch[8:]), number(patch[16:])
	body := patch[headerSize:]
	var all [3][]byte
	for i, packed := range [][]byte{body[:c], body[c : c+d], body[c+d:]} {
		var err error
		if all[i], err = io.ReadAll(bzip2.NewReader(bytes.NewReader(packed))); err != nil && len(packed) > 0 {
			t.Fatal(err)
		}
	}
	s := streams{difference: all[1], extra: all[2]}
	for b := all[0]; len(b) >= entrySize; b = b[entrySize:] {
		s.control = append(s.control, entry{number(b), number(b[8:]), number(b[16:])})
	}
	return s
}

func (s streams) build(t *testing.T, old []byte, size int64) ([]byte, error) {
	t.Helper()
	var control []byte
	for _, e := range s.control {
		control = append(append(append(control, field(e.add)...), field(e.insert)...), field(e.move)...)
	}
	var out bytes.Buffer
	b := builder{ctx: t.Context(), old: section(old), difference: bytes.NewReader(s.difference), extra: bytes.NewReader(s.extra),
		out: bufio.NewWriter(&out), size: size, buf: make([]byte, 512), from: make([]byte, 512)}
	err := b.build(bytes.NewReader(control))
	if b.newAt > size || b.oldAt < 0 || b.oldAt > int64(len(old)) {
		t.Fatalf("at %d of %d and %d of %d", b.newAt, size, b.oldAt, len(old))
	}
	if flushErr := b.out.Flush(); err == nil {
		err = flushErr
	}
	return out.Bytes(), err
}

// Ten thousand patches that lie behind good checksums: every entry's numbers, the entries' order, and streams that
// are too long or too short for them.
func TestMutatedEntries(t *testing.T) {
	const mutations = 10_000
	before, after := sample(6000)
	var patch bytes.Buffer
	if err := (Codec{}).Diff(t.Context(), section(before), section(after), &patch); err != nil {
		t.Fatal(err)
	}
	good := unpacked(t, patch.Bytes())
	if got, err := good.build(t, before, int64(len(after))); err != nil || !bytes.Equal(got, after) || len(good.control) < 4 {
		t.Fatalf("%d entries: %v", len(good.control), err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	var refused, wrong, harmless int
	for i := range mutations {
		got, err := good.mutated(r, i).build(t, before, int64(len(after)))
		switch {
		case errors.Is(err, ErrCorrupt):
			refused++
		case err != nil || len(got) != len(after):
			t.Fatalf("mutation %d: %d bytes, %v", i, len(got), err)
		case !bytes.Equal(got, after):
			wrong++
		default:
			harmless++
		}
	}
	t.Logf("%d refused, %d wrong, %d harmless", refused, wrong, harmless)
	if refused < mutations/4 || wrong < mutations/10 {
		t.Error("the table is too tame")
	}
}

// mutated returns a damaged copy.
func (s streams) mutated(r *rand.Rand, i int) streams {
	s.control = slices.Clone(s.control)
	at := r.IntN(len(s.control))
	e := &s.control[at]
	field := []*int64{&e.add, &e.insert, &e.move}[r.IntN(3)]
	switch i % 8 {
	case 0: // extreme
		*field = []int64{math.MaxInt64, -math.MaxInt64, math.MaxInt32 + 1, -1, 0, 1 << 40}[r.IntN(6)]
	case 1: // a little off
		*field += int64(r.IntN(9) - 4)
	case 2: // far off
		*field += int64(r.IntN(10_000) - 5000)
	case 3: // what one loses the next gains
		next := &s.control[(at+1)%len(s.control)]
		n := int64(r.IntN(100))
		e.add, next.add = e.add-n, next.add+n
	case 4: // order
		other := r.IntN(len(s.control))
		s.control[at], s.control[other] = s.control[other], s.control[at]
	case 5: // too few, or too many
		if r.IntN(2) == 0 {
			s.control = slices.Delete(s.control, at, at+1)
		} else {
			s.control = slices.Insert(s.control, at, s.control[r.IntN(len(s.control))])
		}
	case 6: // streams cut short
		s.difference = s.difference[:r.IntN(len(s.difference)+1)]
		s.extra = s.extra[:r.IntN(len(s.extra)+1)]
	default: // streams with other bytes
		s.difference = bytes.Clone(s.difference)
		s.difference[r.IntN(len(s.difference))] ^= byte(1 + r.IntN(255))
	}
	return s
}

// sample makes two files with changes, moves and insertions between them.
func sample(n int) (before, after []byte) {
	r := rand.New(rand.NewPCG(21, 22))
	for len(before) < n {
		before = binary.LittleEndian.AppendUint32(before, r.Uint32()%5000)
	}
	fresh := make([]byte, 300)
	for i := range fresh {
		fresh[i] = byte(r.Uint32())
	}
	after = slices.Concat(before[n/2:], fresh[:200], before[100:n/2], fresh[200:])
	for range 8 {
		at := r.IntN(len(after) - 40)
		after = slices.Insert(after, at, after[at/2:at/2+1+r.IntN(40)]...)
	}
	for range 20 {
		after[r.IntN(len(after))]++
	}
	return before, after
}
