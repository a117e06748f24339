//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// show writes what people read.
func show(w io.Writer, r Report) {
	fmt.Fprintf(w, "\n%s/%s, %d cores, %s, load %s before\n", r.Machine.OS, r.Machine.Arch, r.Machine.Cores, r.Machine.CPU, r.Machine.Load)
	for _, t := range r.Tools {
		line := t.Diff
		if line == nil {
			line = t.Apply
		}
		fmt.Fprintf(w, "  %-13s %s: %s\n", t.Name, t.Version, strings.Join(line, " "))
	}
	if reused(r) {
		fmt.Fprintln(w, "  Making: the peers' figures are from an earlier run.")
	}
	section(w, r, "Patch, bytes", ours, func(res *Result) string { return grouped(res.Patch) }, func(mine, theirs *Result) string {
		return portion(float64(mine.Patch) / float64(theirs.Patch))
	})
	section(w, r, "Making, CPU s and MiB", ours, func(res *Result) string { return costs(res.Diff) }, func(mine, theirs *Result) string {
		return ratios(mine.Diff, theirs.Diff)
	})
	section(w, r, "Applying, CPU s and MiB", library, func(res *Result) string { return costs(res.Apply) }, func(mine, theirs *Result) string {
		return ratios(mine.Apply, theirs.Apply)
	})
	fmt.Fprintf(w, "\n%s\n", hashedLine(r))
	showGoals(w, r.Goals)
}

// section is a table with a row for each pair and a column for each tool that makes patches; where
// the package is what counts, it has one, too.
func section(w io.Writer, r Report, title, counts string, cell func(*Result) string, against func(mine, theirs *Result) string) {
	fmt.Fprintf(w, "\n%s\n", title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	head := []string{"pair", "MB"}
	shown := func(tool string) bool { return tool != library || counts == library }
	for _, tool := range r.Tools {
		if shown(tool.Name) {
			head = append(head, tool.Name)
		}
	}
	row(t, append(head, counts+" / "+yardstick, "rebuilt"))
	for _, p := range r.Pairs {
		cells := []string{p.Name, fmt.Sprintf("%.1f", float64(p.New.Bytes)/1e6)}
		for _, res := range p.Results {
			switch {
			case !shown(res.Tool):
			case res.Rebuilt:
				cells = append(cells, cell(&res))
			default:
				cells = append(cells, "failed")
			}
		}
		compared, rebuilt := "-", "no"
		if mine := p.of(counts); mine != nil {
			rebuilt = "yes"
			if theirs := p.of(yardstick); theirs != nil {
				compared = against(mine, theirs)
			}
		}
		row(t, append(cells, compared, rebuilt))
	}
	t.Flush()
}

func showGoals(w io.Writer, goals []Goal) {
	fmt.Fprintf(w, "\nGoals against %s, %d of %d met\n", yardstick, len(goals)-missed(goals), len(goals))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	row(t, []string{"goal", "pair", "at most", "is", ""})
	for _, g := range goals {
		is, met := portion(g.Ratio), "met"
		if g.Ratio == 0 {
			is = "-"
		}
		if !g.Met {
			met = "MISSED"
		}
		row(t, []string{g.What, g.Pair, portion(g.Limit), is, met})
	}
	t.Flush()
}

func row(w io.Writer, cells []string) { fmt.Fprintln(w, strings.Join(cells, "\t")+"\t") }

// hashedLine says which hashes are part of what applying costs.
func hashedLine(r Report) string {
	var hashed []string
	for _, p := range r.Pairs {
		if mine := p.of(library); mine != nil {
			hashed = append(hashed, strings.Join(mine.Hashed, " and "))
		}
	}
	slices.Sort(hashed)
	if hashed = slices.Compact(hashed); len(hashed) == 1 && hashed[0] != "" {
		return fmt.Sprintf("Applying by %s includes %s; the peers hash nothing.", library, hashed[0])
	}
	return fmt.Sprintf("Applying by %s: what it hashes is not known for all pairs.", library)
}

func reused(r Report) bool {
	return slices.ContainsFunc(r.Pairs, func(p Pair) bool {
		return slices.ContainsFunc(p.Results, func(res Result) bool { return res.Reused })
	})
}

func costs(c Cost) string { return fmt.Sprintf("%.2f %4.0f", c.CPU, float64(c.Peak)/(1<<20)) }

func ratios(mine, theirs Cost) string {
	return portion(mine.CPU/theirs.CPU) + " " + portion(float64(mine.Peak)/float64(theirs.Peak))
}

// portion writes a ratio as 1/12.3 where that reads better than 0.08x.
func portion(ratio float64) string {
	if ratio > 0 && ratio <= 0.25 {
		return fmt.Sprintf("1/%.1f", 1/ratio)
	}
	return fmt.Sprintf("%.2fx", ratio)
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
