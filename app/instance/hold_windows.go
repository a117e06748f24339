package instance

import (
	"errors"
	"os"

	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// hold is the lock on a file. Windows binds it to this process, so that it cannot be passed on: the other process of a handover takes it when
// this one has let go, trying again until then.
type hold struct{ lock *durable.Lock }

func acquire(root *os.Root) (*hold, bool, error) {
	lock, ok, err := durable.TryAcquire(root, FileName)
	if !ok || err != nil {
		return nil, false, err
	}
	return &hold{lock}, true, nil
}

func inherit(_ *os.Root, f *os.File) (*hold, error) {
	return nil, errors.Join(errors.ErrUnsupported, f.Close())
}

func (h *hold) again() (bool, error) { return true, nil }

func (h *hold) file() *os.File { return nil }

func (h *hold) release() { h.lock.Release() }

func (h *hold) leave() { h.release() }
