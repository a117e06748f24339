//go:build unix

package install

import (
	"errors"
	"math"

	"golang.org/x/sys/unix"
)

// freeSpace is what an ordinary user may still write to the disk of dir.
func freeSpace(dir string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	block := int64(s.Bsize) //nolint:unconvert // it is a uint32 on macOS
	if block <= 0 || s.Bavail > uint64(math.MaxInt64/block) {
		return math.MaxInt64, nil
	}
	return int64(s.Bavail) * block, nil
}

func isNoSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

func isReadOnly(err error) bool {
	return errors.Is(err, unix.EROFS) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOTDIR)
}
