//go:build !bindings

package app

import (
	"encoding/json"
	"log/slog"
	"os"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/updater"
)

// statusName is the file in the Updates folder that tells scripts and support what the engine is doing. Nothing in the app reads it.
const statusName = "status.json"

// statusFile writes the engine's state beside its journal. Progress alone is not written: ten times a second is for the page.
type statusFile struct {
	folder *sandbox.Folder
	log    *slog.Logger
	last   []byte
}

// write is called in order, never concurrently.
func (f *statusFile) write(status updater.Status, engine *updater.Engine) {
	status.Progress = nil
	now, err := json.Marshal(status)
	if err != nil || string(now) == string(f.last) {
		return
	}
	f.last = now
	history, err := engine.History()
	if err != nil {
		f.log.Warn("cannot read the history of updates", "why", err)
	}
	document, err := json.MarshalIndent(struct {
		updater.Status
		PID     int              `json:"pid"`
		History []updater.Record `json:"history"`
	}{status, os.Getpid(), history}, "", "  ")
	if err == nil {
		err = f.folder.WriteFile(statusName, append(document, '\n'))
	}
	if err != nil {
		f.log.Warn("cannot write the state of updates for others to read", "why", err)
	}
}
