package handover

import (
	"context"
	"crypto/rand"
	"net"

	"github.com/Microsoft/go-winio"
)

// listen opens a named pipe that only the current user (its owner) may open. dir is not used: pipes have a name space of their own.
func listen(string) (net.Listener, string, error) {
	address := `\\.\pipe\handover-` + rand.Text()
	listener, err := winio.ListenPipe(address, &winio.PipeConfig{SecurityDescriptor: "D:P(A;;GA;;;OW)"})
	return listener, address, err
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, address)
}
