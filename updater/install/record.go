package install

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// phase is where an install stands. A release is staged in idle or rolledBack; every arrow is recorded before
// the files are touched, and the two phases that end in "ing" are what Recover ends one way or the other.
//
//	              Swap                           Confirm
//	idle ------------------> swapping -> swapped --------> idle, the old version kept: GoBack stages it again
//	rolledBack -----^           |           |
//	     ^                      v           | RollBack, Boot
//	     |                     idle         v
//	     +--------------------------- rollingBack
type phase string

const (
	idle        phase = "idle"
	swapping    phase = "swapping"
	swapped     phase = "swapped"
	rollingBack phase = "rolling-back"
	rolledBack  phase = "rolled-back"
)

// pair is a step from one artifact to another.
type pair struct {
	Old Artifact `json:"old"`
	New Artifact `json:"new"`
}

// record is what is known about the files beside the target.
type record struct {
	Target string `json:"target"`
	Phase  phase  `json:"phase"`
	Move   *pair  `json:"move,omitempty"`   // the swap or roll-back in flight, in probation, or taken back last
	Kept   *pair  `json:"kept,omitempty"`   // the confirmed swap whose old version is kept
	Staged *pair  `json:"staged,omitempty"` // the verified file, and the target it was made for
	Starts int    `json:"starts,omitempty"` // of a version in probation, as Boot counts them

	Known fingerprints `json:"known,omitempty"` // of the artifacts above
}

func (i *Install) load() (record, error) {
	fresh := record{Target: i.target, Phase: idle}
	b, err := i.state.ReadFile(i.recordName())
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, fmt.Errorf("read the record: %w", err)
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil || !r.sound() || r.Target != i.target {
		// It is written whole or not at all, so something else wrote this. The files beside the target are checked
		// by their hashes in any case; without a record none of them is of use.
		i.log.Error("install: the record makes no sense and is ignored", "record", i.recordName(), "because", err)
		return fresh, nil
	}
	return r, nil
}

func (r record) sound() bool {
	if r.Starts < 0 {
		return false
	}
	switch r.Phase {
	case idle:
		return r.Move == nil
	case swapping, swapped, rollingBack, rolledBack:
		return r.Move != nil
	}
	return false
}

func (i *Install) save(r record) error {
	r.Known = r.Known.of(r.Move, r.Kept, r.Staged)
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	if err := durable.WriteFile(i.state, i.recordName(), b, 0o600); err != nil {
		return classify(fmt.Errorf("write the record: %w", err), i.state.Name())
	}
	return nil
}
