//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Report is what one run found; build/bench/transport.json holds it. Goodput is in bytes per second.
type Report struct {
	Made       string       `json:"made"`  // RFC 3339, UTC
	Whole      bool         `json:"whole"` // nothing was left out and nothing made smaller
	Bytes      int64        `json:"bytes"` // of the file
	Rounds     int          `json:"rounds"`
	CutSeconds float64      `json:"cut_seconds"` // downloads that took longer were cut short
	Machine    Machine      `json:"machine"`
	Tools      []*Tool      `json:"tools"`
	Cells      []CellResult `json:"cells"`
	Sweep      []Sweep      `json:"sweep"`
}

// Machine is where the run was.
type Machine struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel"`
	Cores  int    `json:"cores"`
	Load   string `json:"load"` // average of the minute before: what is far from 0 spoils times
}

// CellResult is what was found in one kind of network.
type CellResult struct {
	Cell
	Link    string   `json:"link"`
	Results []Result `json:"results"` // in the order of the tools
	Best    string   `json:"best"`    // of the others
	Ratio   float64  `json:"ratio"`   // ours to the best of the others
	Alike   float64  `json:"alike"`   // the same, with ours looking at what arrives as little as the others do
	Met     bool     `json:"met"`
}

// Result is what one tool did.
type Result struct {
	Name    string  `json:"name"`
	Goodput float64 `json:"goodput"` // median
	Runs    []Run   `json:"runs"`
}

// Sweep is what numbers of requests bring in one kind of network.
type Sweep struct {
	Cell
	Fixed     []Point `json:"fixed"`
	Adjusting Point   `json:"adjusting"` // the number that it finds itself
}

// Point is one number of requests.
type Point struct {
	Requests int     `json:"requests,omitempty"`
	Goodput  float64 `json:"goodput"` // median
	Runs     []Run   `json:"runs"`
}

// goal is the least share of the best of the others.
const goal = 0.95

func (c *CellResult) judge() {
	best := 0.0
	for i := range c.Results {
		r := &c.Results[i]
		r.Goodput = median(r.Runs)
		if r.Name != ours && r.Name != unproven && r.Goodput > best {
			best, c.Best = r.Goodput, r.Name
		}
	}
	if best > 0 {
		c.Ratio, c.Alike = c.Results[0].Goodput/best, c.Results[1].Goodput/best
	}
	c.Met = c.Ratio >= goal
}

func (r Report) missed() (n int) {
	for _, c := range r.Cells {
		if !c.Met {
			n++
		}
	}
	return n
}

func median(runs []Run) float64 {
	var all []float64
	for _, r := range runs {
		all = append(all, r.Goodput)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func (r Run) String() string {
	cut := ""
	if r.Cut {
		cut = " (cut short)"
	}
	return fmt.Sprintf("%8.2f MB/s in %6.2f s%s", r.Goodput/1e6, r.Seconds, cut)
}

// show prints the tables, ready for a Markdown page.
func show(out io.Writer, r Report) {
	if len(r.Cells) > 0 {
		fmt.Fprintf(out, "\nGoodput in MB/s, median of %d rounds, %d MB:\n\n", r.Rounds, r.Bytes/1e6)
		t := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight)
		fmt.Fprint(t, "| RTT, loss\t")
		for _, tool := range r.Tools {
			fmt.Fprintf(t, "| %s\t", tool.Name)
		}
		fmt.Fprint(t, "| ours / best\t| unproven / best\t|\n|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|\n")
		for _, c := range r.Cells {
			fmt.Fprintf(t, "| %s\t", c.Cell)
			for _, res := range c.Results {
				fmt.Fprintf(t, "| %.2f\t", res.Goodput/1e6)
			}
			fmt.Fprintf(t, "| %.2f\t| %.2f\t|\n", c.Ratio, c.Alike)
		}
		t.Flush()
	}
	if len(r.Sweep) == 0 {
		return
	}
	fmt.Fprint(out, "\nGoodput in MB/s by the number of requests at once:\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "| requests\t")
	for _, s := range r.Sweep {
		fmt.Fprintf(t, "| %s\t", s.Cell)
	}
	fmt.Fprint(t, "|\n|---:\t")
	for range r.Sweep {
		fmt.Fprint(t, "|---:\t")
	}
	fmt.Fprint(t, "|\n")
	for i, p := range r.Sweep[0].Fixed {
		fmt.Fprintf(t, "| %d\t", p.Requests)
		for _, s := range r.Sweep {
			fmt.Fprintf(t, "| %.2f\t", s.Fixed[i].Goodput/1e6)
		}
		fmt.Fprint(t, "|\n")
	}
	fmt.Fprint(t, "| self-adjusting\t")
	for _, s := range r.Sweep {
		fmt.Fprintf(t, "| %.2f\t", s.Adjusting.Goodput/1e6)
	}
	fmt.Fprint(t, "|\n")
	t.Flush()
}
