package system

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Proxies answers which proxy a request goes through: for fetch.TransportOptions and http.Transport. What the environment says comes first
// (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), then what the user set in the system. Answers of the system are kept for a minute.
type Proxies struct {
	mu    sync.Mutex
	known map[string]known
}

type known struct {
	proxy *url.URL
	until time.Time
}

// keepAnswer is how long the system is not asked again, and manyHosts how many answers are kept.
const (
	keepAnswer = time.Minute
	manyHosts  = 64
)

// For returns the proxy for a request, nil for none.
func (p *Proxies) For(r *http.Request) (*url.URL, error) {
	if proxy, err := http.ProxyFromEnvironment(r); proxy != nil || err != nil {
		return proxy, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	target := (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: "/"}).String()
	now := time.Now()
	if k, ok := p.known[target]; ok && now.Before(k.until) {
		return k.proxy, nil
	}
	if len(p.known) >= manyHosts || p.known == nil {
		p.known = map[string]known{}
	}
	proxy := lookUp(r.Context(), target)
	p.known[target] = known{proxy, now.Add(keepAnswer)}
	return proxy, nil
}

// parseProxy reads what a system calls a proxy: an address, with or without a scheme. Nil: it is none that can be used.
func parseProxy(s string) *url.URL {
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	case "socks":
		u.Scheme = "socks5"
	default:
		return nil
	}
	if u.Hostname() == "" {
		return nil
	}
	return u
}
