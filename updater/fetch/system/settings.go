package system

import (
	"net/url"
	"path"
	"strings"
)

// fromSettings picks the proxy for a target out of Windows' internet settings. server is one proxy, or "http=a:1;https=b:2"; except lists
// hosts to go to directly, with "*" for any text, and "<local>" for names without a dot.
func fromSettings(server, except, target string) *url.URL {
	u, err := url.Parse(target)
	if err != nil {
		return nil
	}
	host := strings.ToLower(u.Hostname())
	for _, pattern := range strings.Split(strings.ToLower(except), ";") {
		pattern = strings.TrimSpace(pattern)
		if matched, err := path.Match(pattern, host); pattern == "<local>" && !strings.Contains(host, ".") || err == nil && matched {
			return nil
		}
	}
	if !strings.Contains(server, "=") {
		return parseProxy(strings.TrimSpace(server))
	}
	for _, entry := range strings.Split(server, ";") {
		if scheme, proxy, ok := strings.Cut(strings.TrimSpace(entry), "="); ok && scheme == u.Scheme {
			return parseProxy(proxy)
		}
	}
	return nil
}
