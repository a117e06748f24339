package handover

import (
	"context"
	"crypto/rand"
	"net"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// listen opens a named pipe that only the current user (its owner) may open. dir is not used: pipes have a name space of their own.
func listen(string) (net.Listener, string, error) {
	address := `\\.\pipe\handover-` + rand.Text()
	listener, err := winio.ListenPipe(address, &winio.PipeConfig{SecurityDescriptor: "D:P(A;;GA;;;OW)"})
	if err != nil {
		return nil, "", err
	}
	usePlaceholder(address)
	return listener, address, nil
}

// usePlaceholder connects once before anybody listens. A listener keeps its name by a first instance of the pipe that is never listened to, and
// that Windows therefore lets nobody connect to; Wine does, and the successor would talk to nobody. Refused, there is nothing to do.
func usePlaceholder(address string) {
	path, err := windows.UTF16PtrFromString(address)
	if err != nil {
		return
	}
	h, err := windows.CreateFile(path, 0, 0, nil, windows.OPEN_EXISTING, windows.SECURITY_SQOS_PRESENT|windows.SECURITY_ANONYMOUS, 0)
	if err == nil {
		_ = windows.CloseHandle(h)
	}
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, address)
}
