package pcln

import (
	"encoding/binary"
	"math"
)

// step is one line of a pc table: value holds up to end, which counts quanta from the function's start.
type step struct {
	value int32
	end   uint32
}

// parseSteps appends the steps of a pc table to dst. It is ok when writing them again gives the same bytes: deltas in
// as few bytes as they need, no step without length, no value twice in a row, one zero at the end.
func parseSteps(dst []step, table []byte) (steps []step, ok bool) {
	value, end := int64(-1), uint64(0)
	steps = dst
	for first := true; ; first = false {
		u, n := uvarint(table)
		if n == 0 {
			return steps, false
		}
		table = table[n:]
		if u == 0 && !first {
			return steps, len(table) == 0
		}
		value += int64(u>>1) ^ -int64(u&1)
		length, n := uvarint(table)
		if n == 0 || length == 0 {
			return steps, false
		}
		table = table[n:]
		end += length
		if value != int64(int32(value)) || end > math.MaxUint32 {
			return steps, false
		}
		steps = append(steps, step{int32(value), uint32(end)})
	}
}

// uvarint reads a number of at most 32 bits that takes no byte more than it needs; n is 0 when there is none.
func uvarint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for n < len(b) && n < 5 {
		x := b[n]
		v |= uint64(x&0x7f) << (7 * n)
		n++
		if x < 0x80 {
			if x == 0 && n > 1 || v > math.MaxUint32 {
				return 0, 0
			}
			return v, n
		}
	}
	return 0, 0
}

// appendSteps appends the pc table of steps.
func appendSteps(dst []byte, steps []step) []byte {
	value, end := int32(-1), uint32(0)
	for _, s := range steps {
		dst = appendStep(dst, int64(s.value)-int64(value), s.end-end)
		value, end = s.value, s.end
	}
	return append(dst, 0)
}

// appendStep appends one step of a pc table: how much the value changes, and for how long it holds.
func appendStep(dst []byte, change int64, length uint32) []byte {
	dst = binary.AppendUvarint(dst, uint64(change)<<1^uint64(change>>63))
	return binary.AppendUvarint(dst, uint64(length))
}

// tableEnd returns how long the pc table at the start of b is, 0 when it does not end in b.
func tableEnd(b []byte) int {
	for i := 0; i < len(b); {
		if b[i] == 0 && i > 0 {
			return i + 1
		}
		for range 2 {
			for i < len(b) && b[i] >= 0x80 {
				i++
			}
			i++
		}
	}
	return 0
}

// firstValue returns the value a pc table starts with, -1 for none.
func firstValue(table []byte) int32 {
	u, n := uvarint(table)
	if n == 0 {
		return -1
	}
	return int32(int64(u>>1)^-int64(u&1)) - 1
}
