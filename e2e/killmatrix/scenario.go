//go:build linux && amd64

package killmatrix

// scenario is a piece of a program's life that is tormented.
type scenario struct {
	name      string
	feed      string // with a second version that behaves so, and so many patches to it
	behaviour string
	patches   int
	folder    bool          // the program is a folder
	before    [][]string    // starts that nothing happens to, with their arguments
	starts    [][]string    // starts that are tormented
	least     map[phase]int // points that there must be, or the scenario is not what it says
}

// Starts.
var (
	plain  = []string{}
	onQuit = []string{"--on-quit"}
	goBack = []string{"--go-back"}
)

var scenarios = []scenario{
	{
		name: "update by a patch", feed: "patch", behaviour: "good", patches: 1, starts: [][]string{plain},
		least: map[phase]int{launch: 50, stage: 20, trial: 3, wait: 14, swap: 16, handOver: 10, confirm: 18},
	},
	{
		name: "update by the full artifact", feed: "full", behaviour: "good", starts: [][]string{plain},
		least: map[phase]int{launch: 50, stage: 60, trial: 3, wait: 14, swap: 16, handOver: 10, confirm: 18},
	},
	{
		name: "a release that exits", feed: "exits", behaviour: "exits", starts: [][]string{plain},
		least: map[phase]int{launch: 50, stage: 60, trial: 3, wait: 14, swap: 16, handOver: 7, rollBack: 9},
	},
	{
		name: "a release that dies", feed: "dies", behaviour: "dies", starts: [][]string{plain},
		least: map[phase]int{launch: 50, stage: 60, trial: 3, wait: 14, swap: 16, handOver: 10, rollBack: 9},
	},
	{
		name: "a release that loops", feed: "loops", behaviour: "loops", before: [][]string{plain}, starts: [][]string{plain, plain, plain},
		least: map[phase]int{launch: 14, rollBack: 22},
	},
	{
		name: "go back", feed: "full", behaviour: "good", before: [][]string{plain}, starts: [][]string{goBack},
		least: map[phase]int{launch: 22, trial: 3, wait: 6, swap: 16, handOver: 10, confirm: 18},
	},
	{
		name: "update at the next launch", feed: "patch", behaviour: "good", patches: 1, before: [][]string{onQuit}, starts: [][]string{onQuit},
		least: map[phase]int{launch: 8, swap: 16, handOver: 6, confirm: 18},
	},
	{
		name: "a release that dies at the next launch", feed: "dies", behaviour: "dies", before: [][]string{onQuit}, starts: [][]string{onQuit},
		least: map[phase]int{launch: 8, swap: 16, handOver: 6, rollBack: 15},
	},
	{
		name: "a folder", feed: "folder", behaviour: "good", folder: true, starts: [][]string{plain},
		least: map[phase]int{launch: 12, stage: 80, trial: 3, swap: 14, handOver: 3, confirm: 8},
	},
	{
		name: "a folder that dies", feed: "folder-dies", behaviour: "dies", folder: true, starts: [][]string{plain},
		least: map[phase]int{launch: 12, stage: 80, trial: 3, swap: 14, handOver: 4, rollBack: 18},
	},
	{
		name: "go back to a folder", feed: "folder", behaviour: "good", folder: true, before: [][]string{plain}, starts: [][]string{goBack},
		least: map[phase]int{launch: 30, trial: 3, swap: 22, handOver: 3, confirm: 8},
	},
}
