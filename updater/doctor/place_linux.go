package doctor

import "golang.org/x/sys/unix"

// images are file systems that have no way to write; programs meet them in mounted files and on discs. (A squashfs mounted by a user's process
// looks like any file system of that kind, and is found to be read-only.)
var images = map[uint32]bool{
	unix.SQUASHFS_MAGIC: true, unix.ISOFS_SUPER_MAGIC: true, unix.UDF_SUPER_MAGIC: true, unix.EROFS_SUPER_MAGIC_V1: true, unix.CRAMFS_MAGIC: true,
}

func volumeOf(folder string) volume {
	var st unix.Statfs_t
	if unix.Statfs(folder, &st) != nil {
		return writable
	}
	return volumeKind(uint32(st.Type), uint64(st.Flags))
}

func volumeKind(magic uint32, flags uint64) volume {
	switch {
	case images[magic]:
		return image
	case flags&unix.MS_RDONLY != 0:
		return readOnly
	}
	return writable
}
