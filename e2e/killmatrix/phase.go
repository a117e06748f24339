//go:build linux && amd64

package killmatrix

import (
	"regexp"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix/calls"
)

// phase is how far an update is. It follows from what the program itself writes to its journal and its record.
type phase string

const (
	launch   phase = "launch"    // recovering, counting the start, asking the feed
	stage    phase = "stage"     // downloading, and making the new version beside the old one
	trial    phase = "trial"     //
	wait     phase = "wait"      // for a quiet moment; ends with the state captured
	swap     phase = "swap"      //
	handOver phase = "hand over" // from the swap until the new version is in charge
	confirm  phase = "confirm"   // probation, confirmation, and what comes after
	rollBack phase = "roll back" // and what comes after
)

var phases = []phase{launch, stage, trial, wait, swap, handOver, confirm, rollBack}

// entered are the words of the journal and of the record that begin a phase.
var entered = map[string]phase{
	"downloading": stage, "staged": trial, "proven": wait, "waiting": wait, "swapping": swap, "handing-over": handOver,
	"probation": confirm, "confirmed": confirm, "rolling-back": rollBack, "rolled-back": rollBack,
}

var word = regexp.MustCompile(`"(?:state|phase)":"([a-z-]+)"`)

// after returns the phase after a call, which was made in phase p.
func (p phase) after(c *calls.Call) phase {
	if c.Kind != calls.Write || len(c.Data) > 64<<10 {
		return p
	}
	m := word.FindSubmatch(c.Data)
	if m == nil {
		return p
	}
	if next, ok := entered[string(m[1])]; ok {
		return next
	}
	return p
}
