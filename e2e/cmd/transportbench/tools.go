//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Tool is something that downloads.
type Tool struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Command []string `json:"command"` // of the last run

	args func(output string) []string
}

// Ours is measured twice: as the app downloads, and without a look at what arrives, as the others do.
const (
	ours     = "ours"
	unproven = "ours, unproven"
)

// tools are all that is compared.
func (b *bench) tools(ctx context.Context) []*Tool {
	return []*Tool{
		{Name: ours, Version: "package updater/fetch, defaults", args: func(o string) []string { return b.proven(o) }},
		{Name: unproven, Version: "the same", args: func(o string) []string { return b.get(o) }},
		{Name: "curl", Version: firstLine(ctx, "curl", "--version"), args: func(o string) []string { return []string{"curl", "-sS", "-f", "-o", o, serverURL()} }},
		{Name: "aria2c", Version: firstLine(ctx, "aria2c", "--version"), args: func(o string) []string {
			return []string{"aria2c", "--quiet", "--no-conf", "--max-connection-per-server=16", "--split=16", "--min-split-size=1M", "--file-allocation=none",
				"--allow-overwrite=true", "--dir=" + filepath.Dir(o), "--out=" + filepath.Base(o), serverURL()}
		}},
		{Name: "plain GET", Version: "Go net/http", args: func(o string) []string { return []string{b.self, "plain", serverURL(), o} }},
	}
}

// get is ours, with more flags.
func (b *bench) get(output string, more ...string) []string {
	return append(append([]string{b.binary, "-length", strconv.FormatInt(b.size, 10), "-o", output + ".unverified"}, more...), serverURL())
}

// proven makes ours check each segment as it arrives, as the app does.
func (b *bench) proven(output string, more ...string) []string {
	return b.get(output, append(more, "-segments", b.segments)...)
}

func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return "not installed"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// Run is one download.
type Run struct {
	Seconds float64 `json:"seconds"`
	Goodput float64 `json:"goodput"` // bytes per second
	Cut     bool    `json:"cut"`     // it took too long: the goodput is that of what it had
	CPU     float64 `json:"cpu_s"`
}

// measure lets a tool download the file and checks it.
func (b *bench) measure(ctx context.Context, l *link, args func(output string) []string) (Run, error) {
	folder, err := os.MkdirTemp(b.folder, "run")
	if err != nil {
		return Run{}, err
	}
	defer os.RemoveAll(folder)
	limited, cancel := context.WithTimeout(ctx, b.cut)
	defer cancel()
	cmd := command(limited, l.client, args(filepath.Join(folder, "file"))...)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err = cmd.Run()
	r := Run{Seconds: time.Since(began).Seconds()}
	if ctx.Err() != nil {
		return r, context.Cause(ctx)
	}
	if cmd.ProcessState != nil {
		r.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	}
	if r.Cut = limited.Err() != nil; r.Cut {
		r.Goodput = float64(written(folder)) / r.Seconds
		return r, nil
	}
	if err != nil {
		return r, fmt.Errorf("%s: %w: %s", cmd.Args[4], err, said.String())
	}
	r.Goodput = float64(b.size) / r.Seconds
	return r, b.check(folder)
}

// written is how much of a download is there, holes left out.
func written(folder string) (bytes int64) {
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, f := range files {
		var s syscall.Stat_t
		if syscall.Stat(f, &s) == nil {
			bytes += s.Blocks * 512
		}
	}
	return bytes
}

// check compares what came with what was served.
func (b *bench) check(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "file*"))
	if err != nil || len(files) != 1 {
		return errors.Join(err, fmt.Errorf("%d files are there after the download", len(files)))
	}
	sum, err := sha256Of(files[0])
	if err == nil && sum != b.sum {
		err = errors.New("what came is not what was served")
	}
	return err
}
