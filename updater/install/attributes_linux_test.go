package install

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// list is a POSIX ACL as the system stores it: the owner everything, one more user reading, the rest nothing.
func list(user uint32) []byte {
	const undefined = 0xffffffff
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{0x01, 7, undefined}, {0x02, 4, user}, {0x04, 0, undefined}, {0x10, 5, undefined}, {0x20, 0, undefined}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

func (s *site) attribute(name string) []byte {
	s.Helper()
	b := make([]byte, 256)
	n, err := unix.Getxattr(s.target, name, b)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	s.ok(err)
	return b[:n]
}

func TestAttributesAreKept(t *testing.T) {
	s := newSite(t)
	if err := unix.Setxattr(s.target, "user.note", []byte("mine"), 0); errors.Is(err, unix.ENOTSUP) {
		t.Skip("this file system has no attributes")
	}
	kept := map[string][]byte{"user.note": []byte("mine"), aclName: list(4321)}
	for name, value := range kept {
		s.ok(unix.Setxattr(s.target, name, value, 0))
	}
	i := s.open()
	for _, stage := range []func() error{
		func() error { return i.Patch(t.Context(), s.codec(), s.patch(i, s.old, s.new), artifact(s.new)) },
		func() error { return i.Unpack(t.Context(), s.full(i, s.new), artifact(s.new)) },
	} {
		s.ok(stage())
		s.ok(i.Swap(t.Context()))
		s.runs(s.new)
		for name, want := range kept {
			if got := s.attribute(name); !bytes.Equal(got, want) {
				t.Errorf("%s is %x, want %x", name, got, want)
			}
		}
		s.ok(i.RollBack())
	}

	// An ACL that the folder would give is not the old file's.
	s.ok(unix.Removexattr(s.target, aclName))
	s.ok(unix.Setxattr(s.folder, "system.posix_acl_default", list(4321), 0))
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	if got := s.attribute(aclName); got != nil {
		t.Errorf("the new file has the ACL %x", got)
	}
}

func TestOwnerIsKept(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files away needs root")
	}
	s := newSite(t)
	s.ok(os.Chown(s.target, 1234, 4321))
	s.ok(os.Chmod(s.target, 0o750|os.ModeSetgid))
	i := s.open()
	s.stage(i)
	s.ok(i.Swap(t.Context()))
	info, err := os.Stat(s.target)
	s.ok(err)
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1234 || stat.Gid != 4321 || info.Mode() != 0o750|os.ModeSetgid {
		t.Errorf("it belongs to %d:%d, %v", stat.Uid, stat.Gid, info.Mode())
	}
}

// What an ordinary user may not give away is done in a child that is one.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("becoming another user needs root")
	}
	const user = 1234
	for name, c := range map[string]struct {
		owner, group int
		mode         os.FileMode
		ends         string
		after        os.FileMode
	}{
		"another user's program":     {0, user, 0o755, ErrOwner.Error(), 0o755},
		"another group's program":    {user, 0, 0o775, "", 0o755},
		"a group with a secret":      {user, 0, 0o2750, "", 0o700},
		"one's own, write-protected": {user, user, 0o555, "", 0o555},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			i := s.open()
			s.patch(i, s.old, s.new)
			mode := c.mode&0o777 | map[bool]os.FileMode{true: os.ModeSetgid}[c.mode&0o2000 != 0]
			s.ok(os.Chown(s.target, c.owner, c.group))
			s.ok(os.Chmod(s.target, mode))
			s.reachable(user)
			cmd := exec.Command(s.state+"/test", "-test.run=^TestChildOfAnOrdinaryUser$")
			cmd.Env = append(os.Environ(), "INSTALL_CHILD="+s.state, "INSTALL_TARGET="+s.target)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
			out, err := cmd.CombinedOutput()
			if (err == nil) != (c.ends == "") || !strings.Contains(string(out), c.ends) {
				t.Fatalf("the child: %v\n%s", err, out)
			}
			info, err := os.Stat(s.target)
			s.ok(err)
			if got := info.Mode(); c.ends == "" && got != c.after {
				t.Errorf("it is %v now, want %v", got, c.after)
			}
		})
	}
}

// reachable gives a user the folders, and a copy of this test.
func (s *site) reachable(user int) {
	s.Helper()
	self, err := os.ReadFile(os.Args[0])
	s.ok(err)
	s.write(s.state+"/test", self)
	for dir := s.folder; len(dir) > len(os.TempDir()); dir = dir[:strings.LastIndexByte(dir, '/')] {
		s.ok(os.Chmod(dir, 0o755))
	}
	for _, own := range []string{s.folder, s.state, s.state + "/downloads", s.state + "/downloads/p", s.state + "/journal", s.state + "/journal.lock", s.state + "/lock", s.state + "/test"} {
		s.ok(os.Chown(own, user, user))
	}
}

func TestChildOfAnOrdinaryUser(t *testing.T) {
	if os.Getenv("INSTALL_CHILD") == "" {
		t.Skip("runs only as a child of TestOrdinaryUser")
	}
	s := &site{TB: t, state: os.Getenv("INSTALL_CHILD"), target: os.Getenv("INSTALL_TARGET"), old: version("1.0.0"), new: version("1.1.0")}
	i := s.open()
	writable := i.Writable()
	err := i.Patch(t.Context(), s.codec(), s.state+"/downloads/p", artifact(s.new))
	if errors.Is(err, ErrOwner) != errors.Is(writable, ErrOwner) {
		t.Errorf("Writable says %v", writable)
	}
	s.ok(err)
	s.ok(i.Swap(t.Context()))
	s.ok(i.Confirm())
}
