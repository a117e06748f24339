package fetch_test

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
)

// network is a server that lives in memory, so that it can be used with fake time.
type network struct {
	conns chan net.Conn
	quit  chan struct{}
}

// newNetwork starts the server and returns a client that reaches it under any address.
func newNetwork(t *testing.T, handler http.HandlerFunc) *http.Client {
	n := &network{conns: make(chan net.Conn), quit: make(chan struct{})}
	var over sync.WaitGroup
	server := &http.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		over.Add(1)
		defer over.Done()
		handler(w, r)
	})}
	over.Go(func() { _ = server.Serve(n) }) // it ends with ErrServerClosed
	transport := &http.Transport{DialContext: n.dial, MaxIdleConnsPerHost: 32}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		over.Wait()
	})
	return &http.Client{Transport: transport}
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.quit:
	case <-ctx.Done():
	}
	return nil, net.ErrClosed
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.quit:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error   { close(n.quit); return nil }
func (n *network) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }
