//go:build !linux

package handover

import "net"

// samePeer relies on the mode of the socket's folder, or on the pipe's security descriptor.
func samePeer(net.Conn) error { return nil }
