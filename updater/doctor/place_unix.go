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
	case denied(err):
		return Finding{Code: NotYours, Path: folder, Owner: userName(st.Uid)}, true
	case err == nil:
		return foreign(target)
	}
	return Finding{}, false
}

func denied(err error) bool { return errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) }

// foreign finds a program of another user's in a folder that we may write to: the new one would be ours, if the folder let us replace it at all.
func foreign(target string) (Finding, bool) {
	var st unix.Stat_t
	if os.Geteuid() == 0 || unix.Stat(target, &st) != nil || int(st.Uid) == os.Geteuid() {
		return Finding{}, false
	}
	return Finding{Code: NotYours, Path: target, Owner: userName(st.Uid)}, true
}

func userName(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}
