//go:build linux

package corpus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tesseract-desktop/tesseract/e2e/release"
)

func root(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestPairsHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range Pairs() {
		if seen[p.Name] {
			t.Errorf("two pairs are named %s", p.Name)
		}
		seen[p.Name] = true
		if found, ok := Named(p.Name); !ok || found.About != p.About {
			t.Errorf("Named(%q) found %+v", p.Name, found)
		}
	}
	if _, ok := Named("none"); ok {
		t.Error("a pair was found that is not there")
	}
}

// The edits name places in sources that others change: better to hear of it here than after
// minutes of building.
func TestEditsFitTheSources(t *testing.T) {
	for _, p := range Pairs() {
		for _, s := range []source{p.old, p.new} {
			a, ok := s.(app)
			if !ok {
				continue
			}
			dir := t.TempDir()
			for _, e := range a.edits {
				if e.Old != "" {
					if err := copySources(dir, root(t), e.File); err != nil {
						t.Fatal(err)
					}
				} else if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, e.File)), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := edit(dir, e); err != nil {
					t.Errorf("pair %s: %v", p.Name, err)
				}
			}
		}
	}
}

func TestEditChangesOnePlace(t *testing.T) {
	for _, c := range []struct{ name, text, old, want, fault string }{
		{"once", "one two", "two", "one 2", ""},
		{"missing", "one", "two", "one", "0 times"},
		{"twice", "two two", "two", "two two", "2 times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "file")
			if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			err := edit(dir, release.Edit{File: "file", Old: c.old, New: "2"})
			if (err != nil) != (c.fault != "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("error %v, want %q", err, c.fault)
			}
			if got, _ := os.ReadFile(file); string(got) != c.want {
				t.Errorf("the file holds %q, want %q", got, c.want)
			}
		})
	}
}

func TestFinishedPairIsKept(t *testing.T) {
	b := &Builder{root: root(t), work: t.TempDir(), kept: t.TempDir(), Log: func(string, ...any) { t.Error("it builds") }}
	p, _ := Named("go126")
	recipe, err := b.recipe(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(b.kept, p.Name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "recipe.txt"), []byte(recipe), 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := b.Build(t.Context(), p)
	if err != nil || files.Old != filepath.Join(dir, "old") {
		t.Errorf("Build returned %+v, %v", files, err)
	}
}

func TestRecipeNamesWhatDecides(t *testing.T) {
	b := &Builder{root: root(t)}
	for name, words := range map[string][]string{
		"hugo":     {"github.com/gohugoio/hugo@v0.147.8", "github.com/gohugoio/hugo@v0.147.9", "-s -w", "CGO_ENABLED=0", "toolchain: go1."},
		"app-elf":  {"app.Version=1.0.0", "app.Version=1.1.0", "webkit2_41", "CGO_ENABLED=1"},
		"app-pe":   {"GOOS=windows", "-H windowsgui", "CGO_ENABLED=0"},
		"xmod-elf": yearOld,
	} {
		p, _ := Named(name)
		recipe, err := b.recipe(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range words {
			if !strings.Contains(recipe, word) {
				t.Errorf("the recipe of %s lacks %q:\n%s", name, word, recipe)
			}
		}
	}
}
