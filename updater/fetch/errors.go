package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// kind is a kind of failure: a sentence for people, a label for counters, and the wider kind it belongs to.
type kind struct {
	label    string
	sentence string
	wider    error
}

func (k *kind) Error() string { return k.sentence }
func (k *kind) Unwrap() error { return k.wider }

// The kinds of errors. Errors of ctx are returned as they are, with [context.Cause].
var (
	ErrUnreachable error = &kind{label: "unreachable", sentence: "the server cannot be reached or does not answer properly; check the connection"}
	ErrTruncated   error = &kind{label: "truncated", sentence: "the server sent less than the release says; try again later"}
	ErrTooLong     error = &kind{label: "too_long", sentence: "the server sent more than the release says; it serves another file under this address"}
	ErrCorrupt     error = &kind{label: "corrupt", sentence: "what arrives is not what the release says, also when it is fetched again; tell the publisher"}
	ErrNotFound    error = &kind{label: "not_found", sentence: "the server does not have the file"}
	ErrDiskFull    error = &kind{label: "disk_full", sentence: "the disk is full; free some space"}

	// These are an ErrUnreachable too.
	ErrStalled     error = &kind{label: "stalled", sentence: "the server sends nothing any more, or next to nothing; try again later", wider: ErrUnreachable}
	ErrCertificate error = &kind{label: "certificate", sentence: "the server cannot prove who it is; check the clock of this machine and whether something intercepts the connection", wider: ErrUnreachable}
	ErrProxy       error = &kind{label: "proxy", sentence: "the proxy refuses; check its address, user name and password in the system's settings", wider: ErrUnreachable}
	ErrRefused     error = &kind{label: "refused", sentence: "the server refuses to hand the file out", wider: ErrUnreachable}
	ErrBreaker     error = &kind{label: "breaker", sentence: "the server failed so often that it is left alone for a while", wider: ErrUnreachable}
	errBusy        error = &kind{label: "busy", sentence: "the server is busy", wider: ErrUnreachable}
	errDisk        error = &kind{label: "disk", sentence: "the download cannot be written"}

	// ErrPage is an ErrTruncated: networks that want a login answer with a page of theirs.
	ErrPage error = &kind{label: "page", sentence: "a web page came instead of the file; the network may want you to log in first", wider: ErrTruncated}
)

// Labels are all values of [Label].
var Labels = []string{"", "cancelled", "unreachable", "truncated", "too_long", "corrupt", "not_found", "disk_full", "stalled", "certificate",
	"proxy", "refused", "breaker", "busy", "disk", "page", "other"}

// Label names the kind of an error of this package for a metric, with one of [Labels]; "" for nil.
func Label(err error) string {
	var k *kind
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	case errors.As(err, &k):
		return k.label
	case errors.As(err, &path), errors.As(err, &link):
		return "disk"
	}
	return "other"
}

// BusyError says that the server asks to stay away for longer than a Fetch waits. It is an [ErrUnreachable].
type BusyError struct{ After time.Duration }

func (e *BusyError) Error() string {
	return fmt.Sprintf("the server is busy and asks to come back in %s", e.After.Round(time.Second))
}

// Unwrap makes it an ErrUnreachable.
func (e *BusyError) Unwrap() error { return errBusy }

// SpaceError says what does not fit. It is an [ErrDiskFull].
type SpaceError struct {
	Need, Free int64 // bytes
	Folder     string
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("the disk of %s has %d MB free and %d MB are needed; free some space", e.Folder, e.Free/1e6, (e.Need+1e6-1)/1e6)
}

// Unwrap makes it an ErrDiskFull.
func (e *SpaceError) Unwrap() error { return ErrDiskFull }

// ProxyError says which proxy does not let the request through. It is an [ErrProxy].
type ProxyError struct {
	Host string
	Code int // what it answered, 407 where it wants another password; 0 when it was not reached
	Err  error
}

func (e *ProxyError) Error() string {
	switch e.Code {
	case 0:
		return fmt.Sprintf("the proxy %s cannot be reached; check its address in the system's settings", e.Host)
	case 407:
		return fmt.Sprintf("the proxy %s wants another user name or password (407); check the system's settings", e.Host)
	}
	return fmt.Sprintf("the proxy %s refuses (%d); ask who runs it", e.Host, e.Code)
}

// Unwrap makes it an ErrProxy.
func (e *ProxyError) Unwrap() []error { return present(ErrProxy, e.Err) }

// CorruptError says which part of the file arrived damaged from everywhere. It is an [ErrCorrupt].
type CorruptError struct {
	Segment int64 // counted from 0
	Times   int   // how often it was fetched
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("segment %d of the file arrived damaged %d times; tell the publisher", e.Segment, e.Times)
}

// Unwrap makes it an ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

func present(errs ...error) (kept []error) {
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	return kept
}

// Why a request was given up by ourselves. None of them is a failure.
var (
	errHeld    = errors.New("the download waits")
	errYielded = errors.New("gave way to what somebody asked for")
	errRevoked = errors.New("another request has taken the file over")
	errOver    = errors.New("the download has ended")
)

// retry is an error after which another try makes sense.
type retry struct {
	err   error
	after time.Duration // what the server asked for, 0 if nothing
}

func (r *retry) Error() string { return r.err.Error() }
func (r *retry) Unwrap() error { return r.err }

// failed classifies what stopped a request on the wire.
func failed(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	var certificate *tls.CertificateVerificationError
	var proxy *ProxyError
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "proxyconnect" && !errors.As(err, &proxy) {
		err = &ProxyError{Host: dialled(op), Err: err}
	}
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w", ErrCertificate, err)
	case errors.Is(err, errRedirect):
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case errors.As(err, &proxy) && proxy.Code != 0 && proxy.Code < 500:
		return proxy
	case errors.As(err, &proxy):
		return &retry{err: proxy}
	case errors.Is(err, ErrStalled):
		return &retry{err: err}
	}
	return &retry{err: fmt.Errorf("%w: %w", ErrUnreachable, err)}
}

// dialled is the address that a connection through a proxy failed at.
func dialled(op *net.OpError) string {
	var inner *net.OpError
	if errors.As(op.Err, &inner) && inner.Addr != nil {
		return inner.Addr.String()
	}
	return "of the system's settings"
}

// diskError classifies what the file system said.
func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case isDiskFull(err):
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return fmt.Errorf("%w: %w", errDisk, err)
}
