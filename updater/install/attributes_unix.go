//go:build unix

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// special are the permission bits besides the nine.
const special = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// dress gives the file or folder called name what the target has besides its content: owner, group, permissions, ACL, extended attributes.
// The owner must stay the same ([ErrOwner]). A group that we may not give away is replaced by ours, with no more rights than everybody
// has.
func (i *Install) dress(name string) error {
	old, err := i.folder.Open(i.base)
	if err != nil {
		return err
	}
	defer old.Close()
	made, err := i.folder.Open(name)
	if err != nil {
		return err
	}
	defer made.Close()
	mode, err := own(old, made)
	if err != nil {
		return err
	}
	// Permissions come last: an ACL brings some along, which the target may lack.
	if err := copyAttributes(old, made); err != nil {
		return err
	}
	return made.Chmod(mode)
}

// own gives made the owner and group of old, and returns the permissions that it may have then.
func own(old, made *os.File) (fs.FileMode, error) {
	have, info, err := owners(made)
	if err != nil {
		return 0, err
	}
	want, info, err := owners(old)
	if err != nil {
		return 0, err
	}
	// A target that lost its exec bit must not pass that on.
	mode := info.Mode()&(fs.ModePerm|special) | 0o500
	if have.Uid != want.Uid {
		err := made.Chown(int(want.Uid), -1)
		if errors.Is(err, unix.EPERM) {
			return 0, fmt.Errorf("%w (%w)", ErrOwner, &ReadOnlyError{Path: old.Name()})
		}
		if err != nil {
			return 0, err
		}
	}
	if have.Gid == want.Gid {
		return mode, nil
	}
	err = made.Chown(-1, int(want.Gid))
	if errors.Is(err, unix.EPERM) {
		everybody := mode & 0o007
		return mode&^(special|0o070) | everybody<<3&mode&0o070, nil
	}
	return mode, err
}

func owners(f *os.File) (*syscall.Stat_t, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, nil, fmt.Errorf("the owner of %s cannot be found out", f.Name())
	}
	return stat, info, nil
}

// ownable says whether a new file can be given the target's owner.
func (i *Install) ownable() error {
	if os.Geteuid() == 0 {
		return nil
	}
	info, err := i.folder.Stat(i.base)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%w (%w)", ErrOwner, &ReadOnlyError{Path: i.target})
	}
	return nil
}
