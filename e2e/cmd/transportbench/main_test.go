//go:build linux

package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for args, ok := range map[string]bool{
		"": true, "-cells 50/1,200/0.5 -rounds 1": true, "-widths 1,64": true,
		"-cells 50": false, "-cells -1/0": false, "-cells 0/100": false, "-cells 0/NaN": false, "-widths 0": false, "-rounds 0": false, "-mb 0": false, "more": false,
	} {
		if _, err := parse(strings.Fields(args), io.Discard); (err == nil) != ok {
			t.Errorf("%q: %v", args, err)
		}
	}
	o, err := parse([]string{"-cells", "50/0.5"}, io.Discard)
	if err != nil || len(o.cells) != 1 || o.cells[0].RTT != 50*time.Millisecond || o.cells[0].Loss != 0.5 || o.whole {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := parse(nil, io.Discard); err != nil || !o.whole {
		t.Errorf("a run that leaves nothing out does not count as whole: %v", err)
	}
}

// times are runs with these goodputs.
func times(goodputs ...float64) (runs []Run) {
	for _, g := range goodputs {
		runs = append(runs, Run{Goodput: g})
	}
	return runs
}

func TestJudge(t *testing.T) {
	c := CellResult{Results: []Result{{Name: ours, Runs: times(90, 100, 1)}, {Name: unproven, Runs: times(500)}, {Name: "a", Runs: times(50, 60)}, {Name: "b", Runs: times(99, 101, 100)}}}
	c.judge()
	if c.Best != "b" || c.Ratio != 0.9 || c.Alike != 5 || c.Met || c.Results[2].Goodput != 55 {
		t.Errorf("%+v", c)
	}
	r := Report{Cells: []CellResult{c, {Met: true}}}
	if r.missed() != 1 {
		t.Errorf("%d goals are missed", r.missed())
	}
}

func TestDrawIsWellFormed(t *testing.T) {
	s := Sweep{Cell: cell(50, 1), Adjusting: Point{Goodput: 5e6}}
	for _, n := range sweepWidths {
		s.Fixed = append(s.Fixed, Point{Requests: n, Goodput: float64(n) * 1e5})
	}
	d := xml.NewDecoder(strings.NewReader(string(draw([]Sweep{s, s}))))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
	if elements < 20 {
		t.Errorf("%d elements", elements)
	}
}
