package install

import (
	"context"
	"errors"
	"fmt"
)

// Swap puts the staged version in the target's place and keeps the old one. What is staged is checked
// once more, and so is that the target is still the one it was made for: [ErrCorrupt], [ErrChanged]. ctx is looked
// at before the first change only; from there on it takes milliseconds. After an error the old version is in place; should bringing it
// back have failed as well, the error says that, and Boot and Recover decide.
func (i *Install) Swap(ctx context.Context) error {
	return i.exclusive("put the new version in place", func() error {
		r, err := i.staged()
		if err != nil {
			return err
		}
		if r.Phase != idle && r.Phase != rolledBack {
			return ErrUnproven
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		i.point("checked")
		r.Phase, r.Move = swapping, r.Staged
		if err := i.save(r); err != nil {
			return err
		}
		i.point("intent")
		before := r
		if err = i.replace(); err == nil {
			i.point("replaced")
			err = i.finishSwap(&r)
		}
		if err == nil {
			return nil
		}
		return errors.Join(classify(err, i.folder.Name()), i.unswap(before))
	})
}

func (i *Install) replace() error {
	if i.tree() {
		return i.replaceTree()
	}
	return i.replaceFile()
}

func (i *Install) finishSwap(r *record) error {
	r.Phase, r.Staged, r.Kept, r.Starts = swapped, nil, nil, 0
	return i.save(*r)
}

// unswap brings the old version back after a swap that could not be finished.
func (i *Install) unswap(r record) error {
	if err := i.rescue(r); err != nil {
		return err
	}
	current, err := i.recognise(r.Known, i.base)
	if err != nil {
		return err
	}
	if current == r.Move.New {
		if err := i.restore(r); err != nil {
			return fmt.Errorf("the new version stays in place: %w", err)
		}
	}
	if !i.holds(r, i.stagedName(), r.Move.New) {
		r.Staged = nil
	}
	r.Phase, r.Move = idle, nil
	return i.save(r)
}

// RollBack takes an unconfirmed version back: the one before it is in place again, and nothing is kept of the other. Once it has
// worked, doing it again does nothing. [ErrNoPrevious] where there is nothing to go back to, [ErrChanged] where the target is neither
// version. From a confirmed version [Install.GoBack] leads back.
func (i *Install) RollBack() error {
	return i.exclusive("go back to the previous version", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		switch r.Phase {
		case rolledBack:
			return nil
		case swapped, rollingBack:
		case idle, swapping:
			return ErrNoPrevious
		}
		if err := i.canRollBack(r); err != nil {
			return err
		}
		return i.rollBack(&r)
	})
}

// rollBack works where not even the record can be written, as long as going back is one step: the bytes of the target say then what
// happened.
func (i *Install) rollBack(r *record) error {
	i.point("rollback checked")
	r.Phase = rollingBack
	if err := i.save(*r); err != nil {
		if !i.atOnce() {
			return err
		}
		i.log.Warn("install: going back without a record of it", "because", err)
	}
	i.point("rollback intent")
	current, err := i.recognise(r.Known, i.base)
	if err != nil || current != r.Move.Old { // else an earlier attempt got this far
		if err := i.restore(*r); err != nil {
			return classify(err, i.folder.Name())
		}
	}
	i.point("restored")
	if err := i.finishRollBack(r); err != nil {
		i.log.Warn("install: went back, but cannot record that", "because", err)
	}
	return nil
}

func (i *Install) restore(r record) error {
	if i.tree() {
		return i.restoreTree(r)
	}
	return i.restoreFile()
}

func (i *Install) canRollBack(r record) error {
	current, err := i.recognise(r.Known, i.base)
	if err != nil {
		return err
	}
	if current == r.Move.Old {
		return nil
	}
	if current != r.Move.New {
		return ErrChanged
	}
	return i.keeps(r, r.Move.Old)
}

// keeps checks the kept copy.
func (i *Install) keeps(r record, want Artifact) error {
	previous, err := i.recognise(r.Known, i.previousName())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPrevious, err)
	}
	if previous != want {
		return fmt.Errorf("%w: the kept copy is damaged", ErrNoPrevious)
	}
	return nil
}

func (i *Install) finishRollBack(r *record) error {
	r.Phase, r.Kept, r.Starts = rolledBack, nil, 0
	return i.save(*r)
}

// Confirm ends probation: the new version stays. The previous one is kept to go back to by hand; downloads go.
// Confirming again does nothing.
func (i *Install) Confirm() error {
	return i.exclusive("confirm the new version", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		switch r.Phase {
		case swapped:
			r.Phase, r.Kept, r.Move, r.Starts = idle, r.Move, nil, 0
			if err := i.save(r); err != nil {
				return err
			}
		case idle:
		default:
			return fmt.Errorf("%w: it was taken back", ErrNotStaged)
		}
		i.point("confirmed")
		return classify(i.clearDownloads(), i.state.Name())
	})
}
