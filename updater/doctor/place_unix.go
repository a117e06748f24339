//go:build unix

package doctor

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// access tells whether files may be made and replaced beside target.
func access(target string) (Finding, bool) {
	folder := filepath.Dir(target)
	var st unix.Stat_t
	if unix.Stat(folder, &st) != nil {
		return Finding{}, false
	}
	ours := int(st.Uid) == os.Geteuid()
	err := unix.Faccessat(unix.AT_FDCWD, folder, unix.W_OK|unix.X_OK, unix.AT_EACCESS)
	switch {
	case errors.Is(err, unix.EROFS), ours && denied(err):
		return Finding{Code: ReadOnly, Path: folder}, true
	case denied(err), err == nil && !ours && guarded(&st, target):
		return Finding{Code: NotYours, Path: folder, Owner: userName(st.Uid)}, true
	}
	return Finding{}, false
}

func denied(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

// guarded tells whether everybody may write to a folder, but replace only what is their own.
func guarded(folder *unix.Stat_t, target string) bool {
	var st unix.Stat_t
	return folder.Mode&unix.S_ISVTX != 0 && os.Geteuid() != 0 && unix.Stat(target, &st) == nil && int(st.Uid) != os.Geteuid()
}

func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
