package doctor

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// fileAddFile is the right to make a file in a folder; the system's headers give it the number of the right to write to a file.
const fileAddFile = windows.FILE_WRITE_DATA

// volumeOf takes discs for images: that is how a mounted one shows.
func volumeOf(folder string) volume {
	drive, err := windows.UTF16PtrFromString(filepath.VolumeName(folder) + `\`)
	if err != nil {
		return writable
	}
	if windows.GetDriveType(drive) == windows.DRIVE_CDROM {
		return image
	}
	var flags uint32
	if err := windows.GetVolumeInformation(drive, nil, 0, nil, nil, &flags, nil, 0); err == nil && flags&windows.FILE_READ_ONLY_VOLUME != 0 {
		return readOnly
	}
	return writable
}

// access opens the folder with the right to make files, which makes none.
func access(target string) (Finding, bool) {
	folder := filepath.Dir(target)
	path, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return Finding{}, false
	}
	share := uint32(windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE)
	h, err := windows.CreateFile(path, fileAddFile, share, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	switch {
	case err == nil:
		_ = windows.CloseHandle(h)
	case errors.Is(err, windows.ERROR_WRITE_PROTECT):
		return Finding{Code: ReadOnly, Path: folder}, true
	case errors.Is(err, windows.ERROR_ACCESS_DENIED):
		return Finding{Code: NotYours, Path: folder, Owner: ownerName(folder)}, true
	}
	return Finding{}, false
}

// ownerName returns "" where the system does not say.
func ownerName(folder string) string {
	security, err := windows.GetNamedSecurityInfo(folder, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return ""
	}
	owner, _, err := security.Owner()
	if err != nil || owner == nil {
		return ""
	}
	account, _, _, err := owner.LookupAccount("")
	if err != nil {
		return owner.String()
	}
	return account
}
