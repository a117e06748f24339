//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
)

// A Tool makes and applies patches. In its command lines OLD, NEW, PATCH and OUT stand for files,
// and OLDSIZE for a number of bytes.
type Tool struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Diff    []string `json:"diff,omitempty"` // none: it applies the patches of vcm
	Apply   []string `json:"apply"`

	answers bool // its output is JSON
}

const (
	ours      = "vcm"
	library   = "updater/delta" // the package alone, applying what vcm made
	yardstick = "bsdiff"        // the tool that goals are measured by
)

func fields(line string) []string { return strings.Fields(line) }

var peers = []Tool{
	{Name: yardstick, Diff: fields("bsdiff OLD NEW PATCH"), Apply: fields("bspatch OLD OUT PATCH")},
	{Name: "xdelta3", Diff: fields("xdelta3 -e -f -9 -S lzma -B OLDSIZE -s OLD NEW PATCH"), Apply: fields("xdelta3 -d -f -s OLD PATCH OUT")},
	{Name: "zstd", Diff: fields("zstd -q -f --ultra -22 --long=31 --patch-from=OLD NEW -o PATCH"), Apply: fields("zstd -q -f -d --long=31 --patch-from=OLD PATCH -o OUT")},
}

// tools returns what is measured: the peers, and ours as the last, once as the command and once as
// the package in a process of its own, which is what bspatch is to bsdiff.
func tools(ctx context.Context, o options) []Tool {
	chosen := slices.Clone(peers)
	if o.quick {
		chosen = chosen[:1]
	}
	for i := range chosen {
		chosen[i].Version = debianVersion(ctx, chosen[i].Name)
	}
	version := firstLine(ctx, o.vcm, "--version")
	return append(chosen, Tool{
		Name:    ours,
		Version: version,
		Diff:    []string{o.vcm, "diff", "OLD", "NEW", "-o", "PATCH", "--codec", o.codec, "--json"},
		Apply:   []string{o.vcm, "patch", "OLD", "PATCH", "-o", "OUT", "--json"},
		answers: true,
	}, Tool{
		Name:    library,
		Version: version,
		Apply:   []string{o.patcher, "OLD", "PATCH", "OUT"},
		answers: true,
	})
}

// debianVersion is the version of the package of that name. bsdiff can not say its own.
func debianVersion(ctx context.Context, name string) string {
	return firstLine(ctx, "dpkg-query", "-W", "-f", "${Version}\n", name)
}

// firstLine is what a command says of itself, "unknown" when it says nothing.
func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "unknown"
	}
	return line
}

// fill puts files into a command line.
func fill(line []string, files map[string]string) []string {
	filled := make([]string, len(line))
	for i, word := range line {
		flag, value, joined := strings.Cut(word, "=")
		switch {
		case files[word] != "":
			filled[i] = files[word]
		case joined && files[value] != "":
			filled[i] = flag + "=" + files[value]
		default:
			filled[i] = word
		}
	}
	return filled
}

// hashesIn lists the hashes that an answer in JSON names, such as new_sha256.
func hashesIn(answer []byte) (names []string) {
	var members map[string]any
	if json.Unmarshal(answer, &members) != nil {
		return nil
	}
	for name, value := range members {
		if text, ok := value.(string); ok && strings.HasSuffix(name, "_sha256") && len(text) == 64 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
