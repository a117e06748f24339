//go:build linux

package main

import (
	"strings"
	"testing"
)

func TestPortion(t *testing.T) {
	for ratio, want := range map[float64]string{0.04: "1/25.0", 1 / 7.5: "1/7.5", 0.25: "1/4.0", 0.5: "0.50x", 0.8: "0.80x", 1: "1.00x", 1.3: "1.30x", 0: "0.00x"} {
		if got := portion(ratio); got != want {
			t.Errorf("%v reads %s, want %s", ratio, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d reads %s, want %s", n, got, want)
		}
	}
}

func TestShow(t *testing.T) {
	good := pairOf("hugo", 51_200_000,
		Result{Rebuilt: true, Patch: 50_000, Diff: Cost{CPU: 3.2, Peak: 500 << 20}, Apply: Cost{CPU: 0.3, Peak: 65 << 20}, Hashed: []string{"new_sha256", "old_sha256"}},
		Result{Patch: 1_250_000, Diff: Cost{CPU: 41.6, Peak: 442 << 20}, Apply: Cost{CPU: 0.6, Peak: 105 << 20}, Reused: true})
	bad := pairOf("app-pe", 12_000_000, Result{Failure: "unknown codec"}, Result{Patch: 80_000, Diff: Cost{CPU: 4, Peak: 90 << 20}, Apply: Cost{CPU: 0.1, Peak: 24 << 20}})
	r := Report{Tools: []Tool{{Name: yardstick, Version: "4.3-23", Diff: fields("bsdiff OLD NEW PATCH")}, {Name: ours, Version: "1.0.0", Diff: fields("vcm diff OLD NEW")}, {Name: library, Version: "1.0.0", Apply: fields("patcher OLD PATCH OUT")}}, Pairs: []Pair{good, bad}}
	r.Goals = judge(r.Pairs)
	var out strings.Builder
	show(&out, r)
	for _, want := range []string{
		"bsdiff        4.3-23: bsdiff OLD NEW PATCH",
		"the peers' figures are from an earlier run",
		"hugo  51.2  1,250,000  50,000        1/25.0      yes",
		"app-pe  12.0     80,000  failed             -       no",
		"0.60  105  0.60  130      0.30   65",
		"updater/delta 1.0.0: patcher OLD PATCH OUT",
		"includes new_sha256 and old_sha256",
		"Goals against bsdiff, 5 of 10 met",
		"patch size    hugo   1/25.0  1/25.0     met",
		"patch size  app-pe   1/40.0       -  MISSED",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables lack %q", want)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}
