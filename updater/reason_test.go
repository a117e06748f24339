package updater

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
)

// untrusted is what comes of a server whose certificate nobody here trusts.
func untrusted() error {
	shown := &x509.Certificate{Issuer: pkix.Name{CommonName: "Inspector"}}
	return &url.Error{Op: "Get", URL: "https://example.org/feed/x", Err: &tls.CertificateVerificationError{
		UnverifiedCertificates: []*x509.Certificate{shown}, Err: x509.UnknownAuthorityError{Cert: shown},
	}}
}

func TestReasonOfErrors(t *testing.T) {
	wrap := func(err error) error { return fmt.Errorf("while updating: %w", err) }
	for _, test := range []struct {
		err    error
		code   Code
		params map[string]string
	}{
		{errUnconfigured, Unconfigured, nil},
		{feed.ErrUnreachable, Unreachable, nil},
		{feed.ErrMalformed, Malformed, nil},
		{feed.ErrSignature, Signature, nil},
		{feed.ErrExpired, Expired, nil},
		{feed.ErrState, StateFolder, nil},
		{fetch.ErrTruncated, Corrupt, nil},
		{fetch.ErrTooLong, Corrupt, nil},
		{fetch.ErrDiskFull, Disk, nil},
		{fetch.ErrUnreachable, Unreachable, nil},
		{fetch.ErrStalled, Unreachable, nil},
		{fetch.ErrRefused, Unreachable, nil},
		{fetch.ErrBreaker, Unreachable, nil},
		{fetch.ErrNotFound, Unreachable, nil},
		{fetch.ErrPage, Malformed, nil},
		{fetch.ErrCorrupt, Corrupt, nil},
		{fetch.ErrProxy, Proxy, nil},
		{fetch.ErrCertificate, Certificate, nil},
		{&fetch.CorruptError{Segment: 3}, Corrupt, nil},
		{&fetch.BusyError{After: time.Minute}, Busy, map[string]string{"seconds": "60"}},
		{&feed.BusyError{After: time.Hour}, Busy, map[string]string{"seconds": "3600"}},
		{&fetch.ProxyError{Host: "10.0.0.1:8080", Code: 407}, Proxy, map[string]string{"host": "10.0.0.1:8080", "code": "407"}},
		{&fetch.ProxyError{Host: "10.0.0.1:8080"}, Proxy, map[string]string{"host": "10.0.0.1:8080", "code": ""}},
		{untrusted(), Certificate, map[string]string{"host": "example.org", "issuer": "CN=Inspector"}},
		{&fetch.SpaceError{Need: 7, Free: 3, Folder: "/x"}, Disk, map[string]string{"need": "7", "free": "3", "path": "/x"}},
		{feed.ErrRollback, Signature, nil},
		{install.ErrCorrupt, Corrupt, nil},
		{install.ErrLocked, Locked, nil},
		{install.ErrTrial, TrialFailed, nil},
		{&install.ReadOnlyError{Path: "/opt/x"}, ReadOnly, map[string]string{"path": "/opt/x"}},
		{&install.NoSpaceError{Need: 7, Free: 3, Path: "/x"}, Disk, map[string]string{"need": "7", "free": "3", "path": "/x"}},
		{&stateError{path: "/s", err: &install.ReadOnlyError{Path: "/s"}}, StateFolder, map[string]string{"path": "/s"}},
		{&restoreError{handover.Report{Restored: 3, Total: 18}}, Restore, map[string]string{"restored": "3", "total": "18"}},
		{errNotReady, NotReady, map[string]string{"seconds": "20"}},
		{handover.ErrExited, Crash, nil},
		{errReturned, Returned, nil},
		{errHeld, Returned, nil},
		{errQuiet, Returned, nil},
		{errOnHold, Returned, nil},
		{errSkipped, Skipped, nil},
		{errCancelled, Cancelled, nil},
		{fmt.Errorf("what is this"), Internal, nil},
	} {
		got := reasonOf(wrap(test.err))
		if got.Code != test.code {
			t.Errorf("%v: code %s, want %s", test.err, got.Code, test.code)
		}
		if got.Detail == "" {
			t.Errorf("%v: no detail", test.err)
		}
		for name, value := range test.params {
			if got.Params[name] != value {
				t.Errorf("%v: param %s is %q, want %q", test.err, name, got.Params[name], value)
			}
		}
		if back := decodeReason(got.encode()); back.Code != got.Code || back.Detail != got.Detail || len(back.Params) != len(got.Params) {
			t.Errorf("%v: came back from the journal as %+v", test.err, back)
		}
	}
	if decodeReason("", "") != nil {
		t.Error("no reason came back as one")
	}
	if r := decodeReason("crash", "not JSON"); r.Code != Crash || r.Params == nil {
		t.Errorf("a damaged detail gave %+v", r)
	}
}
