package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// TransportOptions configure a Transport. The zero value goes through the proxy that the environment names and trusts what the system trusts.
type TransportOptions struct {
	// Proxy says which proxy to use for a request; nil for none of them. A user name and password in its address are sent to it.
	// A nil function takes it from HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Package system knows what the system is set to.
	Proxy func(*http.Request) (*url.URL, error)
	// CA are certificates, in PEM, that are trusted besides the system's: of a company's own server, or of what it inspects traffic with.
	CA []byte
}

// Transport returns a transport that is made for downloads: it keeps as many connections as there may be requests, speaks HTTP/2 where the
// server does, bounds what lies in memory unread, and says which proxy refused ([ProxyError]).
func Transport(o TransportOptions) (*http.Transport, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(o.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool() // a system without any
		}
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("fetch: there is no certificate in the PEM text of the own authority")
		}
		config.RootCAs = pool
	}
	proxy := o.Proxy
	if proxy == nil {
		proxy = http.ProxyFromEnvironment
	}
	dialer := &net.Dialer{Timeout: 15 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer.DialContext,
		OnProxyConnectResponse: proxyAnswer,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    15 * time.Second,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    DefaultParallel,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		// A slow reader must not make a fast server fill the memory: with sixteen requests this is 8 MiB at most.
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 512 << 10, MaxReceiveBufferPerConnection: 8 << 20},
	}, nil
}

func proxyAnswer(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyError{Host: proxy.Host, Code: resp.StatusCode, Err: fmt.Errorf("it answered %s", resp.Status)}
}

// proxy is the host of the proxy that a request went through, as far as that can be told.
func (f *Fetcher) proxy(req *http.Request) string {
	if t, ok := f.client.Transport.(*http.Transport); ok && t.Proxy != nil && req != nil {
		if u, err := t.Proxy(req); err == nil && u != nil {
			return u.Host
		}
	}
	return "on the way"
}
