package install

import (
	"fmt"

	"github.com/minio/selfupdate"
	"github.com/tesseract-desktop/tesseract/internal/durable"
)

// Writable tries whether an update could be put in place, by creating and removing a file in the program's folder
// and one in the state folder. [ErrReadOnly] and [ErrNoSpace] name the folder; [ErrOwner] says that the program is another user's.
func (i *Install) Writable() error {
	if err := i.ownable(); err != nil {
		return fmt.Errorf("look at the program's file: %w", err)
	}
	o := selfupdate.Options{TargetPath: i.target, TargetMode: 0o600}
	if err := o.CheckPermissions(); err != nil {
		return classify(fmt.Errorf("try the program's folder: %w", err), i.folder.Name())
	}
	probe, err := durable.Create(i.state, "probe", 0o600)
	if err != nil {
		return classify(fmt.Errorf("try the state folder: %w", err), i.state.Name())
	}
	probe.Abort()
	return nil
}

// Space returns a [NoSpaceError] when the disk of the program's folder or that of the state folder has less
// than need bytes free. need is the download plus the new executable, and once more the executable where the
// file system has no hard links.
func (i *Install) Space(need int64) error {
	for _, dir := range []string{i.folder.Name(), i.state.Name()} {
		free, err := freeSpace(dir)
		if err != nil {
			return fmt.Errorf("measure the free space of %s: %w", dir, err)
		}
		if free < need {
			return &NoSpaceError{Need: need, Free: free, Path: dir}
		}
	}
	return nil
}
