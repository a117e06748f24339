//go:build linux && amd64

package calls

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// arguments are those of a stopped call, with its process's memory.
type arguments struct {
	tid  int
	args [6]uint64
	keep bool
}

// table says how each traced call is read. What a call does not change, it returns nil for.
var table = map[uint64]struct {
	name string
	read func(a *arguments) *Call
}{
	unix.SYS_OPEN:   {"open", func(a *arguments) *Call { return a.open(a.at(-1, 0), 1, 2) }},
	unix.SYS_OPENAT: {"openat", func(a *arguments) *Call { return a.open(a.at(0, 1), 2, 3) }},
	unix.SYS_CREAT: {"creat", func(a *arguments) *Call {
		return &Call{Kind: Open, Path: a.at(-1, 0), Flags: unix.O_CREAT | unix.O_TRUNC}
	}},
	unix.SYS_WRITE:           {"write", func(a *arguments) *Call { return a.write(a.position(0), a.bytes(1, 2)) }},
	unix.SYS_PWRITE64:        {"pwrite64", func(a *arguments) *Call { return a.write(int64(a.args[3]), a.bytes(1, 2)) }},
	unix.SYS_WRITEV:          {"writev", func(a *arguments) *Call { return a.write(a.position(0), a.vector(1, 2)) }},
	unix.SYS_PWRITEV:         {"pwritev", func(a *arguments) *Call { return a.write(int64(a.args[3]), a.vector(1, 2)) }},
	unix.SYS_COPY_FILE_RANGE: {"copy_file_range", func(a *arguments) *Call { return a.copy(2, 0, 4) }},
	unix.SYS_SENDFILE:        {"sendfile", func(a *arguments) *Call { return a.copy(0, 1, 3) }},
	unix.SYS_FTRUNCATE:       {"ftruncate", func(a *arguments) *Call { return &Call{Kind: Truncate, Path: a.file(0), Size: int64(a.args[1])} }},
	unix.SYS_TRUNCATE:        {"truncate", func(a *arguments) *Call { return &Call{Kind: Truncate, Path: a.at(-1, 0), Size: int64(a.args[1])} }},
	unix.SYS_FALLOCATE:       {"fallocate", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.file(0)} }},
	unix.SYS_FSYNC:           {"fsync", func(a *arguments) *Call { return &Call{Kind: Sync, Path: a.file(0)} }},
	unix.SYS_FDATASYNC:       {"fdatasync", func(a *arguments) *Call { return &Call{Kind: Sync, Path: a.file(0)} }},
	unix.SYS_RENAME:          {"rename", func(a *arguments) *Call { return &Call{Kind: Rename, Path: a.at(-1, 0), To: a.at(-1, 1)} }},
	unix.SYS_RENAMEAT:        {"renameat", func(a *arguments) *Call { return &Call{Kind: Rename, Path: a.at(0, 1), To: a.at(2, 3)} }},
	unix.SYS_RENAMEAT2: {"renameat2", func(a *arguments) *Call {
		return &Call{Kind: Rename, Path: a.at(0, 1), To: a.at(2, 3), Flags: int(a.args[4])}
	}},
	unix.SYS_LINK:         {"link", func(a *arguments) *Call { return &Call{Kind: Link, Path: a.at(-1, 0), To: a.at(-1, 1)} }},
	unix.SYS_LINKAT:       {"linkat", func(a *arguments) *Call { return &Call{Kind: Link, Path: a.at(0, 1), To: a.at(2, 3)} }},
	unix.SYS_SYMLINK:      {"symlink", func(a *arguments) *Call { return &Call{Kind: Symlink, Path: a.text(0), To: a.at(-1, 1)} }},
	unix.SYS_SYMLINKAT:    {"symlinkat", func(a *arguments) *Call { return &Call{Kind: Symlink, Path: a.text(0), To: a.at(1, 2)} }},
	unix.SYS_UNLINK:       {"unlink", func(a *arguments) *Call { return &Call{Kind: Unlink, Path: a.at(-1, 0)} }},
	unix.SYS_UNLINKAT:     {"unlinkat", func(a *arguments) *Call { return &Call{Kind: Unlink, Path: a.at(0, 1), Flags: int(a.args[2])} }},
	unix.SYS_RMDIR:        {"rmdir", func(a *arguments) *Call { return &Call{Kind: Unlink, Path: a.at(-1, 0), Flags: unix.AT_REMOVEDIR} }},
	unix.SYS_MKDIR:        {"mkdir", func(a *arguments) *Call { return &Call{Kind: Mkdir, Path: a.at(-1, 0), Mode: uint32(a.args[1])} }},
	unix.SYS_MKDIRAT:      {"mkdirat", func(a *arguments) *Call { return &Call{Kind: Mkdir, Path: a.at(0, 1), Mode: uint32(a.args[2])} }},
	unix.SYS_CHMOD:        {"chmod", func(a *arguments) *Call { return &Call{Kind: Mode, Path: a.at(-1, 0), Mode: uint32(a.args[1])} }},
	unix.SYS_FCHMOD:       {"fchmod", func(a *arguments) *Call { return &Call{Kind: Mode, Path: a.file(0), Mode: uint32(a.args[1])} }},
	unix.SYS_FCHMODAT:     {"fchmodat", func(a *arguments) *Call { return &Call{Kind: Mode, Path: a.at(0, 1), Mode: uint32(a.args[2])} }},
	unix.SYS_FCHMODAT2:    {"fchmodat2", func(a *arguments) *Call { return &Call{Kind: Mode, Path: a.at(0, 1), Mode: uint32(a.args[2])} }},
	unix.SYS_FCHOWN:       {"fchown", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.file(0)} }},
	unix.SYS_FCHOWNAT:     {"fchownat", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.at(0, 1)} }},
	unix.SYS_FSETXATTR:    {"fsetxattr", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.file(0)} }},
	unix.SYS_FREMOVEXATTR: {"fremovexattr", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.file(0)} }},
	unix.SYS_UTIMENSAT:    {"utimensat", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.at(0, 1)} }},
	unix.SYS_BIND:         {"bind", func(a *arguments) *Call { return &Call{Kind: Other, Path: a.socket(1, 2)} }},
}

// traced are the numbers of the calls for command launch.
func traced() string {
	var all []string
	for _, n := range slices.Sorted(maps.Keys(table)) {
		all = append(all, strconv.FormatUint(n, 10))
	}
	return strings.Join(all, ",")
}

func (a *arguments) open(path string, flags, mode int) *Call {
	c := &Call{Kind: Open, Path: path, Flags: int(a.args[flags]), Mode: uint32(a.args[mode])}
	if c.Flags&(unix.O_CREAT|unix.O_TRUNC) == 0 {
		return nil
	}
	return c
}

func (a *arguments) write(offset int64, data []byte) *Call {
	return &Call{Kind: Write, Path: a.file(0), Offset: offset, Data: data}
}

// copy is a write of what another file holds.
func (a *arguments) copy(to, from, length int) *Call {
	c := &Call{Kind: Write, Path: a.file(to), Offset: a.position(to)}
	if !a.keep {
		return c
	}
	in, err := os.Open(fmt.Sprintf("/proc/%d/fd/%d", a.tid, int32(a.args[from])))
	if err != nil {
		return c
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return c
	}
	at := a.position(from)
	c.Data = make([]byte, max(0, min(int64(a.args[length]), info.Size()-at)))
	n, _ := in.ReadAt(c.Data, at)
	c.Data = c.Data[:n]
	return c
}

// file is where an open file lies. Sockets, pipes and files without a name are not below any folder.
func (a *arguments) file(n int) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", a.tid, int32(a.args[n])))
	if err != nil {
		return ""
	}
	return path
}

// at is the path that a folder's descriptor and a name lead to; no descriptor is the working folder.
func (a *arguments) at(folder, name int) string {
	path := a.text(name)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	var from string
	if folder < 0 || int32(a.args[folder]) == unix.AT_FDCWD {
		from, _ = os.Readlink(fmt.Sprintf("/proc/%d/cwd", a.tid))
	} else {
		from = a.file(folder)
	}
	return filepath.Join(from, path)
}

// position is where an open file is written or read next.
func (a *arguments) position(n int) int64 {
	if !a.keep {
		return 0
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", a.tid, int32(a.args[n])))
	if err != nil {
		return 0
	}
	var position int64
	_, _ = fmt.Sscanf(string(b), "pos: %d", &position)
	return position
}

func (a *arguments) memory(at uint64, b []byte) int {
	n, err := unix.ProcessVMReadv(a.tid, []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil {
		return 0
	}
	return n
}

// text is a string that ends in a zero byte. It is read to the ends of pages, because the next one may not be there.
func (a *arguments) text(n int) string {
	var text []byte
	for at := a.args[n]; len(text) < 4096; {
		b := make([]byte, 4096-at%4096)
		got := b[:a.memory(at, b)]
		if end := bytes.IndexByte(got, 0); end >= 0 || len(got) == 0 {
			return string(append(text, got[:max(end, 0)]...))
		}
		text, at = append(text, got...), at+uint64(len(got))
	}
	return string(text)
}

func (a *arguments) bytes(at, length int) []byte {
	if !a.keep || a.args[length] == 0 || a.args[length] > 64<<20 {
		return nil
	}
	b := make([]byte, a.args[length])
	return b[:a.memory(a.args[at], b)]
}

func (a *arguments) vector(at, count int) (all []byte) {
	if !a.keep {
		return nil
	}
	for n := range a.args[count] {
		pair := make([]byte, 16)
		a.memory(a.args[at]+16*n, pair)
		one := arguments{tid: a.tid, keep: true}
		one.args[0], one.args[1] = number(pair[:8]), number(pair[8:])
		all = append(all, one.bytes(0, 1)...)
	}
	return all
}

func number(b []byte) (n uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		n = n<<8 | uint64(b[i])
	}
	return n
}

// socket is the name that a Unix socket is given.
func (a *arguments) socket(at, length int) string {
	if a.args[length] < 3 || a.args[length] > 110 {
		return ""
	}
	b := make([]byte, a.args[length])
	b = b[:a.memory(a.args[at], b)]
	if len(b) < 3 || uint16(b[0])|uint16(b[1])<<8 != syscall.AF_UNIX || b[2] == 0 {
		return ""
	}
	name, _, _ := bytes.Cut(b[2:], []byte{0})
	return filepath.Clean(string(name))
}
