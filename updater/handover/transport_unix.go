//go:build unix

package handover

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// listen opens a Unix socket in dir. The name carries the process number, so that two apps of one user do not meet, and a socket left by
// a dead process of the same number is replaced.
func listen(dir string) (net.Listener, string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	address := filepath.Join(dir, fmt.Sprintf("handover-%d", os.Getpid()))
	if err := os.Remove(address); err != nil && !os.IsNotExist(err) {
		return nil, "", err
	}
	listener, err := net.Listen("unix", address)
	if err != nil {
		return nil, "", err
	}
	return listener, address, os.Chmod(address, 0o600)
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", address)
}
