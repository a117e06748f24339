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

// The bad releases. Each passes its trial.
var (
	// Dying ends as soon as another version has started it.
	Dying = bad("dying", release.Edit{File: "bad.go", New: `package main

import "os"

var _ = func() bool {
	if os.Getenv("HANDOVER_SOCKET") != "" {
		os.Exit(3)
	}
	return true
}()
`})
	// Silent never gets as far as a window.
	Silent = bad("silent", release.Edit{File: "bad.go", New: `package main

import (
	"os"
	"time"
)

var _ = func() bool {
	if os.Getenv("HANDOVER_SOCKET") != "" {
		time.Sleep(time.Hour)
	}
	return true
}()
`})
	// Forgetful restores nothing.
	Forgetful = bad("forgetful", release.Edit{
		File: "frontend/src/snapshot/restore.ts", Old: "      state = step.apply(state)\n", New: "      throw new Error(`nothing comes back: ${typeof step}`)\n",
	})
	// Frozen works for half a minute and stands still.
	Frozen = inCharge("frozen", "SIGSTOP")
	// Spinning takes over, and its page is busy for ever.
	Spinning = bad("spinning", release.Edit{File: "frontend/src/main.ts", New: `
declare const runtime: { EventsOn(event: string, then: () => void): void }
runtime.EventsOn('session:took-over', () => {
  for (;;);
})
`})
	// Doomed works for half a minute and dies.
	Doomed = inCharge("doomed", "SIGKILL")
	// Fickle dies at every second start.
	Fickle = bad("fickle", release.Edit{File: "bad.go", New: `package main

import (
	"os"
	"path/filepath"
)

var _ = func() bool {
	if len(os.Args) > 1 {
		return true
	}
	marks := filepath.Join(os.Getenv("XDG_STATE_HOME"), "starts")
	starts, _ := os.ReadFile(marks)
	if os.WriteFile(marks, append(starts, '.'), 0o600) != nil || len(starts)%2 == 1 {
		os.Exit(3)
	}
	return true
}()
`})
)

// bad is an update with something in it that no trial finds.
func bad(name string, edits ...release.Edit) release.Variant {
	return release.Variant{Name: "1.1.0-" + name, Version: "1.1.0", Edits: append(append([]release.Edit{}, newer...), edits...)}
}

// inCharge is a bad release that sends itself a signal half a minute after it has taken over.
func inCharge(name, signal string) release.Variant {
	const place = "	s.session.tookOver()\n	s.answerCall()\n	return nil\n"
	return bad(name,
		release.Edit{File: "app/shell.go", Old: place, New: "	goBad()\n" + place},
		release.Edit{File: "app/bad.go", New: `package app

import (
	"os"
	"syscall"
	"time"
)

func goBad() { time.AfterFunc(30*time.Second, func() { syscall.Kill(os.Getpid(), syscall.` + signal + `) }) }
`})
}
