package refs

import (
	"os"
	"testing"
	"fmt"
	"bufio"

	"golang.org/x/arch/x86/x86asm"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
)

func TestTmp(t *testing.T) {
	b, err := os.ReadFile(os.Getenv("BIN"))
	if err != nil {
		t.Skip()
	}
	m, err := image.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := New(m)
	o, _ := os.Create("/tmp/scan/ours.txt")
	w := bufio.NewWriter(o)
	n, undef, diff, zero, vex := 0, 0, 0, 0, 0
	for i := 0; i < m.Go.NumFuncs; i++ {
		from, _ := m.Offset(s.entry(i))
		to := from + s.entry(i+1) - s.entry(i)
		for x := from; x < to; {
			in := decodeAMD64((*[windowSize]byte)(b[x:]))
			n++
			a, err := x86asm.Decode(b[x:to], 64)
			if in.length == 0 {
				zero++
				t.Logf("zero %x: %x ours, %v %v", s.entry(i)+x-from, b[x:x+12], a.Len, err)
				break
			}
			fmt.Fprintf(w, "%x\n", s.entry(i)+x-from)
			switch c := b[x]; {
			case c == 0xc4 || c == 0xc5 || c == 0x62: vex++
			case err == nil && a.Op == 0: undef++
			case err != nil:
				undef++
			case a.Len != in.length || (a.PCRel == 4) != (in.at > 0) || a.PCRel == 4 && a.PCRelOff != in.at:
				diff++
				t.Logf("%x: %v %d %d; ours %+v", b[x:x+12], a, a.Len, a.PCRelOff, in)
			}
			x += uint64(in.length)
		}
	}
	w.Flush()
	t.Logf("%d instructions, %d unknown to x86asm, %d vex, %d differ, %d zero", n, undef, vex, diff, zero)
}
