package updater_test

import (
	"errors"

	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// feedVariable is never set here: a program is not told politely to end.
const feedVariable = "UPDATER_TEST_FEED"

func app(string, release.Version) error { return errors.ErrUnsupported }

type ending struct{ quit func() }

func (*ending) onStatus(updater.Status) {}
func (*ending) watch(*updater.Engine)   {}
