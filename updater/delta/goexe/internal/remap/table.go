package remap

// table holds numbers by 32-bit keys below 1<<32 - 1. It never forgets one.
type table struct {
	slots []slot
	used  int
	shift uint // of the hash, so that it is an index
}

type slot struct {
	key   uint32 // plus 1; 0 is a free slot
	value uint64
}

func (t *table) hash(key uint32) uint64 {
	return uint64(key) * 0x9e3779b97f4a7c15 >> t.shift
}

func (t *table) get(key uint32) (uint64, bool) {
	if t.used == 0 {
		return 0, false
	}
	mask := uint64(len(t.slots) - 1)
	for i := t.hash(key); ; i = (i + 1) & mask {
		switch s := &t.slots[i]; s.key {
		case key + 1:
			return s.value, true
		case 0:
			return 0, false
		}
	}
}

func (t *table) put(key uint32, value uint64) {
	if 2*(t.used+1) > len(t.slots) {
		t.grow()
	}
	mask := uint64(len(t.slots) - 1)
	for i := t.hash(key); ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.key == 0 {
			t.used++
			s.key = key + 1
		}
		if s.key == key+1 {
			s.value = value
			return
		}
	}
}

func (t *table) grow() {
	old := t.slots
	size := max(2*len(old), 64)
	t.slots = make([]slot, size)
	t.used, t.shift = 0, 64
	for n := 1; n < size; n *= 2 {
		t.shift--
	}
	for _, s := range old {
		if s.key != 0 {
			t.put(s.key-1, s.value)
		}
	}
}
