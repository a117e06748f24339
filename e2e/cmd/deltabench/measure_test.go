//go:build linux

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSame(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct{ name, a, b, fault string }{
		{"equal", long, long, ""},
		{"both empty", "", "", ""},
		{"one shorter", long[:len(long)-1], long, "at byte 199999"},
		{"one longer", long + "x", long, "at byte 200000"},
		{"another byte", long[:100_000] + "x" + long[100_001:], long, "at byte 100000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := same(file(t, c.a), file(t, c.b))
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%v, want %q", err, c.fault)
			}
		})
	}
}

func TestSpend(t *testing.T) {
	cost, out, err := spend(t.Context(), []string{"sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done"})
	if err != nil || string(out) != "done\n" {
		t.Fatalf("%q, %v", out, err)
	}
	if cost.CPU <= 0 || cost.Wall <= 0 || cost.Peak < 100<<10 {
		t.Errorf("a shell that counted took %+v", cost)
	}
	_, _, err = spend(t.Context(), []string{"sh", "-c", "echo why it failed >&2; exit 3"})
	if err == nil || !strings.Contains(err.Error(), "why it failed") {
		t.Errorf("a command that fails: %v", err)
	}
}

func TestBetterTakesLeastTimeAndMostMemory(t *testing.T) {
	total := Cost{}
	for _, c := range []Cost{{CPU: 3, Wall: 4, Peak: 10}, {CPU: 2, Wall: 5, Peak: 20}, {CPU: 4, Wall: 6, Peak: 15}} {
		total = better(total, c)
	}
	if want := (Cost{CPU: 2, Wall: 4, Peak: 20}); total != want {
		t.Errorf("%+v, want %+v", total, want)
	}
}

func TestFill(t *testing.T) {
	got := fill(fields("tool -B OLDSIZE --patch-from=OLD --long=31 NEW"), map[string]string{"OLD": "/a", "NEW": "/b", "OLDSIZE": "7"})
	if want := fields("tool -B 7 --patch-from=/a --long=31 /b"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHashesIn(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	for answer, want := range map[string][]string{
		`{"codec":"goexe","new_sha256":"` + hash + `","old_sha256":"` + hash + `","took_ms":3}`: {"new_sha256", "old_sha256"},
		`{"new_sha256":"","old_bytes":3}`: nil,
		`{"new_sha256":7}`:                nil,
		"no JSON":                         nil,
	} {
		if got := hashesIn([]byte(answer)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", answer, got, want)
		}
	}
}

func TestRecallOnlyWhatIsTheSame(t *testing.T) {
	patch := file(t, "12345")
	pair := Pair{Old: File{1, "a"}, New: File{2, "b"}}
	tool := Tool{Name: "bsdiff", Version: "4.3", Diff: fields("bsdiff OLD NEW PATCH")}
	if _, ok := recall(patch, pair, tool); ok {
		t.Error("something is remembered before anything was")
	}
	if err := remember(patch, pair, tool, Result{Tool: "bsdiff", Patch: 5, Diff: Cost{CPU: 3}}); err != nil {
		t.Fatal(err)
	}
	if r, ok := recall(patch, pair, tool); !ok || r.Diff.CPU != 3 || !r.Reused {
		t.Errorf("recalled %+v, %v", r, ok)
	}
	for name, change := range map[string]func(*Pair, *Tool){
		"new file": func(p *Pair, _ *Tool) { p.New.SHA256 = "c" },
		"old file": func(p *Pair, _ *Tool) { p.Old.SHA256 = "c" },
		"version":  func(_ *Pair, t *Tool) { t.Version = "4.4" },
		"flags":    func(_ *Pair, t *Tool) { t.Diff = fields("bsdiff -x OLD NEW PATCH") },
	} {
		p, k := pair, tool
		change(&p, &k)
		if _, ok := recall(patch, p, k); ok {
			t.Errorf("another %s, and it is recalled", name)
		}
	}
	if err := os.WriteFile(patch, []byte("1234"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, ok := recall(patch, pair, tool); ok {
		t.Error("the patch is another, and it is recalled")
	}
}
