//go:build linux

package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/tesseract-desktop/tesseract/e2e/corpus"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		pairs int // 0 when it is to be refused
		whole bool
	}{
		{"nothing", nil, len(corpus.Pairs()), true},
		{"strict", fields("-strict"), len(corpus.Pairs()), true},
		{"some pairs", []string{"-pairs", "hugo, rclone"}, 2, false},
		{"quick", fields("-quick"), len(corpus.Pairs()), false},
		{"reused", fields("-reuse-peers"), len(corpus.Pairs()), false},
		{"another codec", fields("-codec bsdiff"), len(corpus.Pairs()), false},
		{"unknown pair", fields("-pairs none"), 0, false},
		{"unknown flag", fields("-none"), 0, false},
		{"no rounds", fields("-rounds 0"), 0, false},
		{"a word too many", fields("hugo"), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, err := parse(c.args, io.Discard)
			if (err != nil) != (c.pairs == 0) {
				t.Fatal(err)
			}
			if err == nil && (len(o.pairs) != c.pairs || o.whole() != c.whole) {
				t.Errorf("%d pairs, whole %v", len(o.pairs), o.whole())
			}
		})
	}
}

func TestPartialRunLeavesTheResultAlone(t *testing.T) {
	folder := t.TempDir()
	for _, whole := range []bool{true, false} {
		if err := write(folder, Report{Whole: whole, Made: "now"}); err != nil {
			t.Fatal(err)
		}
	}
	for name, whole := range map[string]bool{"delta.json": true, "delta-partial.json": false} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		var r Report
		if err := json.Unmarshal(text, &r); err != nil || r.Whole != whole {
			t.Errorf("%s holds %+v, %v", name, r, err)
		}
	}
}
