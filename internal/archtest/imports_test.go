package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tesseract-desktop/tesseract"

// moduleRoot is the folder of go.mod, seen from this package.
const moduleRoot = "../.."

// An edge says that a file imports a package. Both are relative to the module where they are ours.
type edge struct {
	pkg, file, imports string
	test               bool
}

func (e edge) ours() bool { return e.imports == "." || !strings.Contains(firstOf(e.imports), ".") }

// edges reads the imports of every Go file of the module, whatever its system or build tag, but
// for what the standard library offers.
func edges(t *testing.T) (all []edge, packages map[string]bool) {
	t.Helper()
	packages = map[string]bool{}
	err := walkSources(moduleRoot, ".go", func(name string) error {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(moduleRoot, name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := path.Dir(name)
		packages[pkg] = true
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			switch {
			case imported == module:
				imported = "."
			case strings.HasPrefix(imported, module+"/"):
				imported = strings.TrimPrefix(imported, module+"/")
			case !strings.Contains(firstOf(imported), "."):
				continue // the standard library, and "C"
			}
			all = append(all, edge{pkg, name, imported, strings.HasSuffix(name, "_test.go")})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, packages
}

// walkSources calls fn for every file of the tree with that suffix, leaving out what is built,
// installed or test data.
func walkSources(root, suffix string, fn func(slashed string) error) error {
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			base := d.Name()
			if rel != "." && (strings.HasPrefix(base, ".") || slices.Contains([]string{"node_modules", "testdata", "dist", "vendor"}, base)) || rel == "build/cache" {
				return fs.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(rel, suffix) {
			return fn(rel)
		}
		return nil
	})
}

func TestEveryPackageKeepsToItsRoom(t *testing.T) {
	all, packages := edges(t)
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		if _, ok := roomOf(pkg); !ok {
			t.Errorf("package %s has no room: add a row to rooms in rules_test.go that says what it may import and why", pkg)
		}
	}
	for _, e := range all {
		r, ok := roomOf(e.pkg)
		if !ok || e.imports == e.pkg || matchesAny(r.allow, e.imports) {
			continue
		}
		if e.test && (matchesAny(anyTest, e.imports) || matchesAny(r.tests, e.imports)) {
			continue
		}
		t.Errorf("%s imports %s, which room %s may not: %s", e.file, e.imports, r.pattern, r.why)
	}
}

func TestEveryRoomExists(t *testing.T) {
	_, packages := edges(t)
	for _, r := range rooms {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(packages)), func(p string) bool { return matches(r.pattern, p) }) {
			t.Errorf("rooms in rules_test.go has a row for %s, but there is no such package: remove the row", r.pattern)
		}
		if r.why == "" {
			t.Errorf("the row for %s gives no reason", r.pattern)
		}
	}
}

func TestDependenciesStayWithTheirHost(t *testing.T) {
	all, _ := edges(t)
	for _, g := range guests {
		for _, e := range all {
			if matches(g.module, e.imports) && !matchesAny(g.hosts, e.pkg) {
				t.Errorf("%s imports %s, which belongs to %s alone: %s", e.file, e.imports, strings.Join(g.hosts, ", "), g.why)
			}
		}
	}
}

// Nothing may reach across a wall, not even through rooms that each may import the next.
func TestWallsHoldTransitively(t *testing.T) {
	all, packages := edges(t)
	next := map[string][]string{}
	for _, e := range all {
		if e.ours() && !e.test {
			next[e.pkg] = append(next[e.pkg], e.imports)
		}
	}
	for _, w := range walls {
		for from := range packages {
			if !matches(w.from, from) {
				continue
			}
			if way := wayAcross(next, from, w); way != nil {
				t.Errorf("%s reaches %s: %s", strings.Join(way, " -> "), w.to, w.why)
			}
		}
	}
}

// wayAcross returns the shortest chain of imports from a package to the far side of the wall.
func wayAcross(next map[string][]string, from string, w wall) []string {
	queue, seen := [][]string{{from}}, map[string]bool{from: true}
	for len(queue) > 0 {
		way := queue[0]
		queue = queue[1:]
		for _, n := range next[way[len(way)-1]] {
			step := append(slices.Clone(way), n)
			if matches(w.to, n) && !matchesAny(w.except, n) {
				return step
			}
			if !seen[n] {
				seen[n] = true
				queue = append(queue, step)
			}
		}
	}
	return nil
}

// The checks themselves are checked: a rule that can not fail protects nothing.
func TestPatternsAndWalls(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"app", "app", true}, {"app", "app/window", false}, {"app/...", "app", true}, {"app/...", "app/window", true},
		{"app/...", "apparatus", false}, {"x", "golang.org/x/sync/errgroup", true}, {"x", "golang.org/xerrors", false},
		{wails, "github.com/wailsapp/wails/v2/pkg/options", true}, {wails, "github.com/wailsapp/wails/v3", false},
	} {
		if got := matches(c.pattern, c.name); got != c.want {
			t.Errorf("matches(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
	next := map[string][]string{"vcm": {"vcm/api"}, "vcm/api": {"updater/release", "updater/feed"}}
	w := wall{from: "vcm/...", to: "updater/...", except: []string{"updater/release"}}
	if got, want := fmt.Sprint(wayAcross(next, "vcm", w)), "[vcm vcm/api updater/feed]"; got != want {
		t.Errorf("way across the wall: %s, want %s", got, want)
	}
	if r, _ := roomOf("vcm/api"); r.pattern != "vcm/..." {
		t.Errorf("vcm/api is in room %s, want vcm/...", r.pattern)
	}
	if r, _ := roomOf("vcm"); r.pattern != "vcm" {
		t.Errorf("vcm is in room %s, want vcm", r.pattern)
	}
	mod, err := os.ReadFile(filepath.Join(moduleRoot, "go.mod"))
	if err != nil || !strings.HasPrefix(string(mod), "module "+module+"\n") {
		t.Errorf("the module is not %s: %v", module, err)
	}
}

// roomOf returns the row that names the package most exactly.
func roomOf(pkg string) (best room, found bool) {
	for _, r := range rooms {
		if !matches(r.pattern, pkg) {
			continue
		}
		exact, bestExact := !strings.HasSuffix(r.pattern, "..."), !strings.HasSuffix(best.pattern, "...")
		if !found || exact && !bestExact || exact == bestExact && len(r.pattern) > len(best.pattern) {
			best, found = r, true
		}
	}
	return best, found
}

func matches(pattern, name string) bool {
	if pattern == "x" {
		return strings.HasPrefix(name, "golang.org/x/")
	}
	if below, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == below || strings.HasPrefix(name, below+"/")
	}
	return name == pattern
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

func firstOf(importPath string) string {
	first, _, _ := strings.Cut(importPath, "/")
	return first
}
