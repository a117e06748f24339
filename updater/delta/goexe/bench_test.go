package goexe

import (
	"bytes"
	"cmp"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var pairs = flag.String("pairs", "", "pattern of folders with the files old and new, for BenchmarkPairs")

// BenchmarkPairs makes and applies a patch for each pair and says, with -v, what its bytes are spent on:
//
//	go test -run '^$' -bench Pairs -benchtime 1x -v -pairs '../../../build/bench/corpus/*' ./updater/delta/goexe
func BenchmarkPairs(b *testing.B) {
	dirs, err := filepath.Glob(*pairs)
	if err != nil {
		b.Fatal(err)
	}
	for _, dir := range dirs {
		b.Run(filepath.Base(dir), func(b *testing.B) {
			old, new := load(b, filepath.Join(dir, "old")), load(b, filepath.Join(dir, "new"))
			for b.Loop() {
				benchmarkPair(b, old, new)
			}
		})
	}
}

func benchmarkPair(b *testing.B, old, new []byte) {
	account := &ledger{bits: map[string]float64{}}
	start := time.Now()
	patch, err := diff(b.Context(), section(old), section(new), account)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(patch)), "patch-bytes")
	b.ReportMetric(time.Since(start).Seconds(), "diff-s")
	for _, what := range slices.SortedFunc(maps.Keys(account.bits), func(x, y string) int {
		return cmp.Compare(account.bits[y], account.bits[x])
	}) {
		b.Logf("%9.0f %s", account.bits[what]/8, what)
	}
	start = time.Now()
	made := bytes.NewBuffer(make([]byte, 0, len(new)))
	if err := (Codec{}).Apply(b.Context(), section(old), bytes.NewReader(patch), int64(len(new)), made); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "apply-s")
	if !bytes.Equal(made.Bytes(), new) {
		b.Fatal("made something else")
	}
}

// BenchmarkApply applies each pair's patch.
func BenchmarkApply(b *testing.B) {
	dirs, err := filepath.Glob(*pairs)
	if err != nil {
		b.Fatal(err)
	}
	for _, dir := range dirs {
		old, new := load(b, filepath.Join(dir, "old")), load(b, filepath.Join(dir, "new"))
		patch, err := diff(b.Context(), section(old), section(new), nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := (Codec{}).Apply(b.Context(), section(old), bytes.NewReader(patch), int64(len(new)), io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func load(tb testing.TB, name string) []byte {
	data, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
