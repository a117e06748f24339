//go:build unix

package install

import "github.com/tesseract-desktop/tesseract/internal/durable"

// treesWork says that a program may be a folder.
const treesWork = true

// replaceFile keeps the old executable under a second name and renames the new one over the first: at no moment
// does the target's path lead nowhere.
func (i *Install) replaceFile() error {
	if err := durable.Link(i.folder, i.base, i.previousName()); err != nil {
		return err
	}
	i.point("linked")
	return durable.Rename(i.folder, i.stagedName(), i.base)
}

func (i *Install) restoreFile() error {
	return durable.Rename(i.folder, i.previousName(), i.base)
}

// atOnce says whether going back is one step, so that it may be done without a word in the record.
func (i *Install) atOnce() bool { return !i.tree() }

// hide is for systems where a name that starts with a dot is seen.
func (i *Install) hide(string, bool) {}
