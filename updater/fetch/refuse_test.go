package fetch_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
)

func TestRedirects(t *testing.T) {
	c := newCall(t)
	other := c.server(func(_ int, w http.ResponseWriter, r *http.Request) { served(w, r) })
	redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	plain := httptest.NewServer(redirect)
	defer plain.Close()
	if err := c.fetch(t.Context(), strings.Replace(plain.URL, "127.0.0.1", "localhost", 1), nil); err != nil {
		t.Fatalf("to another host: %v", err)
	}
	c.whole()

	secure := httptest.NewTLSServer(redirect)
	defer secure.Close()
	d := newCall(t)
	d.options.Client = secure.Client()
	if err := d.fetch(t.Context(), secure.URL, nil); !errors.Is(err, fetch.ErrUnreachable) || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("from https to http: %v", err)
	}
}

func TestUnknownCertificate(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(served))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about the client that hangs up
	s.StartTLS()
	defer s.Close()
	c := newCall(t)
	err := c.fetch(t.Context(), s.URL, nil)
	var unknown *tls.CertificateVerificationError
	if !errors.Is(err, fetch.ErrUnreachable) || !errors.As(err, &unknown) {
		t.Errorf("got %v", err)
	}
}

func TestProgress(t *testing.T) {
	c := newCall(t)
	url := c.server(func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 0 {
			cut(w, 300_000)
		}
		served(w, r)
	})
	var calls []int64
	start := time.Now()
	err := c.fetch(t.Context(), url, func(p fetch.Progress) {
		done, total := p.Done, p.Total
		if total != int64(len(file)) {
			t.Errorf("total %d", total)
		}
		calls = append(calls, done)
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls[0] != 0 || calls[len(calls)-1] != int64(len(file)) {
		t.Errorf("first and last of %v", calls)
	}
	if limit := 5 + int(time.Since(start)/(100*time.Millisecond)); len(calls) > limit {
		t.Errorf("%d calls, at most %d", len(calls), limit)
	}
}

func TestBadRequests(t *testing.T) {
	f, err := fetch.New(fetch.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, r := range map[string]fetch.Request{
		"scheme":      {URLs: []string{"file:///etc/passwd"}, Path: dir + "/a.unverified"},
		"no host":     {URLs: []string{"http:///x"}, Path: dir + "/a.unverified"},
		"no address":  {URLs: []string{"::"}, Path: dir + "/a.unverified"},
		"name":        {URLs: []string{"http://h/x"}, Path: dir + "/a"},
		"length":      {URLs: []string{"http://h/x"}, Path: dir + "/a.unverified", Length: -1},
		"no folder":   {URLs: []string{"http://h/x"}, Path: dir + "/no/a.unverified", Length: 1},
		"a directory": {URLs: []string{"http://h/x"}, Path: dir + "/d.unverified", Length: 1},
	} {
		if name == "a directory" {
			if err := os.Mkdir(r.Path, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Fetch(t.Context(), r); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := fetch.New(fetch.Options{Attempts: -1}); err == nil {
		t.Error("accepted options below zero")
	}
	if err := f.Fetch(t.Context(), fetch.Request{URLs: []string{"http://h/x"}, Path: dir + "/empty.unverified"}); err != nil {
		t.Errorf("an empty file needs no server: %v", err)
	}
}
