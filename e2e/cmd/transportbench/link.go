//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Cell is a kind of network.
type Cell struct {
	RTT  time.Duration `json:"-"`
	MS   int           `json:"rtt_ms"`
	Loss float64       `json:"loss_percent"` // of the packets that go to the client
}

func (c Cell) String() string { return fmt.Sprintf("%d ms, %g %%", c.MS, c.Loss) }

// A link joins two network namespaces, of a server and of a client. Every packet takes half of the cell's round trip time, and packets to
// the client are lost at random. Where the kernel has netem, it does that on a veth pair; else this process carries the packets between
// two tun devices.
type link struct {
	server, client string // names of the namespaces
	how            string // "veth", "veth with netem" or "tun"
	wire           *wire
	restore        func() // what was changed in the system; nil: nothing
}

const (
	serverAddress = "10.77.0.1"
	clientAddress = "10.77.0.2"
)

func newLink(ctx context.Context, c Cell) (_ *link, err error) {
	tag := fmt.Sprintf("tb%d", os.Getpid()%100000)
	l := &link{server: tag + "s", client: tag + "c", how: "veth"}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for _, ns := range []string{l.server, l.client} {
		if err := ip(ctx, "netns", "add", ns); err != nil {
			return nil, fmt.Errorf("make a network namespace (this needs root): %w", err)
		}
	}
	switch {
	case c.RTT == 0 && c.Loss == 0:
		err = l.veth(ctx, tag)
	case hasNetem(ctx, l.server):
		l.how = "veth with netem"
		err = errors.Join(l.veth(ctx, tag), l.netem(ctx, tag, c))
	default:
		l.how = "tun"
		err = l.tun(ctx, tag, c)
	}
	if err != nil {
		return nil, err
	}
	for _, end := range []struct{ ns, device, address, peer string }{
		{l.server, tag + "s", serverAddress, clientAddress}, {l.client, tag + "c", clientAddress, serverAddress},
	} {
		err := errors.Join(
			ip(ctx, "-n", end.ns, "addr", "add", end.address, "peer", end.peer, "dev", end.device),
			ip(ctx, "-n", end.ns, "link", "set", "lo", "up"),
			ip(ctx, "-n", end.ns, "link", "set", end.device, "mtu", "1500", "txqueuelen", "100000", "up"),
			// No download may profit from what the one before it found out.
			inside(ctx, end.ns, "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1"))
		if err != nil {
			return nil, err
		}
	}
	return l, l.cubic(ctx)
}

// cubic makes the server send as most servers do. A system that is set to something else may not allow it to a namespace: then it is allowed
// while the link is there.
func (l *link) cubic(ctx context.Context) error {
	set := func() error { return inside(ctx, l.server, "sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic") }
	if set() == nil {
		return nil
	}
	before, err := os.ReadFile(allowedControls)
	if err != nil {
		return err
	}
	l.restore = func() { _ = os.WriteFile(allowedControls, before, 0) }
	if err := os.WriteFile(allowedControls, append(bytes.TrimSpace(before), " cubic"...), 0); err != nil {
		return err
	}
	return set()
}

const allowedControls = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"

func (l *link) veth(ctx context.Context, tag string) error {
	return ip(ctx, "link", "add", tag+"s", "netns", l.server, "type", "veth", "peer", "name", tag+"c", "netns", l.client)
}

func (l *link) netem(ctx context.Context, tag string, c Cell) error {
	half := fmt.Sprintf("%dus", c.RTT.Microseconds()/2)
	return errors.Join(
		run(ctx, "tc", "-n", l.server, "qdisc", "add", "dev", tag+"s", "root", "netem", "limit", "100000", "delay", half, "loss", fmt.Sprintf("%g%%", c.Loss)),
		run(ctx, "tc", "-n", l.client, "qdisc", "add", "dev", tag+"c", "root", "netem", "limit", "100000", "delay", half))
}

func (l *link) tun(ctx context.Context, tag string, c Cell) (err error) {
	l.wire, err = newWire(tag+"s", tag+"c", c)
	if err != nil {
		return err
	}
	return errors.Join(
		ip(ctx, "link", "set", tag+"s", "netns", l.server),
		ip(ctx, "link", "set", tag+"c", "netns", l.client))
}

func (l *link) close() {
	if l.wire != nil {
		l.wire.close()
	}
	if l.restore != nil {
		l.restore()
	}
	for _, ns := range []string{l.server, l.client} {
		_ = ip(context.Background(), "netns", "del", ns)
	}
}

func hasNetem(ctx context.Context, ns string) bool {
	defer func() { _ = run(ctx, "tc", "-n", ns, "qdisc", "del", "dev", "lo", "root") }()
	return run(ctx, "tc", "-n", ns, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms") == nil
}

// command is a process in a namespace.
func command(ctx context.Context, ns string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", ns}, args...)...)
}

func inside(ctx context.Context, ns string, args ...string) error {
	return run(ctx, "ip", append([]string{"netns", "exec", ns}, args...)...)
}

func ip(ctx context.Context, args ...string) error { return run(ctx, "ip", args...) }

func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func serverURL() string { return "http://" + net.JoinHostPort(serverAddress, "8080") + "/file" }
