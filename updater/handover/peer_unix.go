//go:build unix

package handover

import (
	"fmt"
	"net"
	"os"
)

// samePeer refuses a peer of another user, should the folder's mode ever be wrong.
func samePeer(conn net.Conn) error {
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return err
	}
	var user int
	var userErr error
	if err := raw.Control(func(fd uintptr) { user, userErr = peerUser(int(fd)) }); err != nil {
		return err
	}
	if userErr != nil {
		return fmt.Errorf("read the peer's user: %w", userErr)
	}
	if user != os.Geteuid() {
		return fmt.Errorf("the peer runs as user %d: %w", user, ErrRefused)
	}
	return nil
}
