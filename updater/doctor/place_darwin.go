package doctor

import (
	"strings"

	"golang.org/x/sys/unix"
)

// volumeOf takes for an image what is mounted read-only where the Finder mounts disk images.
func volumeOf(folder string) volume {
	var st unix.Statfs_t
	if unix.Statfs(folder, &st) != nil || st.Flags&unix.MNT_RDONLY == 0 {
		return writable
	}
	if strings.HasPrefix(unix.ByteSliceToString(st.Mntonname[:]), "/Volumes/") {
		return image
	}
	return readOnly
}
