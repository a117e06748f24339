//go:build unix

package fetch

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

func isDiskFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// freeSpace is how many bytes this user may still write to a folder's disk.
func freeSpace(folder string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, err
	}
	block := int64(s.Bsize) //nolint:unconvert // it is a uint32 on macOS
	if block <= 0 || s.Bavail > uint64(math.MaxInt64/block) {
		return math.MaxInt64, nil
	}
	return int64(s.Bavail) * block, nil
}

// sparse: files have holes here without being told.
func sparse(*os.File) {}
