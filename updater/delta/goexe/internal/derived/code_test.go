package derived_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/entropy"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/remap"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

// sections says that every section was copied to the one of the same number: the worst that operations can do.
func sections(old, new *image.Image) (l []remap.Copy) {
	for i, s := range old.Sections[:min(len(old.Sections), len(new.Sections))] {
		to := new.Sections[i]
		l = append(l, remap.Copy{Old: s.Addr, New: to.Addr, Size: min(s.FileSize, to.FileSize)})
	}
	return l
}

// skeleton is what a patcher knows of the new file when it reads the layout.
func skeleton(m *image.Image) *image.Image {
	return &image.Image{Format: m.Format, Arch: m.Arch, Base: m.Base, Sections: m.Sections, Go: m.Go}
}

func transfer(t testing.TB, old, new *image.Image) (patch []byte) {
	t.Helper()
	before, after := derived.Read(old), derived.Read(new)
	after.Verify(new, derived.Entries(new))
	code := func(c *entropy.Coder, tables *derived.Tables) *derived.Tables {
		sides := derived.Sides{Old: old, New: skeleton(new), OldSize: uint64(len(old.Data)), NewSize: uint64(len(new.Data))}
		tables, err := derived.CodeLayout(c, before, tables, sides)
		if err != nil {
			t.Fatal(err)
		}
		if err := tables.CodeLists(c, before, sections(old, new), old.Base, new.Base); err != nil {
			t.Fatal(err)
		}
		return tables
	}
	c := entropy.NewEncoder()
	code(c, after)
	patch = c.Bytes()
	got := code(entropy.NewDecoder(patch), nil)
	want, _ := after.Spans(new, uint64(len(new.Data)))
	spans, ok := got.Spans(skeleton(new), uint64(len(new.Data)))
	if !ok || !slices.Equal(spans, want) {
		t.Fatalf("spans %+v instead of %+v", spans, want)
	}
	for _, s := range spans {
		if !bytes.Equal(regenerate(t, new, got, s), new.Data[s.Off:s.End()]) {
			t.Errorf("span %+v came out different", s)
		}
	}
	return patch
}

func TestTablesTravel(t *testing.T) {
	for _, target := range sample.Targets {
		t.Run(target.String(), func(t *testing.T) {
			a, b := sample.Pair(t, target)
			old, new := parse(t, a), parse(t, b)
			t.Logf("%d bytes forth, %d back", len(transfer(t, old, new)), len(transfer(t, new, old)))
			if n := len(transfer(t, new, new)); n > 16 {
				t.Errorf("what did not change takes %d bytes", n)
			}
		})
	}
}

func TestSignaturesTravel(t *testing.T) {
	a, b := sample.Pair(t, sample.Target{OS: "darwin", Arch: "arm64"})
	for name, pair := range map[string][2][]byte{
		"a Developer ID on both": {resign(t, a, "TEAM123456"), resign(t, b, "TEAM123456")},
		"signed anew":            {a, resign(t, b, "TEAM123456")},
		"back to the linker's":   {resign(t, a, "TEAM123456"), b},
	} {
		t.Logf("%s: %d bytes", name, len(transfer(t, parse(t, pair[0]), parse(t, pair[1]))))
	}
}

func TestRelocationsTravel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		expected, new := scatter(r), scatter(r)
		if r.IntN(2) == 0 {
			new = slices.Compact(slices.Sorted(slices.Values(append(new, expected...))))
		}
		c := entropy.NewEncoder()
		if _, err := derived.CodeRelocs(c, expected, new, 0); err != nil {
			t.Fatal(err)
		}
		got, err := derived.CodeRelocs(entropy.NewDecoder(c.Bytes()), expected, nil, uint64(len(new)))
		if err != nil || !slices.Equal(got, new) {
			t.Fatalf("%d of %d: %v", len(got), len(new), err)
		}
	}
}

// scatter makes a short ascending list.
func scatter(r *rand.Rand) (l []uint32) {
	at := r.Uint32()
	for range r.IntN(200) {
		next := at + 1 + r.Uint32N(1<<r.UintN(28))
		if next < at {
			break
		}
		at = next
		l = append(l, at)
	}
	return l
}

func TestRebasesTravel(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 300 {
		expected, new := scatter(r), scatter(r)
		new = slices.Compact(slices.Sorted(slices.Values(append(new, expected[:len(expected)/2]...))))
		r.Shuffle(len(new), func(i, j int) { new[i], new[j] = new[j], new[i] })
		expected = append(expected, expected[len(expected)/2:]...) // an old file may list some twice
		c := entropy.NewEncoder()
		if _, err := derived.CodeRebases(c, expected, new, 0); err != nil {
			t.Fatal(err)
		}
		got, err := derived.CodeRebases(entropy.NewDecoder(c.Bytes()), expected, nil, uint64(len(new)))
		if err != nil || !slices.Equal(got, new) {
			t.Fatalf("%d of %d: %v", len(got), len(new), err)
		}
	}
}

// Whatever a stream says, lists stay below their limit, and reading it takes no time to speak of.
func TestHostileStreams(t *testing.T) {
	const limit = 3000
	expected := make([]uint32, 2000)
	for i := range expected {
		expected[i] = uint32(8 * i)
	}
	start := time.Now()
	r := rand.New(rand.NewPCG(3, 1))
	for range 2000 {
		b := make([]byte, r.IntN(300))
		for i := range b {
			b[i] = byte(r.Uint32() >> r.IntN(16))
		}
		for name, code := range map[string]func(*entropy.Coder, []uint32, []uint32, uint64) ([]uint32, error){
			"relocations": derived.CodeRelocs, "rebases": derived.CodeRebases,
		} {
			if l, err := code(entropy.NewDecoder(b), expected, nil, limit); err == nil && len(l) > limit {
				t.Fatalf("%d %s", len(l), name)
			}
		}
	}
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %v", d)
	}
}

func TestHostileLayouts(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 1))
	for _, target := range []sample.Target{{OS: "windows", Arch: "amd64"}, {OS: "darwin", Arch: "arm64"}} {
		file, _ := sample.Pair(t, target)
		m := parse(t, file)
		size := uint64(len(file))
		before := derived.Read(m)
		for range 3000 {
			b := make([]byte, 1+r.IntN(60))
			for i := range b {
				b[i] = byte(r.Uint32() >> r.IntN(16))
			}
			c := entropy.NewDecoder(b)
			tables, err := derived.CodeLayout(c, before, nil, derived.Sides{Old: m, New: skeleton(m), OldSize: size, NewSize: size})
			if err != nil {
				continue
			}
			spans, ok := tables.Spans(m, size)
			if !ok || tables.CodeLists(c, before, sections(m, m), m.Base, m.Base) != nil {
				continue
			}
			for _, s := range spans {
				if s.Kind == derived.Reloc || s.Kind == derived.Rebase {
					if n := len(regenerate(t, m, tables, s)); uint64(n) > size {
						t.Fatalf("%d bytes for %+v", n, s)
					}
				}
			}
			derived.NewPages(tables.Directories)
		}
	}
}

func TestFunctionsInStrangePlaces(t *testing.T) {
	for name, entries := range map[string][]uint32{
		"none":                 {},
		"does not start at 0":  {16, 300},
		"goes back":            {0, 500, 400, 900},
		"too many in a bucket": append(append([]uint32{0}, slices.Repeat([]uint32{256}, 300)...), 4096),
	} {
		if b, err := derived.AppendFindFunc(nil, entries); err == nil {
			t.Errorf("%s: %x", name, b)
		}
	}
	got, err := derived.AppendFindFunc([]byte{7}, []uint32{0, 0, 300, 300, 512, 4097})
	want := []byte{7, 0, 0, 0, 0, 0, 1, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 0, 0, 0, 0}
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v: %v", got, err)
	}
}
