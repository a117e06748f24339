//go:build linux && amd64

package killmatrix

// scenario is a piece of a program's life that is tormented.
type scenario struct {
	name      string
	feed      string // with a second version that behaves so, and so many patches to it
	behaviour string
	patches   int
	before    [][]string // starts that nothing happens to, with their arguments
	starts    [][]string // starts that are tormented
	phases    string     // for people
}

var plain = []string{}

var scenarios = []scenario{
	{
		name: "update by a patch", feed: "patch", behaviour: "good", patches: 1, starts: [][]string{plain},
		phases: "download, stage, trial, swap, handover, confirm",
	},
	{
		name: "update by the full artifact", feed: "full", behaviour: "good", starts: [][]string{plain},
		phases: "download, stage, trial, swap, handover, confirm",
	},
	{
		name: "a release that exits", feed: "exits", behaviour: "exits", starts: [][]string{plain},
		phases: "stage, trial, swap, handover, roll back before the commit",
	},
	{
		name: "a release that dies", feed: "dies", behaviour: "dies", starts: [][]string{plain},
		phases: "stage, trial, swap, handover, roll back by the guardian",
	},
	{
		name: "a release that loops", feed: "loops", behaviour: "loops", before: [][]string{plain}, starts: [][]string{plain, plain, plain},
		phases: "boot counter, roll back without a guardian",
	},
	{
		name: "go back", feed: "full", behaviour: "good", before: [][]string{plain}, starts: [][]string{{"--go-back"}},
		phases: "stage the kept version, trial, swap, confirm",
	},
}
