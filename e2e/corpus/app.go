//go:build linux

package corpus

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tesseract-desktop/tesseract/e2e/release"
)

// An app is this app, from the sources around it.
type app struct {
	version  string
	changes  string // what the edits do, for the recipe
	edits    []release.Edit
	requires []string // modules at other versions, as path@version
	replaces []string // the same where other modules ask for newer ones
	windowed bool     // without a console, as Windows asks
}

func (a app) onWindows() app {
	a.windowed = true
	return a
}

const versionVariable = "github.com/tesseract-desktop/tesseract/app.Version"

// moreAbility is a release as users get it: one method more for the page to call, and another page.
var moreAbility = []release.Edit{
	{File: "app/documents_count.go", New: `package app

import "strings"

// Counted is how long a document is.
type Counted struct {
	Words int ` + "`json:\"words\"`" + `
	Lines int ` + "`json:\"lines\"`" + `
}

// Count returns how long a document is.
func (d *Documents) Count(path string) (Counted, error) {
	document, err := d.workspace.Read(path)
	if err != nil {
		return Counted{}, pageError(err)
	}
	return Counted{Words: len(strings.Fields(document.Text)), Lines: strings.Count(document.Text, "\n")}, nil
}
`},
	{File: "frontend/src/i18n/en.json", Old: "and your work as it was.", New: "and your work as it was. New in this version: documents are counted."},
	{File: "frontend/src/i18n/zh-Hans.json", Old: "工作内容原样不变。", New: "工作内容原样不变。本版新增：文档字数统计。"},
}

// oneLine is the least that a release changes. The linker orders strings by length, so a short one
// that grows moves many others.
var oneLine = []release.Edit{
	{File: "app/main.go", Old: "no state has been recorded yet", New: "no state of the window has been recorded yet"},
}

func (a app) String() string {
	parts := []string{"this app " + a.version}
	if a.changes != "" {
		parts = append(parts, a.changes)
	}
	return strings.Join(slices.Concat(parts, a.requires, a.replaces), ", ")
}

func (a app) flags() []string {
	ldflags := "-s -w -X " + versionVariable + "=" + a.version
	if a.windowed {
		ldflags += " -H windowsgui"
	}
	return []string{"-ldflags", ldflags}
}

// sourceNames are the files and folders that go into the app, made those that the build makes.
var (
	sourceNames = []string{"go.mod", "go.sum", "main.go", "wails.json", "app", "updater", "internal", "frontend"}
	made        = []string{"frontend/node_modules", "frontend/dist"}
)

func (a app) lay(ctx context.Context, b *Builder, dir string) error {
	sources, err := b.appSources()
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(sources)); err != nil {
		return err
	}
	for _, e := range a.edits {
		if err := edit(dir, e); err != nil {
			return err
		}
	}
	for _, r := range a.requires {
		if _, err := run(ctx, dir, nil, "go", "mod", "edit", "-require="+r); err != nil {
			return err
		}
	}
	for _, r := range a.replaces {
		path, _, _ := strings.Cut(r, "@")
		if _, err := run(ctx, dir, nil, "go", "mod", "edit", "-replace="+path+"="+r); err != nil {
			return err
		}
	}
	modules := filepath.Join("frontend", "node_modules")
	if err := os.Symlink(filepath.Join(b.root, modules), filepath.Join(dir, modules)); err != nil {
		return err
	}
	_, err = run(ctx, b.root, nil, filepath.Join(b.root, "build", "scripts", "frontend.sh"), dir)
	return err
}

// appSources is a copy that all versions are made from: somebody may be at work on the sources, and
// what they change in between is no part of a pair.
func (b *Builder) appSources() (string, error) {
	if b.sources != "" {
		return b.sources, nil
	}
	dir, err := os.MkdirTemp(b.work, "sources-")
	if err != nil {
		return "", err
	}
	for _, name := range sourceNames {
		if err := copySources(dir, b.root, name); err != nil {
			return "", err
		}
	}
	b.sources = dir
	return dir, nil
}

func copySources(to, from, name string) error {
	return filepath.WalkDir(filepath.Join(from, name), func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		switch {
		case slices.Contains(made, filepath.ToSlash(rel)):
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		}
		return release.CopyFile(filepath.Join(to, rel), p)
	})
}

// edit changes the one place that the edit names, or makes the file.
func edit(dir string, e release.Edit) error {
	path := filepath.Join(dir, filepath.FromSlash(e.File))
	if e.Old == "" {
		return os.WriteFile(path, []byte(e.New), 0o644)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), e.Old); n != 1 {
		return fmt.Errorf("%s holds %q %d times, and it must be there once: adapt the pair to the sources", e.File, e.Old, n)
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), e.Old, e.New, 1)), 0o644)
}
