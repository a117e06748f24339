package install

import (
	"errors"
	"io/fs"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// Outcome is what Recover made of an interrupted change.
type Outcome string

// The outcomes.
const (
	NothingToDo      Outcome = ""                   // no change was interrupted
	SwapFinished     Outcome = "swap-finished"      // the new version is in place, in probation
	SwapUndone       Outcome = "swap-undone"        // the old version is in place
	RollBackFinished Outcome = "roll-back-finished" // the old version is in place again
	Replaced         Outcome = "replaced"           // something else put a third version in place; it stays
)

// Recovered is the state that Recover established.
type Recovered struct {
	Outcome   Outcome
	Staged    *Artifact // a verified version is ready for Trial and Swap
	Probation bool      // the version in place was swapped in and not confirmed: confirm it or roll back
	CanGoBack bool      // a previous version is kept
	Removed   []string  // files that were of no use any more
}

// Recover ends what a crash interrupted, one way or the other, and removes files of no use. It is to be
// called at every start, before anything else, by whichever version starts; where nothing happened it changes
// nothing.
func (i *Install) Recover() (Recovered, error) {
	var done Recovered
	err := i.exclusive("recover", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		if err := i.rescue(r); err != nil {
			return classify(err, i.folder.Name())
		}
		i.point("rescued")
		if done.Outcome, err = i.settle(&r); err != nil {
			return err
		}
		i.point("settled")
		if done.Removed, err = i.tidy(&r); err != nil {
			return err
		}
		if r.Staged != nil {
			done.Staged = &r.Staged.New
		}
		done.Probation = r.Phase == swapped
		done.CanGoBack = done.Probation || r.Kept != nil
		return i.shorten()
	})
	return done, err
}

// settle ends an interrupted change. Which way follows from the bytes of the target alone: the record says
// what was meant, the target what happened.
func (i *Install) settle(r *record) (Outcome, error) {
	if r.Phase == idle || r.Phase == rolledBack {
		return NothingToDo, nil
	}
	current, err := i.recognise(r.Known, i.base)
	if err != nil {
		return NothingToDo, err
	}
	switch {
	case current != r.Move.Old && current != r.Move.New:
		*r = record{Target: r.Target, Phase: idle}
		return Replaced, i.save(*r)
	case r.Phase == swapping && current == r.Move.New:
		if err := errors.Join(i.keepTree(*r), durable.SyncDir(i.folder, ".")); err != nil {
			return NothingToDo, err
		}
		return SwapFinished, i.finishSwap(r)
	case r.Phase == swapping:
		// Where a swap takes two renames the staged version may be on its way, and a version to go back to exists only once.
		if i.holds(*r, i.newName(), r.Move.New) && !i.holds(*r, i.stagedName(), r.Move.New) {
			if err := durable.Rename(i.folder, i.newName(), i.stagedName()); err != nil {
				return NothingToDo, classify(err, i.folder.Name())
			}
		}
		r.Phase, r.Move = idle, nil
		return SwapUndone, i.save(*r)
	case r.Phase == swapped && current == r.Move.Old:
		// Somebody put the old file back by hand.
		return RollBackFinished, i.finishRollBack(r)
	case r.Phase == swapped:
		return NothingToDo, nil
	}
	if current == r.Move.New {
		if err := i.canRollBack(*r); err != nil {
			// The way back is gone; the version in place stays, in probation.
			i.log.Error("install: cannot finish going back", "because", err)
			r.Phase = swapped
			return SwapFinished, i.save(*r)
		}
		if err := i.restore(*r); err != nil {
			return NothingToDo, classify(err, i.folder.Name())
		}
	}
	if err := durable.SyncDir(i.folder, "."); err != nil {
		return NothingToDo, err
	}
	return RollBackFinished, i.finishRollBack(r)
}

// tidy brings record and files together: what the record does not promise is removed, what is not there any
// more, or is not what it should be, is no longer promised.
func (i *Install) tidy(r *record) ([]string, error) {
	if err := i.forget(r); err != nil {
		return nil, err
	}
	useless := []string{i.newName(), i.probeName(), i.failedName()}
	if r.Staged == nil {
		useless = append(useless, i.stagedName())
	}
	if r.Kept == nil && r.Phase != swapped {
		useless = append(useless, i.previousName())
	}
	var removed []string
	for _, name := range useless {
		if _, err := i.folder.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		err := i.folder.RemoveAll(name)
		if err != nil {
			// In use, or the folder cannot be written any more: it stays until the next start.
			i.log.Info("install: left a useless file", "file", name, "because", err)
			continue
		}
		removed = append(removed, name)
	}
	// Whoever holds the lock is the only one with temporary files here.
	now := time.Now()
	if err := errors.Join(durable.Sweep(i.folder, ".", now), durable.Sweep(i.state, ".", now)); err != nil {
		i.log.Info("install: left temporary files", "because", err)
	}
	return removed, nil
}

// forget takes back promises that the files do not keep.
func (i *Install) forget(r *record) error {
	changed := false
	if r.Staged != nil && (!i.holds(*r, i.stagedName(), r.Staged.New) || !i.holds(*r, i.base, r.Staged.Old)) {
		r.Staged, changed = nil, true
	}
	if r.Kept != nil && (!i.holds(*r, i.previousName(), r.Kept.Old) || !i.holds(*r, i.base, r.Kept.New)) {
		r.Kept, changed = nil, true
	}
	if !changed {
		return nil
	}
	return i.save(*r)
}

func (i *Install) holds(r record, name string, want Artifact) bool {
	got, err := i.recognise(r.Known, name)
	return err == nil && got == want
}

// rescue gives the target's name to a whole version after a crash between two renames, where a swap takes two: the old one where there
// is a choice.
func (i *Install) rescue(r record) error {
	if _, err := i.folder.Lstat(i.base); r.Move == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	candidates := []struct {
		name string
		want Artifact
	}{
		{i.previousName(), r.Move.Old}, {i.stagedName(), r.Move.Old},
		{i.newName(), r.Move.New}, {i.stagedName(), r.Move.New}, {i.failedName(), r.Move.New},
	}
	for _, c := range candidates {
		if i.holds(r, c.name, c.want) {
			i.hide(c.name, false)
			return durable.Rename(i.folder, c.name, i.base)
		}
	}
	return nil
}
