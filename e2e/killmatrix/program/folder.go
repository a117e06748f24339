package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

const (
	// inFolder is where the executable lies in a program that is a folder.
	inFolder = "bin/program"
	// succeeds is set for the process that is to confirm the version it is.
	succeeds = "PROGRAM_SUCCEEDS"
)

// offer is a release for one version, in PROGRAM_OFFERS/VERSION.json, with its patch beside it in VERSION.patch.
type offer struct {
	Version string         `json:"version"`
	Length  int64          `json:"new_bytes"`
	SHA256  release.Digest `json:"new_sha256"`
}

// folder is a program that is a folder, in one process.
type folder struct {
	*program
	inst  *install.Install
	entry install.Entry
}

// keepFolderCurrent is the life of a program that is a folder.
func (p *program) keepFolderCurrent(wish string) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	inst, err := install.Open(p.options())
	if err != nil {
		return err
	}
	defer inst.Close()
	f := &folder{program: p, inst: inst}
	if os.Getenv(succeeds) != "" {
		return f.succeed()
	}
	boot, err := inst.Boot(p.version)
	switch {
	case err != nil:
		p.log().Error("this start is not counted", "why", err)
	case boot.RolledBack:
		return execute(boot.Program)
	}
	if p.behaviour != good {
		return errBad
	}
	if err := p.capture(ctx); err != nil {
		return err
	}
	recovered, err := inst.Recover()
	switch {
	case err != nil:
		return err
	case recovered.Probation:
		return f.confirm()
	case wish == goBack:
		return f.goBack(ctx)
	}
	return f.update(ctx)
}

// succeed is a process that the version before has started, to see whether this one is any good.
func (f *folder) succeed() error {
	if f.behaviour == dies {
		return errBad
	}
	if err := f.restore(); err != nil {
		return err
	}
	f.entry = install.Entry{To: f.version}
	return errors.Join(f.enter("probation"), f.confirm())
}

func (f *folder) confirm() error {
	f.entry.To = f.version
	return errors.Join(f.inst.Confirm(), f.enter("confirmed"))
}

func (f *folder) enter(state string) error {
	f.entry.State, f.entry.At = state, time.Now()
	return f.inst.Record(f.entry)
}

// update takes the release that is offered to this version, if there is one that has not failed before.
func (f *folder) update(ctx context.Context) error {
	b, err := os.ReadFile(filepath.Join(f.offers, f.version+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var o offer
	if err := errors.Join(err, json.Unmarshal(b, &o)); err != nil {
		return err
	}
	f.entry = install.Entry{From: f.version, To: o.Version, SHA256: o.SHA256.String()}
	entries, err := f.inst.History()
	failed := func(e install.Entry) bool { return e.SHA256 == f.entry.SHA256 && e.State == "rolled-back" }
	if err != nil || slices.ContainsFunc(entries, failed) {
		return err
	}
	if err := f.enter("downloading"); err != nil {
		return err
	}
	if err := f.stage(ctx, o); err != nil {
		return err
	}
	return f.deploy(ctx)
}

// stage is the download, which is a copy, and the making of the new folder.
func (f *folder) stage(ctx context.Context, o offer) error {
	from := filepath.Join(f.offers, f.version+".patch")
	sum, length, err := copyFile(from, f.inst.Download(f.entry.SHA256))
	if err != nil {
		return err
	}
	patch, err := f.inst.Accept(f.entry.SHA256, release.Blob{Path: from, Length: length, SHA256: sum})
	if err != nil {
		return err
	}
	return f.inst.Patch(ctx, nil, patch, install.Artifact{Length: o.Length, SHA256: o.SHA256})
}

func (f *folder) goBack(ctx context.Context) error {
	staged, err := f.inst.GoBack()
	if err != nil {
		return err
	}
	f.entry = install.Entry{From: f.version, SHA256: staged.SHA256.String()}
	return f.deploy(ctx)
}

// deploy puts what is staged in place, starts it, and takes it back when it is no good.
func (f *folder) deploy(ctx context.Context) error {
	if err := f.enter("staged"); err != nil {
		return err
	}
	if _, err := f.inst.Trial(ctx, limit); err != nil {
		return err
	}
	if err := f.enter("swapping"); err != nil {
		return err
	}
	if err := f.inst.Swap(ctx); err != nil {
		return err
	}
	err := f.enter("handing-over")
	if err == nil {
		cmd := exec.CommandContext(ctx, f.inst.Program())
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		cmd.Env = append(os.Environ(), succeeds+"=yes")
		err = cmd.Run()
	}
	if err != nil {
		return errors.Join(err, f.inst.RollBack(), f.enter("rolled-back"))
	}
	return nil
}

func copyFile(from, to string) (sum release.Digest, length int64, err error) {
	b, err := os.ReadFile(from)
	if err != nil {
		return sum, 0, err
	}
	return sha256.Sum256(b), int64(len(b)), os.WriteFile(to, b, 0o600)
}
