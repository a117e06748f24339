package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/install"
)

// report is what the driver wants to know of an install, as the install itself sees it.
type report struct {
	Recovered install.Recovered `json:"recovered"`
	Entries   int               `json:"entries"`
	Text      string            `json:"text"` // what is wrong with it, or nothing
}

// command does one thing with the install, for the driver.
func (p *program) command(name string) error {
	inst, err := install.Open(p.options())
	if err != nil {
		return err
	}
	defer inst.Close()
	switch name {
	case "--examine":
		return p.examine(inst)
	case "--go-back":
		return p.goBack(inst)
	}
	return fmt.Errorf("there is no %s", name)
}

// examine recovers, and tells what it found.
func (p *program) examine(inst *install.Install) error {
	var r report
	var err error
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

// goBack puts the kept version in place, as the user's wish, and confirms it.
func (p *program) goBack(inst *install.Install) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if _, err := inst.Recover(); err != nil {
		return err
	}
	if _, err := inst.GoBack(); err != nil {
		return err
	}
	if _, err := inst.Trial(ctx, 10*time.Second); err != nil {
		return err
	}
	if err := inst.Swap(ctx); err != nil {
		return err
	}
	return inst.Confirm()
}
