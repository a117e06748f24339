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
	if err := made.Chmod(mode); err != nil || !i.tree() {
		return err
	}
	return i.dressTree(name)
}

// own gives made the owner and group of old, and returns the permissions that it may have then.
func own(old, made *os.File) (fs.FileMode, error) {
	before, err := made.Stat()
	if err != nil {
		return 0, err
	}
	info, err := old.Stat()
	if err != nil {
		return 0, err
	}
	// A target that lost its exec bit must not pass that on.
	mode := info.Mode()&(fs.ModePerm|special) | 0o500
	if info.IsDir() {
		mode |= folderMode
	}
	haveUser, haveGroup, _ := owner(before)
	user, group, ok := owner(info)
	if !ok {
		return 0, fmt.Errorf("the owner of %s cannot be found out", old.Name())
	}
	if haveUser != user {
		err := made.Chown(user, -1)
		if errors.Is(err, unix.EPERM) {
			return 0, fmt.Errorf("%w (%w)", ErrOwner, &ReadOnlyError{Path: old.Name()})
		}
		if err != nil {
			return 0, err
		}
	}
	if haveGroup == group {
		return mode, nil
	}
	err = made.Chown(-1, group)
	if errors.Is(err, unix.EPERM) {
		everybody := mode & 0o007
		return mode&^(special|0o070) | everybody<<3&mode&0o070, nil
	}
	return mode, err
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
	if user, _, ok := owner(info); ok && user != os.Geteuid() {
		return fmt.Errorf("%w (%w)", ErrOwner, &ReadOnlyError{Path: i.target})
	}
	return nil
}

// owner is who a file belongs to, where the system has numbers for that.
func owner(info fs.FileInfo) (uid, gid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
