package image_test

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image/handmade"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

func TestHandmade(t *testing.T) {
	for minor := 23; minor <= 26; minor++ {
		for arch, arm := range map[image.Arch]bool{image.AMD64: false, image.ARM64: true} {
			m, err := image.Parse(handmade.ELF(minor, arm))
			if err != nil {
				t.Fatal(minor, arm, err)
			}
			if g := m.Go; m.Arch != arch || g.Minor != minor || g.NumFuncs != 2 || g.CUs.Size != 4 || g.Typelinks.Size != 4 {
				t.Errorf("1.%d: %+v", minor, m)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	good := handmade.ELF(26, false)
	poke := func(off int, v ...byte) []byte {
		b := bytes.Clone(good)
		copy(b[off:], v)
		return b
	}
	second := bytes.Clone(good)
	copy(second[0x700:], second[0x900:0x900+0x98]) // as much of moduledata as is compared
	for name, c := range map[string]struct {
		data []byte
		why  string
	}{
		"empty":                {nil, "neither ELF nor PE"},
		"text":                 {[]byte("#!/bin/sh\nexit 1\n"), "neither ELF nor PE"},
		"32 bits":              {poke(4, 1), "not 64 bits"},
		"big endian":           {poke(5, 2), "little endian"},
		"another machine":      {poke(18, 3), "ELF machine 3"},
		"no section headers":   {poke(60, 0), "0 section headers"},
		"section behind end":   {poke(0xc00+64+32, 0, 0, 1), "behind the file's end"},
		"sections overlap":     {poke(0xc00+64+32, 0x80, 1), "overlap in memory"},
		"no version":           {poke(0x800, 0), "no Go build information"},
		"a program, not a Go":  {poke(0x821, 'x'), "no Go build information"},
		"older":                {handmade.ELF(22, false), "built by Go 1.22"},
		"newer":                {handmade.ELF(27, false), "built by Go 1.27"},
		"no pclntab":           {poke(0x400, 0xf0), "no pclntab"},
		"the wrong processor":  {poke(0x406, 4), "no pclntab"},
		"relocated moduledata": {poke(0x908, make([]byte, 24)...), "no moduledata"},
		"two moduledatas":      {second, "more than one moduledata"},
		"names reach further":  {poke(0x910, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40), "overlap"},
		"types outside":        {poke(0x901+37*8, 0), "types is not in the file"},
		"types end first":      {poke(0x900+38*8, 0, 1), "types is not in the file"},
		"text ends first":      {poke(0x900+23*8, 0x80, 0), "text is not in the file"},
		"text in two pieces":   {poke(0x900+43*8, 2), "several pieces"},
		"functab descends":     {poke(0x478, 0x21), "does not ascend at function 1"},
		"function after text":  {poke(0x478+16, 0x41), "does not ascend at function 2"},
		"record outside":       {poke(0x478+4, 0xff), "function 0 has no record"},
		"record cut off":       {poke(0x478+20+72+28, 1), "function 1 is cut off"},
	} {
		if _, err := image.Parse(c.data); !errors.Is(err, image.ErrUnsupported) || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the standard library reads from the same file must agree.
func TestSectionsAgree(t *testing.T) {
	for _, target := range targets(t) {
		data, _ := sample.Pair(t, target)
		m, err := image.Parse(data)
		if err != nil {
			t.Errorf("%v: %v", target, err)
			continue
		}
		want := map[string]image.Section{}
		r := bytes.NewReader(data)
		switch target.OS {
		case "linux":
			f, err := elf.NewFile(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range f.Sections {
				if s.Flags&elf.SHF_ALLOC != 0 && s.Size > 0 && s.Addr > 0 && s.Flags&elf.SHF_TLS == 0 {
					want[s.Name] = image.Section{Addr: s.Addr, MemSize: s.Size, FileSize: s.FileSize, Off: s.Offset}
					if s.Type == elf.SHT_NOBITS {
						want[s.Name] = image.Section{Addr: s.Addr, MemSize: s.Size}
					}
				}
			}
		case "windows":
			f, err := pe.NewFile(r)
			if err != nil {
				t.Fatal(err)
			}
			base := f.OptionalHeader.(*pe.OptionalHeader64).ImageBase
			for _, s := range f.Sections {
				want[s.Name] = image.Section{Addr: base + uint64(s.VirtualAddress), MemSize: uint64(s.VirtualSize),
					FileSize: uint64(min(s.Size, s.VirtualSize)), Off: uint64(s.Offset)}
			}
		case "darwin":
			f, err := macho.NewFile(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range f.Sections {
				want[s.Seg+","+s.Name] = image.Section{Addr: s.Addr, MemSize: s.Size, FileSize: s.Size, Off: uint64(s.Offset)}
				if s.Flags&0xff == 1 {
					want[s.Seg+","+s.Name] = image.Section{Addr: s.Addr, MemSize: s.Size}
				}
				if s.Size == 0 {
					delete(want, s.Seg+","+s.Name)
				}
			}
		}
		if len(want) != len(m.Sections) {
			t.Errorf("%v: %d sections, want %d", target, len(m.Sections), len(want))
		}
		for _, s := range m.Sections {
			w := want[s.Name]
			if s.Addr != w.Addr || s.MemSize != w.MemSize || s.FileSize != w.FileSize || s.FileSize > 0 && s.Off != w.Off {
				t.Errorf("%v: %+v, want %+v", target, s, w)
			}
		}
	}
}

// targets are all systems, or with -short only the first.
func targets(t *testing.T) []sample.Target {
	if testing.Short() {
		return sample.Targets[:1]
	}
	return sample.Targets
}

func TestOlderToolchains(t *testing.T) {
	if testing.Short() {
		t.Skip("fetches toolchains")
	}
	for minor, version := range map[int]string{23: "go1.23.12", 24: "go1.24.11", 25: "go1.25.5"} {
		t.Run(version, func(t *testing.T) {
			cmd := exec.Command("go", "version")
			cmd.Env = append(os.Environ(), "GOTOOLCHAIN="+version)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("no such toolchain: %s", out)
			}
			data, _ := sample.Pair(t, sample.Target{OS: "linux", Arch: "amd64", Toolchain: version})
			m, err := image.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			g := m.Go
			if g.Minor != minor || g.NumFuncs < 1000 || g.Typelinks.Size < 400 || g.GoFunc < g.Types || g.GoFunc >= g.ETypes {
				t.Errorf("%+v", g)
			}
			if !bytes.Contains(m.Bytes(g.Names.Addr, g.Names.Size), []byte("\x00main.main\x00")) {
				t.Error("no main.main")
			}
		})
	}
}

func TestMutilatedFilesAreNoTrouble(t *testing.T) {
	data, _ := sample.Pair(t, sample.Linux)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		image.Parse(data[:rng.IntN(len(data))]) //nolint:errcheck // must only not panic
		image.Parse(data[:i])                   //nolint:errcheck
	}
	m, err := image.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	places := []uint64{0, 0x180, uint64(len(data)) - 0x480}
	for _, addr := range []uint64{m.Go.ModuleData.Addr, m.Go.Pcln, m.Go.Functab.Addr, m.Go.Funcs.Addr} {
		off, _ := m.Offset(addr)
		places = append(places, off)
	}
	for range 1000 {
		off := places[rng.IntN(len(places))] + uint64(rng.IntN(0x280))
		was := data[off]
		data[off] = byte(rng.Uint32())
		if m, err := image.Parse(data); err == nil {
			holds(t, m)
		} else if !errors.Is(err, image.ErrUnsupported) {
			t.Fatal(err)
		}
		data[off] = was
	}
}

// holds checks what Parse promises.
func holds(t *testing.T, m *image.Image) {
	t.Helper()
	last := uint64(0)
	for _, s := range m.Sections {
		if s.Addr < last || s.Off+s.FileSize > uint64(len(m.Data)) || s.FileSize > s.MemSize {
			t.Fatalf("section %+v", s)
		}
		last = s.Addr + s.MemSize
	}
	g := m.Go
	for _, table := range []image.Table{g.ModuleData, g.Names, g.CUs, g.Files, g.Pctab, g.Functab, g.Funcs, g.FindFunc,
		g.Typelinks, g.NoPtrData, {Addr: g.Types, Size: g.ETypes - g.Types}, {Addr: g.Text, Size: g.EText - g.Text}} {
		if m.Bytes(table.Addr, table.Size) == nil {
			t.Fatalf("table %+v of %+v", table, g)
		}
	}
	for _, table := range []image.Table{m.Relocs, m.Pdata, m.EhFrame, m.EhFrameHdr} {
		if table.Size > 0 && m.Bytes(table.Addr, table.Size) == nil {
			t.Fatalf("table %+v", table)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, arm := range []bool{false, true} {
		f.Add(handmade.ELF(26, arm))
		f.Add(handmade.ELF(24, arm))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := image.Parse(data); err == nil {
			holds(t, m)
		} else if !errors.Is(err, image.ErrUnsupported) {
			t.Fatal(err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	data, _ := sample.Pair(b, sample.Linux)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := image.Parse(data); err != nil {
			b.Fatal(err)
		}
	}
}
