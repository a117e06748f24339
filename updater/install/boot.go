package install

import (
	"slices"
	"time"
)

// Boot is what the boot counter made of a start.
type Boot struct {
	Starts     int    // of the unconfirmed version, with this one, that were not taken back; 0: the version is confirmed
	RolledBack bool   // the version was taken back: execute Program with the same arguments, and end
	Program    string // the old version's executable, where RolledBack
}

const (
	// startsAllowed is how often a version may be started before it is confirmed. The start after that brings the old version back.
	startsAllowed = 2
	// bootPatience is how long Boot and Left wait for another process. Nothing that is done to a version in probation takes longer.
	bootPatience = 2 * time.Second
)

// What Boot writes to the journal when it takes a version back. The codes are the reasons that the engine knows.
const (
	stateRolledBack = "rolled-back"

	ReasonCrashLoop = "crash-loop" // it was started and never stayed until it was confirmed
	ReasonCrash     = "crash"      // somebody had begun to take it back
)

// Boot counts this start of a version that nobody guards. A program that starts without an incumbent calls it first thing, once it is the only
// one of its kind; version is its own, for the journal. A version that comes up and dies again and again, before it can be confirmed, is so
// noticed: the start after two that led nowhere puts the old version back, with a journal entry that keeps the release from being
// tried again, and says so. [Install.Left] takes back a start that ended well, [Install.Confirm] ends the counting.
//
// Without an unconfirmed version it costs reading one small file. After an error the start is not counted, and the program should go on.
func (i *Install) Boot(version string) (Boot, error) {
	r, err := i.load()
	if err != nil || r.Phase == idle || r.Phase == rolledBack {
		return Boot{}, err
	}
	var b Boot
	err = i.patiently("count this start", func() error {
		var err error
		b, err = i.boot(version)
		return err
	})
	return b, err
}

func (i *Install) boot(version string) (Boot, error) {
	r, err := i.load()
	if err != nil {
		return Boot{}, err
	}
	back := Boot{RolledBack: true, Program: i.Program()}
	meanwhile := r.Phase == rolledBack // by the last guardian, while this process came up
	if err := i.rescue(r); err != nil {
		return Boot{}, classify(err, i.folder.Name())
	}
	outcome, err := i.settle(&r)
	switch {
	case err != nil:
		return Boot{}, err
	case meanwhile:
		return back, nil
	case outcome == RollBackFinished:
		i.blame(r.Move.New, Entry{To: version, Reason: ReasonCrash, Detail: "going back to the old version was interrupted, and is done now"})
		return back, nil
	case r.Phase != swapped:
		return Boot{}, nil
	case r.Starts < startsAllowed:
		r.Starts++
		i.point("counting")
		return Boot{Starts: r.Starts}, i.save(r)
	}
	if err := i.canRollBack(r); err != nil {
		return Boot{}, err
	}
	i.blame(r.Move.New, Entry{To: version, Reason: ReasonCrashLoop, Detail: "it ended again and again before it could be confirmed"})
	i.point("blamed")
	return back, i.rollBack(&r)
}

// Left takes the last start back that Boot has counted: this process ends because the user, or the system, wants it to, and not because it
// is no good. Where nothing is in probation it does nothing.
func (i *Install) Left() error {
	return i.patiently("take the count of this start back", func() error {
		r, err := i.load()
		if err != nil || r.Phase != swapped || r.Starts == 0 {
			return err
		}
		r.Starts--
		return i.save(r)
	})
}

// blame writes to the journal that a version was taken back, with what is known of it from its update. It comes before the deed, because
// a release that is blamed twice does no harm, while one that is not blamed would be tried again. A journal that cannot be written stops
// nothing: being back matters more.
func (i *Install) blame(bad Artifact, e Entry) {
	entries, err := i.History()
	if err != nil {
		i.log.Warn("install: cannot read the journal", "because", err)
	}
	sum := bad.SHA256.String()
	for _, known := range slices.Backward(entries) {
		if known.SHA256 == sum {
			known.At, known.Reason, known.Detail = time.Time{}, e.Reason, e.Detail
			e = known
			break
		}
	}
	e.State, e.SHA256 = stateRolledBack, sum
	if err := i.Record(e); err != nil {
		i.log.Warn("install: cannot write the journal", "because", err)
	}
}
