package system

import (
	"context"
	"net/url"

	"golang.org/x/sys/windows/registry"
)

// lookUp reads the user's internet settings. A configuration script is not run: who has one sets HTTPS_PROXY.
func lookUp(_ context.Context, target string) *url.URL {
	key, err := registry.OpenKey(registry.CURRENT_USER, `Software\Microsoft\Windows\CurrentVersion\Internet Settings`, registry.QUERY_VALUE)
	if err != nil {
		return nil
	}
	defer key.Close()
	if on, _, err := key.GetIntegerValue("ProxyEnable"); err != nil || on == 0 {
		return nil
	}
	server, _, err := key.GetStringValue("ProxyServer")
	if err != nil {
		return nil
	}
	except, _, _ := key.GetStringValue("ProxyOverride") // there need not be any
	return fromSettings(server, except, target)
}
