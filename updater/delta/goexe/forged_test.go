package goexe

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pack"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// A forger has the builder's own code at hand and lets it write lies. Each is refused before it takes memory.
func TestForgedPatches(t *testing.T) {
	old, new := sample.Pair(t, sample.Linux)
	type lie struct {
		image *image.Image
		plan  *plan
		lit   *literals
	}
	cases := map[string]func(l lie){
		"a table of functions that wraps around": func(l lie) {
			g := &l.image.Go
			g.NumFuncs = 1 << 24
			g.Functab.Size = uint64(g.NumFuncs)*8 + 4
			g.Funcs.Size = 8 - g.Functab.Size
		},
		"more functions than records": func(l lie) { l.image.Go.NumFuncs = int(l.image.Go.Functab.Size+l.image.Go.Funcs.Size)/8 - 1 },
		"no functions":                func(l lie) { l.image.Go.NumFuncs = 0 },
		"fewer functions than none":   func(l lie) { l.image.Go.NumFuncs = -5 },
		"a text behind the file":      func(l lie) { l.image.Go.Text += 1 << 40; l.image.Go.EText += 1 << 40 },
		"a text of 4 GiB":             func(l lie) { l.image.Go.EText = l.image.Go.Text + 1<<32 - 1 },
		"pc tables of 4 GiB":          func(l lie) { l.image.Go.Pctab.Size = 1<<32 - 1 },
		"a huge findfunctab":          func(l lie) { l.image.Go.FindFunc.Size = 1 << 50 },
		"no sections":                 func(l lie) { l.image.Sections = nil },
		"too many sections":           func(l lie) { l.image.Sections = make([]image.Section, maxSections+1) },
		"sections on top of each other": func(l lie) {
			l.image.Sections[1].Off = l.image.Sections[0].Off
			l.image.Sections[1].FileSize = l.image.Sections[0].FileSize
		},
		"a section behind the file": func(l lie) { l.image.Sections[0].Off = 1 << 60 },
		"all bytes as inline literals": func(l lie) {
			n := literalBytes(l.plan.ops)
			for _, op := range l.plan.ops {
				n += op.Add
			}
			l.plan.ops = []remap.Op{{Copy: n}}
			l.lit.inline = true
		},
		"an operation for each byte": func(l lie) { l.plan.ops = make([]remap.Op, len(new)) },
		"bytes before the old file":  func(l lie) { l.plan.ops[0].Seek = -1 << 40 },
		"bytes behind the old file":  func(l lie) { l.plan.ops[0].Seek = 1 << 40 },
		"counterparts that are not there": func(l lie) {
			for i := range l.plan.align {
				l.plan.align[i] = 1 << 30
			}
		},
	}
	for name, tell := range cases {
		t.Run(name, func(t *testing.T) {
			before, after := opened(t, old), opened(t, new)
			plan, err := newPlan(t.Context(), before, after)
			if err != nil {
				t.Fatal(err)
			}
			lit := &literals{}
			tell(lie{after.image, plan, lit})
			p := pass{c: entropy.NewEncoder(), old: before, size: uint64(len(new)), plan: plan, lit: lit, room: math.MaxUint64}
			_ = p.run(t.Context(), io.Discard) // it stops where the lie is found out, which it has told by then
			k := container{size: p.size, old: fingerprintOf(old), new: fingerprintOf(new), numbers: p.c.Bytes()}
			patch := k.bytes()
			took := taken(func() {
				err = Codec{}.Apply(t.Context(), section(old), bytes.NewReader(patch), int64(len(new)), io.Discard)
			})
			if err == nil {
				t.Error("applied")
			}
			t.Logf("%v, %d KiB", err, took>>10)
			if limit := uint64(len(old) + len(new) + 16<<20); took > limit {
				t.Errorf("took %d bytes", took)
			}
		})
	}
}

// Each of the limits on its own would let a patch take half as much again as the new file: its bytes, and what they unpack
// to.
func TestLongPatchesOfMuch(t *testing.T) {
	old, _ := sample.Pair(t, sample.Linux)
	const size = 60 << 20
	k := container{size: size, old: fingerprintOf(old)}
	k.literals[0] = append([]byte{1, 0x80, 0x80, 0x80, 0x1e}, make([]byte, size/2)...) // packed; all of size
	patch := k.bytes()
	var err error
	took := taken(func() { err = Codec{}.Apply(t.Context(), section(old), bytes.NewReader(patch), size, io.Discard) })
	if !errors.Is(err, pack.ErrCorrupt) || took > uint64(len(old)+size) {
		t.Errorf("%v, %d MiB taken", err, took>>20)
	}
}

func opened(t *testing.T, data []byte) *program {
	p, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
