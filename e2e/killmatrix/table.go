//go:build linux && amd64

package killmatrix

import (
	"fmt"
	"strconv"
	"strings"
)

// table counts by phase and fault.
type table map[phase]map[string]*cell

type cell struct{ runs, failures int }

const (
	columnPoints = "points"
	columnPower  = "power cut"
)

func (t table) cell(p phase, column string) *cell {
	if t[p] == nil {
		t[p] = map[string]*cell{}
	}
	if t[p][column] == nil {
		t[p][column] = &cell{}
	}
	return t[p][column]
}

// String is the table for people: points, and runs with each fault. Failures stand behind a slash.
func (t table) String() string {
	columns := []string{columnPoints}
	for _, f := range faults {
		columns = append(columns, f.name)
	}
	columns = append(columns, columnPower)
	var out strings.Builder
	line := func(first string, text func(column string) string) {
		fmt.Fprintf(&out, "%-10s", first)
		for _, c := range columns {
			fmt.Fprintf(&out, "%11s", text(c))
		}
		out.WriteString("\n")
	}
	line("phase", func(c string) string { return c })
	all := table{}
	for _, p := range phases {
		line(string(p), func(c string) string {
			sum, one := all.cell("", c), t.cell(p, c)
			sum.runs, sum.failures = sum.runs+one.runs, sum.failures+one.failures
			return one.String()
		})
	}
	line("all", func(c string) string { return all.cell("", c).String() })
	return out.String()
}

func (c *cell) String() string {
	if c.failures > 0 {
		return fmt.Sprintf("%d/%d", c.runs, c.failures)
	}
	return strconv.Itoa(c.runs)
}
