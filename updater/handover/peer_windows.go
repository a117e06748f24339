package handover

import (
	"fmt"
	"net"

	"golang.org/x/sys/windows"
)

// samePeer refuses a peer of another user, should the pipe's security descriptor ever be wrong. Of the two ends of a pipe one is this very
// process; the other is the peer.
func samePeer(conn net.Conn) error {
	pipe, ok := conn.(interface{ Fd() uintptr })
	if !ok {
		return fmt.Errorf("the peer's process cannot be told: %w", ErrRefused)
	}
	peer, err := peerProcess(windows.Handle(pipe.Fd()))
	if err != nil {
		return fmt.Errorf("find the peer's process: %w", err)
	}
	theirs, err := userOf(peer)
	if err != nil {
		return fmt.Errorf("read the peer's user: %w", err)
	}
	ours, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("read this process's user: %w", err)
	}
	if !ours.User.Sid.Equals(theirs) {
		return fmt.Errorf("the peer runs as %s: %w", theirs, ErrRefused)
	}
	return nil
}

func peerProcess(pipe windows.Handle) (uint32, error) {
	var server, client uint32
	if err := windows.GetNamedPipeServerProcessId(pipe, &server); err != nil {
		return 0, err
	}
	if server != windows.GetCurrentProcessId() {
		return server, nil
	}
	err := windows.GetNamedPipeClientProcessId(pipe, &client)
	return client, err
}

func userOf(pid uint32) (*windows.SID, error) {
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(process)
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return nil, err
	}
	defer token.Close()
	user, err := token.GetTokenUser()
	if err != nil {
		return nil, err
	}
	return user.User.Sid.Copy()
}
