package system

import (
	"context"
	"net/url"
	"os"

	"github.com/godbus/dbus/v5"
)

// lookUp asks the desktop's portal, which knows what the user set and what a configuration script says.
func lookUp(ctx context.Context, target string) *url.URL {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// A session without a bus has no portal, and none is started for it.
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address == "" {
		return nil
	}
	bus, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return nil
	}
	defer bus.Close()
	var proxies []string
	call := bus.Object("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop").
		CallWithContext(ctx, "org.freedesktop.portal.ProxyResolver.Lookup", 0, target)
	if call.Store(&proxies) != nil || len(proxies) == 0 {
		return nil
	}
	return parseProxy(proxies[0]) // "direct://" is none
}
