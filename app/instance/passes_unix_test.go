//go:build unix

package instance_test

import (
	"os"

	"golang.org/x/sys/unix"
)

// passes says whether this system passes locks on.
const passes = true

func duplicate(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return os.NewFile(uintptr(fd), f.Name()), err
}
