package derived_test

import (
	"bytes"
	"io"
	"slices"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/derived"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/image"
	"github.com/tesseract-desktop/tesseract/updater/delta/goexe/internal/sample"
)

func parse(t testing.TB, file []byte) *image.Image {
	t.Helper()
	m, err := image.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// regenerate makes what is in a span, from what a patcher has.
func regenerate(t testing.TB, m *image.Image, tables *derived.Tables, s derived.Span) []byte {
	t.Helper()
	var b []byte
	var err error
	switch s.Kind {
	case derived.FindFunc:
		b, err = derived.AppendFindFunc(nil, derived.Entries(m))
	case derived.Reloc:
		b = tables.Relocs.Append(nil)
	case derived.Rebase:
		b = tables.Rebases.Append(nil)
	case derived.Slots:
		pages := derived.NewPages(tables.Directories)
		// In pieces that are no multiple of anything, and no further than a patcher has come.
		_, err = io.CopyBuffer(struct{ io.Writer }{pages}, struct{ io.Reader }{bytes.NewReader(m.Data[:s.Off])}, make([]byte, 777))
		if err == nil {
			b, err = pages.Append(nil, s.Index)
		}
	default:
		return m.Data[s.Off : s.Off+s.Size] // pcln's
	}
	if err != nil {
		t.Fatalf("span %+v: %v", s, err)
	}
	return b
}

// What every target of every supported toolchain has.
func TestEverySpanComesOutAsItIsInTheFile(t *testing.T) {
	outer := map[string][]derived.Kind{
		"linux": nil, "windows": {derived.Reloc}, "darwin-amd64": {derived.Rebase}, "darwin-arm64": {derived.Rebase, derived.Slots},
	}
	for _, target := range sample.Targets {
		t.Run(target.String(), func(t *testing.T) {
			file, _ := sample.Pair(t, target)
			m := parse(t, file)
			tables := derived.Read(m)
			tables.Verify(m, derived.Entries(m))
			spans, ok := tables.Spans(m, uint64(len(file)))
			if !ok {
				t.Fatal("the spans overlap or reach outside the file")
			}
			want := append([]derived.Kind{derived.FindFunc, derived.Pctab, derived.Functab}, append(outer[target.OS], outer[target.String()]...)...)
			found := map[derived.Kind]int{}
			for _, s := range spans {
				found[s.Kind]++
				if !bytes.Equal(regenerate(t, m, tables, s), file[s.Off:s.Off+s.Size]) {
					t.Errorf("span %+v came out different", s)
				}
			}
			for _, k := range want {
				if found[k] != 1 {
					t.Errorf("%d spans of kind %d", found[k], k)
				}
			}
			if len(spans) != len(want) {
				t.Errorf("spans %+v", spans)
			}
		})
	}
}

func TestATableThatIsNotTheLinkersIsDropped(t *testing.T) {
	for _, target := range sample.Targets {
		file, _ := sample.Pair(t, target)
		m := parse(t, file)
		tables := derived.Read(m)
		tables.Verify(m, derived.Entries(m))
		spans, _ := tables.Spans(m, uint64(len(file)))
		for _, s := range spans {
			if s.Kind == derived.Pctab || s.Kind == derived.Functab {
				continue
			}
			changed := *m
			changed.Data = bytes.Clone(file)
			changed.Data[s.Off+s.Size/2] ^= 0x41
			again := derived.Read(&changed)
			again.Verify(&changed, derived.Entries(m))
			left, ok := again.Spans(m, uint64(len(file)))
			if !ok || slices.Contains(left, s) {
				t.Errorf("%v: a changed byte left %+v", target, s)
			}
			for _, other := range spans {
				// The hashes of pages no longer match either.
				if other != s && other.Kind != derived.Slots && !slices.Contains(left, other) {
					t.Errorf("%v: a changed byte in %+v dropped %+v", target, s, other)
				}
			}
		}
	}
}
