package system

import (
	"context"

	"github.com/godbus/dbus/v5"
)

// A property is something that a service on the system's bus says.
type property struct{ service, object, name string }

var (
	metered   = property{"org.freedesktop.NetworkManager", "/org/freedesktop/NetworkManager", "org.freedesktop.NetworkManager.Metered"}
	onBattery = property{"org.freedesktop.UPower", "/org/freedesktop/UPower", "org.freedesktop.UPower.OnBattery"}
	charge    = property{"org.freedesktop.UPower", "/org/freedesktop/UPower/devices/DisplayDevice", "org.freedesktop.UPower.Device.Percentage"}
)

// What NetworkManager says of a connection: it knows, or it guesses.
const (
	meteredYes = iota + 1
	meteredNo
	meteredProbably
	meteredProbablyNot
)

func read(ctx context.Context) State {
	s := State{Charge: -1}
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return s
	}
	defer bus.Close()
	if v, ok := get[uint32](ctx, bus, metered); ok {
		switch v {
		case meteredYes, meteredProbably:
			s.Metered = Yes
		case meteredNo, meteredProbablyNot:
			s.Metered = No
		}
	}
	if v, ok := get[bool](ctx, bus, onBattery); ok {
		s.Battery = answer(v)
	}
	if v, ok := get[float64](ctx, bus, charge); ok && v > 0 && v <= 100 {
		s.Charge = int(v)
	}
	return s
}

func get[T any](ctx context.Context, bus *dbus.Conn, p property) (value T, ok bool) {
	const method = "org.freedesktop.DBus.Properties.Get"
	last := len(p.name) - 1
	for p.name[last] != '.' {
		last--
	}
	var v dbus.Variant
	// A service that does not run is not worth starting for this.
	call := bus.Object(p.service, dbus.ObjectPath(p.object)).CallWithContext(ctx, method, dbus.FlagNoAutoStart, p.name[:last], p.name[last+1:])
	if call.Store(&v) != nil {
		return value, false
	}
	value, ok = v.Value().(T)
	return value, ok
}

// announcements says when one of the services has changed something, until ctx ends. Nil: nobody says so.
func announcements(ctx context.Context) <-chan struct{} {
	bus, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return nil
	}
	for _, p := range []property{metered, onBattery, charge} {
		err := bus.AddMatchSignalContext(ctx, dbus.WithMatchSender(p.service), dbus.WithMatchObjectPath(dbus.ObjectPath(p.object)),
			dbus.WithMatchInterface("org.freedesktop.DBus.Properties"), dbus.WithMatchMember("PropertiesChanged"))
		if err != nil {
			bus.Close()
			return nil
		}
	}
	signals, announced := make(chan *dbus.Signal, 16), make(chan struct{}, 1)
	bus.Signal(signals)
	go func() {
		defer bus.Close()
		for {
			select {
			case _, open := <-signals:
				if !open {
					return
				}
				select {
				case announced <- struct{}{}:
				default: // one is waiting already
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return announced
}
