//go:build linux

package main

// A Goal is a share of what bsdiff takes that ours may take at most.
type Goal struct {
	What  string  `json:"what"`
	Pair  string  `json:"pair"`
	Limit float64 `json:"limit"`
	Ratio float64 `json:"ratio"` // 0 when one of both failed
	Met   bool    `json:"met"`
}

// sizeGoals are how many times smaller than bsdiff's a patch is to be.
var sizeGoals = map[string]float64{
	"app-elf": 25, "app-pe": 40,
	"wails-elf": 11, "xmod-elf": 7.5,
	"hugo": 25, "rclone": 60,
	"restic-elf": 4.5, "restic-pe": 4.5,
}

// Goals of cost are for programs of some size: on smaller ones what a process takes to start
// outweighs its work.
const (
	middle = 10_000_000 // bytes of the new file
	large  = 40_000_000
)

// judge compares ours with bsdiff.
func judge(pairs []Pair) (goals []Goal) {
	for _, p := range pairs {
		theirs := p.of(yardstick)
		add := func(tool, what string, limit float64, figure func(*Result) float64) {
			g := Goal{What: what, Pair: p.Name, Limit: limit}
			mine := p.of(tool)
			if mine != nil && theirs != nil {
				g.Ratio = figure(mine) / figure(theirs)
				g.Met = g.Ratio <= limit
			}
			goals = append(goals, g)
		}
		if times, ok := sizeGoals[p.Name]; ok {
			add(ours, "patch size", 1/times, func(r *Result) float64 { return float64(r.Patch) })
		}
		if p.New.Bytes < middle {
			continue
		}
		making, applying := 1.0/5, 1.0
		if p.New.Bytes >= large {
			making, applying = 1.0/10, 0.8
		}
		add(ours, "diff CPU", making, func(r *Result) float64 { return r.Diff.CPU })
		add(ours, "diff memory", 1.3, func(r *Result) float64 { return float64(r.Diff.Peak) })
		add(library, "apply CPU", applying, func(r *Result) float64 { return r.Apply.CPU })
		add(library, "apply memory", applying, func(r *Result) float64 { return float64(r.Apply.Peak) })
	}
	return goals
}

func missed(goals []Goal) (n int) {
	for _, g := range goals {
		if !g.Met {
			n++
		}
	}
	return n
}
