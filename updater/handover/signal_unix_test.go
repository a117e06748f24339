//go:build unix

package handover_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// serve answers requests with its generation until it has handed over and its last request is answered. SIGUSR2 makes it hand over.
func serve() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var generation int
	if _, err := fmt.Sscan(os.Getenv(generationVariable), &generation); err != nil {
		return err
	}
	var open sync.WaitGroup // connections
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, generation) }),
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				open.Add(1)
			case http.StateClosed, http.StateHijacked:
				open.Done()
			}
		},
	}
	restart := make(chan struct{}, 1)
	handover.OnSignal(ctx, func() { restart <- struct{}{} })

	var listener net.Listener
	var predecessor *handover.Successor
	var err error
	if handover.Invited() {
		listener, predecessor, err = inherit(ctx)
	} else {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if predecessor != nil {
		if err := errors.Join(predecessor.Alive(), predecessor.Confirm()); err != nil {
			return err
		}
	}
	fmt.Println(listener.Addr(), os.Getpid())
	select {
	case err := <-served:
		return err
	case <-restart:
	}
	if err := succeedBy(ctx, listener, generation+1); err != nil {
		return err
	}
	// Shutdown would close connections whose first request it is just reading. So: nothing new, then the end of every connection, then Shutdown.
	listener.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		return err
	}
	server.SetKeepAlivesEnabled(false)
	open.Wait()
	return server.Shutdown(ctx)
}

func inherit(ctx context.Context) (net.Listener, *handover.Successor, error) {
	s, err := handover.Join(ctx, "2", os.Stdin)
	if err != nil {
		return nil, nil, err
	}
	if err := s.Ready(handover.Report{}); err != nil {
		return nil, nil, err
	}
	if _, err := s.Await(ctx); err != nil {
		return nil, nil, err
	}
	file := s.File("http")
	defer file.Close()
	listener, err := net.FileListener(file)
	return listener, s, err
}

func succeedBy(ctx context.Context, listener net.Listener, generation int) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", generationVariable, generation))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	i, err := handover.Start(ctx, os.Getenv(dirVariable), cmd, nil)
	if err != nil {
		return err
	}
	if _, err := i.Ready(ctx); err != nil {
		return err
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer file.Close()
	if err := i.Pass("http", file); err != nil {
		return err
	}
	if err := i.Commit(ctx, nil); err != nil {
		return err
	}
	outcome, err := i.Guard(ctx)
	if outcome != handover.Confirmed {
		return fmt.Errorf("the next generation: %s, %w", outcome, err)
	}
	return nil
}

// A server is replaced again and again under load by SIGUSR2. Every request is answered, half of them on connections of their own, half on
// kept ones.
func TestSignalReplacesAServerUnderLoad(t *testing.T) {
	dir, err := os.MkdirTemp("", "ho")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), generationVariable+"=1", dirVariable+"="+dir)
	cmd.Stdout, cmd.Stderr = in, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	go func() { _ = cmd.Wait() }() // it ends after the first handover; what it does wrong, it says on standard error
	says := bufio.NewReader(out)
	next := func() (address string, pid int) {
		if _, err := fmt.Fscanln(says, &address, &pid); err != nil {
			t.Fatal(err)
		}
		return address, pid
	}

	address, pid := next()
	load := newLoad("http://" + address)
	load.reached(1)
	const generations, between = 8, 40
	for generation := 2; generation <= generations; generation++ {
		load.answered(between)
		if err := syscall.Kill(pid, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		_, pid = next()
		load.reached(generation)
	}
	if total, err := load.stop(); err != nil {
		t.Errorf("of %d requests: %v", total, err)
	} else {
		t.Logf("%d requests, every one answered", total)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, says) // until all of them have ended
}

// load is 200 requests a second.
type load struct {
	mu     sync.Mutex
	newest int
	failed error
	total  int
	more   *sync.Cond
	done   chan struct{}
	all    sync.WaitGroup
}

func newLoad(url string) *load {
	l := &load{done: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	kept := &http.Client{Transport: &http.Transport{}}
	single := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	l.all.Go(func() {
		every := time.NewTicker(5 * time.Millisecond)
		defer every.Stop()
		for client, other := kept, single; ; client, other = other, client {
			select {
			case <-every.C:
				l.all.Go(func() { l.record(get(client, url)) })
			case <-l.done:
				return
			}
		}
	})
	return l
}

func get(client *http.Client, url string) (generation int, err error) {
	r, err := client.Get(url)
	if err != nil {
		return 0, err
	}
	defer r.Body.Close()
	_, err = fmt.Fscan(r.Body, &generation)
	return generation, err
}

func (l *load) record(generation int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	l.newest = max(l.newest, generation)
	l.failed = errors.Join(l.failed, err)
	l.more.Broadcast()
}

// reached waits until a generation has answered, answered until so many more requests were. Both end when a request has failed.
func (l *load) reached(generation int) { l.await(func() bool { return l.newest >= generation }) }

func (l *load) answered(more int) {
	l.mu.Lock()
	want := l.total + more
	l.mu.Unlock()
	l.await(func() bool { return l.total >= want })
}

func (l *load) await(enough func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !enough() && l.failed == nil {
		l.more.Wait()
	}
}

func (l *load) stop() (int, error) {
	close(l.done)
	l.all.Wait()
	return l.total, l.failed
}
