//go:build linux || darwin

package install

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// aclName is a POSIX ACL as Linux shows it. A new file may have got one from its folder that the old one does not have.
const aclName = "system.posix_acl_access"

// left are attributes that say something of one file's bytes, or of where they came from, and so not of the next file.
var left = []string{"com.apple.quarantine", "com.apple.provenance", "com.apple.macl", "security.ima", "security.evm"}

// must says whether an update fails where the attribute cannot be kept: who may use the program, what it may do, and what its owner
// noted there. The rest belongs to the system, which gives it to every file as it sees fit.
func must(name string) bool {
	return name == aclName || name == "security.capability" || strings.HasPrefix(name, "user.")
}

func copyAttributes(old, made *os.File) error {
	names, err := attributes(old)
	if err != nil {
		return fmt.Errorf("read the attributes of %s: %w", old.Name(), err)
	}
	for _, name := range names {
		if slices.Contains(left, name) {
			continue
		}
		if err := copyAttribute(old, made, name); err != nil && must(name) {
			return fmt.Errorf("keep the attribute %s of %s: %w", name, old.Name(), err)
		}
	}
	if slices.Contains(names, aclName) {
		return nil
	}
	err = unix.Fremovexattr(int(made.Fd()), aclName)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		return nil // it has none
	}
	return err
}

// attributes lists the names. A file system without any has none.
func attributes(f *os.File) ([]string, error) {
	list, err := grow(func(b []byte) (int, error) { return unix.Flistxattr(int(f.Fd()), b) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00"), nil
}

func copyAttribute(old, made *os.File, name string) error {
	value, err := grow(func(b []byte) (int, error) { return unix.Fgetxattr(int(old.Fd()), name, b) })
	if err != nil {
		return err
	}
	return unix.Fsetxattr(int(made.Fd()), name, value, 0)
}

// maxAttribute is more than systems allow.
const maxAttribute = 1 << 20

// grow reads what may be longer than expected.
func grow(read func([]byte) (int, error)) ([]byte, error) {
	for b := make([]byte, 1024); ; b = make([]byte, 4*len(b)) {
		n, err := read(b)
		if errors.Is(err, unix.ERANGE) && len(b) < maxAttribute {
			continue
		}
		return b[:max(n, 0)], err
	}
}
