package archtest

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The rooms of the user interface, with what none of their files may import.
var frontendRooms = []struct {
	pattern string
	never   []string
	why     string
}{
	{"model/...", []string{"svelte", "svelte/...", "wailsjs/...", "ui/...", "bridge/...", "snapshot/...", "console/..."},
		"pure state and transitions: they run, and are tested, without a page"},
	{"snapshot/...", []string{"svelte", "svelte/...", "wailsjs/...", "ui/...", "bridge/...", "console/..."},
		"other apps import it, whatever they draw with"},
	{"holds/...", []string{"svelte", "svelte/...", "wailsjs/...", "ui/...", "bridge/...", "console/..."},
		"other apps import it, whatever they draw with"},
	{"bridge/...", []string{"ui/...", "console/..."},
		"the bridge carries; it does not draw"},
	{"ui/...", []string{"wailsjs/...", "console/..."},
		"what draws must also run in a browser, so it knows the bridge's interface and not Wails"},
	{"console/...", []string{"wailsjs/...", "bridge/..."},
		"the console speaks HTTP with the server; it has no desktop behind it"},
}

var frontendImport = regexp.MustCompile(`(?m)(?:\bfrom\s*|\bimport\s*\(?\s*)['"]([^'"]+)['"]`)

func TestFrontendRooms(t *testing.T) {
	for _, suffix := range []string{".ts", ".svelte"} {
		err := walkSources(filepath.Join(moduleRoot, "frontend", "src"), suffix, func(name string) error {
			text, err := os.ReadFile(filepath.Join(moduleRoot, "frontend", "src", name))
			if err != nil {
				return err
			}
			for _, imported := range frontendImports(name, string(text)) {
				for _, r := range frontendRooms {
					if matches(r.pattern, name) && !strings.HasSuffix(name, ".test.ts") && matchesAny(r.never, imported) {
						t.Errorf("frontend/src/%s imports %s, which %s may not: %s", name, imported, r.pattern, r.why)
					}
				}
				if matches("wailsjs/...", imported) && !matches("bridge/...", name) {
					t.Errorf("frontend/src/%s imports wailsjs, which belongs to bridge alone: everything else must run in a browser too", name)
				}
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// frontendImports returns what a file imports: packages by name, files relative to frontend/src.
// The generated bindings are "wailsjs/..." wherever they lie.
func frontendImports(name, text string) (imports []string) {
	for _, m := range frontendImport.FindAllStringSubmatch(text, -1) {
		imported := m[1]
		if strings.HasPrefix(imported, ".") {
			imported = path.Join(path.Dir(name), imported)
		}
		if i := strings.Index(imported, "wailsjs/"); i >= 0 {
			imported = imported[i:]
		}
		imports = append(imports, imported)
	}
	return imports
}

func TestFrontendImportsAreSeen(t *testing.T) {
	got := strings.Join(frontendImports("ui/settings/a.svelte", `
import { x } from '../../model/tabs'
import type { Y } from "svelte"
import './a.css'
const z = await import('../../bridge/wailsjs/go/app/Updates')
export * from '../b'`), " ")
	if want := "model/tabs svelte ui/settings/a.css wailsjs/go/app/Updates ui/b"; got != want {
		t.Errorf("imports: %s\nwant:    %s", got, want)
	}
}
