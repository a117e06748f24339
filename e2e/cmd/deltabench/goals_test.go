//go:build linux

package main

import (
	"testing"

	"github.com/tesseract-desktop/tesseract/e2e/corpus"
)

func pairOf(name string, size int64, mine, theirs Result) Pair {
	theirs.Tool, theirs.Rebuilt = yardstick, true
	mine.Tool = ours
	alone := mine // costs less to start
	alone.Tool, alone.Patch, alone.Diff = library, 0, Cost{}
	mine.Apply.CPU, mine.Apply.Peak = 2*mine.Apply.CPU, 2*mine.Apply.Peak
	return Pair{Name: name, New: File{Bytes: size}, Results: []Result{theirs, mine, alone}}
}

func TestGoalsNamePairs(t *testing.T) {
	for name := range sizeGoals {
		if _, ok := corpus.Named(name); !ok {
			t.Errorf("there is a goal for %s, and no such pair", name)
		}
	}
}

func TestJudge(t *testing.T) {
	theirs := Result{Patch: 1000, Diff: Cost{CPU: 10, Peak: 100}, Apply: Cost{CPU: 1, Peak: 100}}
	mine := Result{Rebuilt: true, Patch: 40, Diff: Cost{CPU: 1.5, Peak: 120}, Apply: Cost{CPU: 0.9, Peak: 90}}
	broken := mine
	broken.Rebuilt = false
	for _, c := range []struct {
		name string
		pair Pair
		want map[string]bool
	}{
		{"large", pairOf("hugo", 50e6, mine, theirs),
			map[string]bool{"patch size": true, "diff CPU": false, "diff memory": true, "apply CPU": false, "apply memory": false}},
		{"middle", pairOf("app-elf", 17e6, mine, theirs),
			map[string]bool{"patch size": true, "diff CPU": true, "diff memory": true, "apply CPU": true, "apply memory": true}},
		{"larger than allowed", pairOf("rclone", 69e6, mine, theirs),
			map[string]bool{"patch size": false, "diff CPU": false, "diff memory": true, "apply CPU": false, "apply memory": false}},
		{"no goal for its size", pairOf("restic-macho-arm64", 40e6, mine, theirs),
			map[string]bool{"diff CPU": false, "diff memory": true, "apply CPU": false, "apply memory": false}},
		{"too small for cost", pairOf("go126", 6e6, mine, theirs), map[string]bool{}},
		{"not rebuilt", pairOf("app-pe", 17e6, broken, theirs),
			map[string]bool{"patch size": false, "diff CPU": false, "diff memory": false, "apply CPU": false, "apply memory": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			goals := judge([]Pair{c.pair})
			if len(goals) != len(c.want) {
				t.Errorf("%d goals, want %d: %+v", len(goals), len(c.want), goals)
			}
			for _, g := range goals {
				if want, ok := c.want[g.What]; !ok || g.Met != want {
					t.Errorf("%+v, want met: %v", g, want)
				}
			}
		})
	}
}

func TestJudgeComparesWithBsdiff(t *testing.T) {
	pair := pairOf("hugo", 50e6,
		Result{Rebuilt: true, Patch: 1, Diff: Cost{CPU: 1, Peak: 1}, Apply: Cost{CPU: 1, Peak: 3}},
		Result{Patch: 50, Diff: Cost{CPU: 20, Peak: 2}, Apply: Cost{CPU: 4, Peak: 2}})
	want := map[string]float64{"patch size": 0.02, "diff CPU": 0.05, "diff memory": 0.5, "apply CPU": 0.25, "apply memory": 1.5}
	for _, g := range judge([]Pair{pair}) {
		if g.Ratio != want[g.What] {
			t.Errorf("%s: ratio %v, want %v", g.What, g.Ratio, want[g.What])
		}
	}
}

func TestVerdict(t *testing.T) {
	fine := pairOf("hugo", 50e6, Result{Rebuilt: true}, Result{})
	wrong := pairOf("hugo", 50e6, Result{Failure: "it differs"}, Result{})
	missedGoal := []Goal{{What: "patch size"}}
	for _, c := range []struct {
		name   string
		report Report
		strict bool
		fails  bool
	}{
		{"all rebuilt", Report{Pairs: []Pair{fine}}, true, false},
		{"goal missed", Report{Pairs: []Pair{fine}, Goals: missedGoal}, false, false},
		{"goal missed, strict", Report{Pairs: []Pair{fine}, Goals: missedGoal}, true, true},
		{"not rebuilt", Report{Pairs: []Pair{fine, wrong}}, false, true},
	} {
		if err := verdict(c.report, c.strict); (err != nil) != c.fails {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
