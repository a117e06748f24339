//go:build linux

package main

import (
	"bufio"
	"os"
	"runtime"
	"strings"
)

// Report is what one run found; build/bench/delta.json holds it. Times are in seconds, sizes in
// bytes.
type Report struct {
	Made    string  `json:"made"`  // RFC 3339, UTC
	Whole   bool    `json:"whole"` // nothing was left out and nothing taken from an earlier run
	Machine Machine `json:"machine"`
	Tools   []Tool  `json:"tools"`
	Pairs   []Pair  `json:"pairs"`
	Goals   []Goal  `json:"goals"`
}

// Machine is where the run was.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	Load  string `json:"load"` // average of the minute before: what is far from 0 spoils times
}

// Pair is what was found for one pair of programs.
type Pair struct {
	Name     string   `json:"name"`
	About    string   `json:"about"`
	Platform string   `json:"platform"` // as GOOS/GOARCH
	Recipe   string   `json:"recipe"`   // toolchain, versions and flags of both programs
	Old      File     `json:"old"`
	New      File     `json:"new"`
	Results  []Result `json:"results"` // in the order of the tools
}

// File is a program.
type File struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Result is what one tool did with a pair.
type Result struct {
	Tool    string `json:"tool"`
	Patch   int64  `json:"patch_bytes,omitempty"` // with Diff, nothing for a tool that only applies
	Diff    Cost   `json:"diff,omitzero"`
	Apply   Cost   `json:"apply"`  // of the best of several rounds
	Reused  bool   `json:"reused"` // patch and diff are from an earlier run
	Rebuilt bool   `json:"rebuilt"`
	Failure string `json:"failure,omitempty"`

	// Hashed are the hashes that applying took the time for, by their names in the tool's answer.
	// Only ours answer; the peers hash nothing.
	Hashed []string `json:"hashed,omitempty"`
}

// Cost is what a process took.
type Cost struct {
	CPU  float64 `json:"cpu_s"`
	Wall float64 `json:"wall_s"`
	Peak int64   `json:"peak_bytes"`
}

// of returns the tool's result, nil when there is none that counts.
func (p Pair) of(tool string) *Result {
	for i, r := range p.Results {
		if r.Tool == tool && r.Rebuilt {
			return &p.Results[i]
		}
	}
	return nil
}

func machine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return m
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}
