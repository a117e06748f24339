package install

import (
	"context"
	"errors"
	"fmt"
)

// Swap puts the staged executable in the target's place and keeps the old one. The staged file is checked
// once more, and so is that the target is still the file it was made for: [ErrCorrupt], [ErrChanged]. ctx is looked
// at before the first change only; from there on it takes milliseconds. After an error the old version is
// in place, unless the error says otherwise; then Recover decides.
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
		if err := i.replace(); err != nil {
			err = classify(err, i.folder.Name())
			_, settleErr := i.settle(&r)
			return errors.Join(err, settleErr)
		}
		i.point("replaced")
		return i.finishSwap(&r)
	})
}

func (i *Install) finishSwap(r *record) error {
	r.Phase, r.Staged, r.Kept, r.Starts = swapped, nil, nil, 0
	return i.save(*r)
}

// RollBack puts the previous version back in place: in probation because the new one failed, later because
// the user wants to go back. Once it has worked, doing it again does nothing. [ErrNoPrevious] where there is
// nothing to go back to, [ErrChanged] where the target is neither version.
func (i *Install) RollBack() error {
	return i.exclusive("go back to the previous version", func() error {
		r, err := i.load()
		if err != nil {
			return err
		}
		switch {
		case r.Phase == rolledBack:
			return nil
		case r.Phase == swapped || r.Phase == rollingBack:
		case r.Phase == idle && r.Kept != nil:
			r.Move = r.Kept
		default:
			return ErrNoPrevious
		}
		if err := i.canRollBack(r); err != nil {
			return err
		}
		return i.rollBack(&r)
	})
}

func (i *Install) rollBack(r *record) error {
	i.point("rollback checked")
	r.Phase = rollingBack
	if err := i.save(*r); err != nil {
		return err
	}
	i.point("rollback intent")
	current, err := r.Known.recognise(i.folder, i.base)
	if err != nil || current != r.Move.Old { // else an earlier attempt got this far
		if err := i.restore(); err != nil {
			return classify(err, i.folder.Name())
		}
	}
	i.point("restored")
	return i.finishRollBack(r)
}

func (i *Install) canRollBack(r record) error {
	current, err := r.Known.recognise(i.folder, i.base)
	if err != nil {
		return err
	}
	if current == r.Move.Old {
		return nil
	}
	if current != r.Move.New {
		return ErrChanged
	}
	previous, err := r.Known.recognise(i.folder, i.previousName())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoPrevious, err)
	}
	if previous != r.Move.Old {
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
