package refs

// Operand is the 32-bit distance in an amd64 instruction.
type Operand struct {
	At     int  // where in the instruction it stands; 0: there is none
	Imm    int  // bytes of the instruction behind it, less its own 4
	Branch bool // a call or jump
}

// ReadAMD64 reads the instruction that b begins with: its length, 0 when it is none, and its distance. When b holds the
// instruction's beginning only, the bytes behind are taken for zeros; the distance is right all the same as soon as b
// reaches up to it.
func ReadAMD64(b []byte) (length int, distance Operand) {
	var window [windowSize]byte
	copy(window[:], b)
	i := decodeAMD64(&window)
	return i.length, Operand{i.at, i.imm, i.branch}
}
