package install

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// dress gives the file called name the target's list of who may do what.
func (i *Install) dress(name string) error {
	old, err := windows.GetNamedSecurityInfo(i.target, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("read the permissions of %s: %w", i.target, err)
	}
	list, _, err := old.DACL()
	if err != nil {
		return fmt.Errorf("read the permissions of %s: %w", i.target, err)
	}
	control, _, err := old.Control()
	if err != nil {
		return fmt.Errorf("read the permissions of %s: %w", i.target, err)
	}
	// What the folder passes on comes from the folder again, unless the target is closed to that.
	what := windows.SECURITY_INFORMATION(windows.DACL_SECURITY_INFORMATION | windows.UNPROTECTED_DACL_SECURITY_INFORMATION)
	if control&windows.SE_DACL_PROTECTED != 0 {
		what = windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION
	}
	path := filepath.Join(i.folder.Name(), name)
	if err := windows.SetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, what, nil, nil, list, nil); err != nil {
		return fmt.Errorf("keep the permissions of %s: %w", i.target, err)
	}
	return nil
}

// owner has no numbers here.
func owner(fs.FileInfo) (uid, gid int, ok bool) { return 0, 0, false }

// ownable has nothing to say: a new file's owner is who makes it, and its permissions are kept.
func (i *Install) ownable() error { return nil }
