//go:build linux

package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// wire carries packets between two tun devices, late, and not all of them. Where it loses none, it takes what one write of the sender's kernel
// makes, up to 64 KiB, in one piece, as network cards do: else it would be slower than what it measures.
type wire struct {
	ends [2]*os.File
	over sync.WaitGroup
}

const (
	inFlight = 100_000 // packets on the wire in one direction; more are lost, as in a router
	largest  = 64<<10 + 256
)

type packet struct {
	due   time.Time
	bytes []byte
}

func newWire(server, client string, c Cell) (*wire, error) {
	w := &wire{}
	for i, name := range []string{server, client} {
		end, err := openTun(name, c.Loss == 0)
		if err != nil {
			w.close()
			return nil, err
		}
		w.ends[i] = end
	}
	w.carry(w.ends[0], w.ends[1], c.RTT/2, c.Loss/100)
	w.carry(w.ends[1], w.ends[0], c.RTT/2, 0)
	return w, nil
}

func openTun(name string, large bool) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/net/tun", Err: err}
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil && large {
		err = unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, unix.TUN_F_CSUM|unix.TUN_F_TSO4)
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun"), nil
}

// carry takes packets from one end to the other until the wire is closed.
func (w *wire) carry(from, to *os.File, delay time.Duration, loss float64) {
	queue := make(chan packet, inFlight)
	w.over.Go(func() {
		defer close(queue)
		var buf [largest]byte
		for {
			n, err := from.Read(buf[:])
			if errors.Is(err, os.ErrClosed) {
				return
			}
			if err != nil || rand.Float64() < loss {
				continue
			}
			select {
			case queue <- packet{time.Now().Add(delay), bytes.Clone(buf[:n])}:
			default:
			}
		}
	})
	w.over.Go(func() {
		for p := range queue {
			if early := time.Until(p.due); early > 0 {
				time.Sleep(early)
			}
			_, _ = to.Write(p.bytes) // a device that is gone, or full, loses it
		}
	})
}

func (w *wire) close() {
	for _, end := range w.ends {
		if end != nil {
			end.Close()
		}
	}
	w.over.Wait()
}
