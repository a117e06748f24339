package pcln_test

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/pcln"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// pair is two programs and what a builder would find out of them.
type pair struct {
	old, new *image.Image
	align    []int32
	copies   []remap.Copy
}

func parse(t testing.TB, b []byte) *image.Image {
	t.Helper()
	m, err := image.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func table(t testing.TB, m *image.Image) *pcln.Table {
	t.Helper()
	l, err := pcln.Parse(m)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// newPair aligns functions by name. Of each pair the beginning and the end count as copied, as far as bytes are much alike.
func newPair(t testing.TB, before, after []byte) *pair {
	t.Helper()
	p := &pair{old: parse(t, before), new: parse(t, after)}
	a, b := table(t, p.old), table(t, p.new)
	byName := map[string]int{}
	for i := range a.NumFuncs() {
		byName[string(a.Name(i))] = i
	}
	for i := range b.NumFuncs() {
		k, ok := byName[string(b.Name(i))]
		if !ok {
			p.align = append(p.align, -1)
			continue
		}
		p.align = append(p.align, int32(k))
		x, y := a.Entry(k), b.Entry(i)
		code, now := p.old.Bytes(x, a.Entry(k+1)-x), p.new.Bytes(y, b.Entry(i+1)-y)
		head := alike(code, now, func(b []byte, i int) byte { return b[i] })
		tail := min(alike(code, now, func(b []byte, i int) byte { return b[len(b)-1-i] }), len(code)-head, len(now)-head)
		p.copies = append(p.copies, remap.Copy{Old: x, New: y, Size: uint64(head)},
			remap.Copy{Old: a.Entry(k+1) - uint64(tail), New: b.Entry(i+1) - uint64(tail), Size: uint64(tail)})
	}
	p.copyTables()
	p.copies = slices.DeleteFunc(p.copies, func(c remap.Copy) bool { return c.Size == 0 })
	slices.SortFunc(p.copies, func(x, y remap.Copy) int { return cmp.Compare(x.New, y.New) })
	return p
}

// copyTables makes what does not change in the tables that records point into known.
func (p *pair) copyTables() {
	names, funcs := p.old.Go.Names, p.old.Go.GoFunc
	p.copies = append(p.copies,
		remap.Copy{Old: names.Addr, New: p.new.Go.Names.Addr, Size: min(names.Size, p.new.Go.Names.Size) / 2},
		remap.Copy{Old: funcs, New: p.new.Go.GoFunc, Size: 1000})
}

// alike returns for how many bytes two texts are alike, operands left aside.
func alike(a, b []byte, at func([]byte, int) byte) (n int) {
	misses := 0
	for i := range min(len(a), len(b)) {
		if at(a, i) == at(b, i) {
			misses = max(misses-1, 0)
			n = i + 1
		} else if misses += 2; misses > 12 {
			break
		}
	}
	return n
}

// spans are what is to be made.
func (p *pair) spans() (pctab, funcs []byte) {
	g := &p.new.Go
	return p.new.Bytes(g.Pctab.Addr, g.Pctab.Size), p.new.Bytes(g.Functab.Addr, g.Funcs.End()-g.Functab.Addr)
}

// code runs both ways; want is nil for a patcher.
func (p *pair) code(t testing.TB, c *entropy.Coder, want *pcln.Table, pctab, funcs io.Writer) error {
	old := table(t, p.old)
	l, err := pcln.CodeFunctions(c, old, &p.new.Go, want, p.align)
	if err != nil {
		return err
	}
	m := remap.New(p.old, p.new.Sections, p.copies)
	g, err := pcln.NewGenerator(old, &p.new.Go, l, p.copies, m, want, func(uint64) error { return nil })
	if err != nil {
		return err
	}
	off, _ := p.new.Offset(p.new.Go.Text)
	w := g.Watch(off)
	for b := range slices.Chunk(p.new.Data, 100_000) {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	if err := g.Pctab(c, pctab); err != nil {
		return err
	}
	return g.Funcs(c, funcs)
}

func (p *pair) encode(t testing.TB) []byte {
	t.Helper()
	want := table(t, p.new)
	if err := want.Verify(); err != nil {
		t.Fatal(err)
	}
	c := entropy.NewEncoder()
	if err := p.code(t, c, want, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	return c.Bytes()
}

// limited fails a test that writes more than it may.
type limited struct {
	t     testing.TB
	limit int
	bytes.Buffer
}

func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.limit {
		l.t.Fatalf("%d bytes for a table of %d", l.Len()+len(b), l.limit)
	}
	return l.Buffer.Write(b)
}

// decode returns what a patcher makes of coded.
func (p *pair) decode(t testing.TB, coded []byte) (pctab, funcs []byte, err error) {
	patcher := *p
	patcher.align = nil
	a, b := p.spans()
	x, y := &limited{t: t, limit: len(a)}, &limited{t: t, limit: len(b)}
	err = patcher.code(t, entropy.NewDecoder(coded), nil, x, y)
	if err == nil && (x.Len() != len(a) || y.Len() != len(b)) {
		t.Fatalf("tables of %d and %d bytes came out as %d and %d", len(a), len(b), x.Len(), y.Len())
	}
	return x.Bytes(), y.Bytes(), err
}

func (p *pair) roundTrip(t testing.TB) []byte {
	t.Helper()
	coded := p.encode(t)
	pctab, funcs, err := p.decode(t, coded)
	if err != nil {
		t.Fatal(err)
	}
	wantPctab, wantFuncs := p.spans()
	if !bytes.Equal(pctab, wantPctab) || !bytes.Equal(funcs, wantFuncs) {
		t.Fatal("the tables came out otherwise")
	}
	t.Logf("%d functions, %d and %d bytes of tables in %d bytes", len(p.align), len(pctab), len(funcs), len(coded))
	return coded
}

func TestRoundTrip(t *testing.T) {
	targets := slices.Clone(sample.Targets)
	if testing.Short() {
		targets = targets[:1]
	} else {
		targets = append(targets, sample.Target{OS: "linux", Arch: "amd64", Flags: "-buildmode=pie"})
		for _, version := range []string{"go1.23.12", "go1.24.11", "go1.25.5"} {
			targets = append(targets, sample.Target{OS: "linux", Arch: "amd64", Toolchain: version})
		}
	}
	for _, target := range targets {
		t.Run(target.String(), func(t *testing.T) {
			if target.Toolchain != "" && !available(target.Toolchain) {
				t.Skip("no such toolchain")
			}
			p := pairOf(t, target)
			if n := len(p.roundTrip(t)); n > len(p.new.Data)/200 {
				t.Errorf("%d bytes for a small change", n)
			}
		})
	}
}

func pairOf(t testing.TB, target sample.Target) *pair {
	t.Helper()
	before, after := sample.Pair(t, target)
	return newPair(t, before, after)
}

func available(toolchain string) bool {
	cmd := exec.Command("go", "version")
	cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+toolchain)
	return cmd.Run() == nil
}

// Everything is new when the other program has no function of a name in common.
func TestNothingInCommon(t *testing.T) {
	p := pairOf(t, sample.Linux)
	for i := range p.align {
		p.align[i] = -1
	}
	coded := p.roundTrip(t)
	if pctab, funcs := p.spans(); len(coded) > (len(pctab)+len(funcs))/4 {
		t.Errorf("%d bytes", len(coded))
	}
}

func TestWhatIsTheSameCostsNothing(t *testing.T) {
	before, _ := sample.Pair(t, sample.Linux)
	p := identity(t, before)
	if n := len(p.roundTrip(t)); n > 100 {
		t.Errorf("%d bytes", n)
	}
}

func identity(t testing.TB, program []byte) *pair {
	p := &pair{old: parse(t, program), new: parse(t, program)}
	for i := range p.old.Go.NumFuncs {
		p.align = append(p.align, int32(i))
	}
	for _, s := range p.old.Sections {
		if s.FileSize > 0 {
			p.copies = append(p.copies, remap.Copy{Old: s.Addr, New: s.Addr, Size: s.FileSize})
		}
	}
	return p
}

// Counterparts and copies are a builder's choice: the worst one costs bytes, but nothing else.
func TestWildPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3 {
		p := pairOf(t, sample.Linux)
		for i := range p.align {
			if r.IntN(4) == 0 {
				p.align[i] = int32(r.IntN(p.old.Go.NumFuncs+1) - 1)
			}
		}
		p.copies = slices.DeleteFunc(p.copies, func(remap.Copy) bool { return r.IntN(3) == 0 })
		p.roundTrip(t)
	}
}

func TestVerifyRefusesOtherLayouts(t *testing.T) {
	program, _ := sample.Pair(t, sample.Linux)
	good := parse(t, program)
	at := func(addr uint64) uint64 {
		off, ok := good.Offset(addr)
		if !ok {
			t.Fatal("not in the file")
		}
		return off
	}
	g := &good.Go
	record := at(g.Functab.Addr + uint64(good.Uint32(g.Functab.Addr+8*100+4)))
	cases := map[string]func(b []byte){
		"another first byte":             func(b []byte) { b[at(g.Pctab.Addr)] = 1 },
		"a table elsewhere":              func(b []byte) { b[record+4*6]++ },
		"another entry":                  func(b []byte) { b[record]++ },
		"a byte that is always 0":        func(b []byte) { b[record+4*10+2] = 1 },
		"a record elsewhere":             func(b []byte) { b[at(g.Functab.Addr)+8*100+4] += 8 },
		"a number of tables":             func(b []byte) { binary.LittleEndian.PutUint32(b[record+4*7:], 1<<31) },
		"something behind the pc tables": func(b []byte) { b[at(g.Pctab.End())-1] = 7 },
	}
	for name, damage := range cases {
		b := bytes.Clone(program)
		damage(b)
		m, err := image.Parse(b)
		if err == nil {
			var l *pcln.Table
			if l, err = pcln.Parse(m); err == nil {
				err = l.Verify()
			}
		}
		if !errors.Is(err, image.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := table(t, good).Verify(); err != nil {
		t.Error(err)
	}
}

// Whatever a patch says, there are as many bytes as asked for or an error, and no panic.
func TestDamage(t *testing.T) {
	p := pairOf(t, sample.Linux)
	good := p.encode(t)
	r := rand.New(rand.NewPCG(7, 7))
	rounds := 400
	if testing.Short() {
		rounds = 40
	}
	failed := 0
	for range rounds {
		b := bytes.Clone(good)
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
		}
		if r.IntN(4) == 0 {
			b = b[:r.IntN(len(b))]
		}
		if _, _, err := p.decode(t, b); err != nil {
			failed++
		}
	}
	t.Logf("%d of %d ended in an error", failed, rounds)
}

func TestCopiesMustBeInOrder(t *testing.T) {
	before, _ := sample.Pair(t, sample.Linux)
	p := identity(t, before)
	p.copies = append(p.copies, p.copies[0])
	c := entropy.NewEncoder()
	if err := p.code(t, c, table(t, p.new), io.Discard, io.Discard); err == nil {
		t.Error("accepted")
	}
}

func FuzzDecoder(f *testing.F) {
	p := pairOf(f, sample.Linux)
	f.Add([]byte{})
	f.Add(p.encode(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		p.decode(t, b) //nolint:errcheck // most inputs are nonsense; decode checks what must hold even then
	})
}

func BenchmarkDecode(b *testing.B) {
	before, _ := sample.Pair(b, sample.Linux)
	for name, p := range map[string]*pair{"same": identity(b, before), "changed": pairOf(b, sample.Linux)} {
		b.Run(name, func(b *testing.B) {
			coded := p.encode(b)
			b.ReportMetric(float64(len(coded)), "coded-bytes")
			for b.Loop() {
				if _, _, err := p.decode(b, coded); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
