//go:build linux

package scenario

import "github.com/tesseract-desktop/tesseract/e2e/release"

// Old is the version that the person works in: the sources as they are.
var Old = release.Variant{Name: "1.0.0", Version: "1.0.0"}

// newer is what a release changes: Go code that every start runs through, a file of Go that is new,
// and a sentence in Settings, About.
var newer = []release.Edit{
	{File: "app/run.go", Old: "	s.ctx.Store(&ctx)\n", New: "	s.ctx.Store(&ctx)\n	s.log.Info(\"started\", \"version\", Version, \"new\", whatIsNew())\n"},
	{File: "app/whatisnew.go", New: `package app

// whatIsNew says what this version brings.
func whatIsNew() []string {
	return []string{"the log says which version started", "About says what is new"}
}
`},
	{File: "frontend/src/i18n/en.json", Old: "and your work as it was.", New: "and your work as it was. New in this version: this sentence."},
	{File: "frontend/src/i18n/zh-Hans.json", Old: "工作内容原样不变。", New: "工作内容原样不变。本版新增：这句话。"},
}

// Update is the next version, Later the one after it.
var (
	Update = release.Variant{Name: "1.1.0", Version: "1.1.0", Edits: newer}
	Later  = release.Variant{Name: "1.2.0", Version: "1.2.0", Edits: newer}
)

// Dying is an update that passes its trial and dies as soon as it is to take over.
var Dying = release.Variant{Name: "1.1.0-dying", Version: "1.1.0", Edits: append(append([]release.Edit{}, newer...), release.Edit{
	File: "dying.go",
	New: `package main

import "os"

var _ = func() bool {
	if os.Getenv("HANDOVER_SOCKET") != "" {
		os.Exit(3)
	}
	return true
}()
`,
})}
