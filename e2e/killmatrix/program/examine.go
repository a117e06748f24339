package main

import (
	"encoding/json"
	"os"

	"github.com/tesseract-desktop/tesseract/updater/install"
)

// report is what the driver wants to know of an install, as the install itself sees it.
type report struct {
	Recovered install.Recovered `json:"recovered"`
	Entries   int               `json:"entries"`
	Text      string            `json:"text"` // what is wrong with it, or nothing
}

// examine recovers, and tells what it found.
func (p *program) examine() error {
	inst, err := install.Open(p.options())
	if err != nil {
		return err
	}
	defer inst.Close()
	var r report
	if r.Recovered, err = inst.Recover(); err != nil {
		return err
	}
	entries, err := inst.History()
	if err != nil {
		return err
	}
	r.Entries = len(entries)
	if err := p.restore(); err != nil {
		r.Text = err.Error()
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}
