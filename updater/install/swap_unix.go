//go:build unix

package install

import "github.com/tesseract-desktop/tesseract/internal/durable"

// replace keeps the old executable under a second name and renames the new one over the first: at no moment
// does the target's path lead nowhere.
func (i *Install) replace() error {
	if err := durable.Link(i.folder, i.base, i.previousName()); err != nil {
		return err
	}
	i.point("linked")
	return durable.Rename(i.folder, i.stagedName(), i.base)
}

func (i *Install) restore() error {
	return durable.Rename(i.folder, i.previousName(), i.base)
}

// rescue has nothing to do: the target cannot be missing.
func (i *Install) rescue(record) error { return nil }
