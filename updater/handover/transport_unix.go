//go:build unix

package handover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

const socketPrefix = "handover-"

// listen opens a Unix socket in dir. The name carries the process number, so that two apps of one user do not meet. Sockets that dead
// processes have left are removed.
func listen(dir string) (net.Listener, string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	sweep(dir)
	address := filepath.Join(dir, fmt.Sprintf("%s%d", socketPrefix, os.Getpid()))
	if err := os.Remove(address); err != nil && !os.IsNotExist(err) {
		return nil, "", err
	}
	listener, err := net.Listen("unix", address)
	if err != nil {
		return nil, "", err
	}
	if err := os.Chmod(address, 0o600); err != nil {
		return nil, "", errors.Join(err, listener.Close())
	}
	return listener, address, nil
}

// sweep removes sockets whose process has ended and that nobody answers on: its number may be that of a process that cannot be seen from here.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		number, ours := strings.CutPrefix(e.Name(), socketPrefix)
		pid, err := strconv.Atoi(number)
		if !ours || err != nil || pid <= 0 || e.Type() != fs.ModeSocket || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		conn, err := net.Dial("unix", path)
		if err == nil {
			conn.Close()
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			_ = os.Remove(path) // it is in nobody's way
		}
	}
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", address)
}
