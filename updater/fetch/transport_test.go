package fetch_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

// secure is a server with a certificate of its own authority; it counts requests by protocol.
func secure(t *testing.T) (s *httptest.Server, ca []byte, http2 *atomic.Int64) {
	http2 = &atomic.Int64{}
	s = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			http2.Add(1)
		}
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(large))
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), http2
}

func over(t *testing.T, o fetch.TransportOptions, address string) *site {
	transport, err := fetch.Transport(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	s := newSite(t, &http.Client{Transport: transport})
	s.options.Attempts = 2
	s.request.URLs = []string{address}
	s.request.Segments = proof(large)
	return s
}

func TestOwnAuthorityAndHTTP2(t *testing.T) {
	server, ca, http2 := secure(t)
	s := over(t, fetch.TransportOptions{CA: ca}, server.URL)
	s.must(s.fetch())
	if http2.Load() == 0 {
		t.Error("not by HTTP/2")
	}
	s = over(t, fetch.TransportOptions{}, server.URL)
	if err := s.fetch(); !errors.Is(err, fetch.ErrCertificate) || !errors.Is(err, fetch.ErrUnreachable) {
		t.Errorf("without its authority: %v", err)
	}
	if _, err := fetch.Transport(fetch.TransportOptions{CA: []byte("nonsense")}); err == nil {
		t.Error("accepted an authority that is none")
	}
}

// proxy tunnels, and forwards plain requests, for those who know the password.
func proxy(t *testing.T, used *atomic.Int64) *url.URL {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, ok := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth(); !ok || user != "me" || password != "secret" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		used.Add(1)
		if r.Method != http.MethodConnect {
			http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(large))
			return
		}
		to, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		from, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		go func() { defer to.Close(); _, _ = io.Copy(to, from) }()
		defer from.Close()
		_, _ = io.Copy(from, to) // it ends when either side hangs up
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestProxy(t *testing.T) {
	server, ca, _ := secure(t)
	for _, tc := range []struct {
		name, address string
		user          *url.Userinfo
		code          int
	}{
		{"tunnel", server.URL, url.UserPassword("me", "secret"), 0},
		{"forward", "http://elsewhere.invalid/file", url.UserPassword("me", "secret"), 0},
		{"tunnel, wrong password", server.URL, url.UserPassword("me", "wrong"), 407},
		{"tunnel, no password", server.URL, nil, 407},
		{"forward, no password", "http://elsewhere.invalid/file", nil, 407},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var used atomic.Int64
			through := *proxy(t, &used)
			through.User = tc.user
			s := over(t, fetch.TransportOptions{CA: ca, Proxy: http.ProxyURL(&through)}, tc.address)
			err := s.fetch()
			if tc.code == 0 {
				s.must(err)
				if used.Load() == 0 {
					t.Error("not through the proxy")
				}
				return
			}
			var refused *fetch.ProxyError
			if !errors.Is(err, fetch.ErrProxy) || !errors.As(err, &refused) || refused.Code != tc.code || refused.Host != through.Host {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestProxyIsNotThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	s := over(t, fetch.TransportOptions{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: l.Addr().String()})}, "http://elsewhere.invalid/file")
	var refused *fetch.ProxyError
	if err := s.fetch(); !errors.As(err, &refused) || refused.Code != 0 || refused.Host != l.Addr().String() {
		t.Errorf("got %v", err)
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	transport, err := fetch.Transport(fetch.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://127.0.0.1/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := transport.Proxy(req); p != nil || err != nil {
		t.Errorf("this machine is reached through %v, %v", p, err)
	}
}
