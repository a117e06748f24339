package updater

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
)

// Code is a cause that the user interface has a sentence and a remedy for. The set is closed.
type Code string

const (
	Unconfigured Code = "unconfigured" // this build has no update source
	Unreachable  Code = "unreachable"  // no answer from the feed
	Busy         Code = "busy"         // params: seconds the server asked to be left alone
	Proxy        Code = "proxy"        // params: host of the proxy that refuses, code it answered ("" when it was not reached)
	Certificate  Code = "certificate"  // params: host that showed a certificate nobody here trusts, issuer of that
	Malformed    Code = "malformed"    // the answer is no feed
	Signature    Code = "signature"    // not signed by those whom this build trusts
	Expired      Code = "expired"      // the feed's signatures are too old
	Corrupt      Code = "corrupt"      // a download or a patch's result is not what was signed
	Disk         Code = "disk"         // params: need, free (bytes), path
	Managed      Code = "managed"      // somebody else keeps the program current; params: manager, package, command to type ("" where unknown)
	NotYours     Code = "not-yours"    // params: path of the program or its folder, owner ("" where unknown)
	ReadOnly     Code = "read-only"    // params: path of the folder the program lies in
	Image        Code = "image"        // params: path of the folder, inside a mounted image
	Translocated Code = "translocated" // params: path at which macOS runs it this time
	StateFolder  Code = "state-folder" // params: path of the folder that journal and downloads need
	Locked       Code = "locked"       // another updater, or another program, is using the files
	TrialFailed  Code = "trial"        // the staged program did not run
	NotReady     Code = "not-ready"    // params: seconds it was given
	Crash        Code = "crash"        // the new version ended in probation
	CrashLoop    Code = "crash-loop"   // it was started again and again, and never stayed until it was confirmed
	Restore      Code = "restore"      // params: restored, total
	Returned     Code = "returned"     // the user came back to the window in the middle
	Cancelled    Code = "cancelled"    // by the user
	Skipped      Code = "skipped"      // the user does not want this version; params: back, the version gone back to from it, or ""
	Internal     Code = "internal"     // a defect of ours; the detail says which
)

// Reason is why a state was reached: a code for the user interface, its parameters, and the whole error for those who can read it.
type Reason struct {
	Code   Code              `json:"code"`
	Detail string            `json:"detail"`
	Params map[string]string `json:"params"`
}

var (
	errUnconfigured = errors.New("this build has no update source")
	errReturned     = errors.New("the window was shown again during the restart")
	errNotReady     = errors.New("the new version was not ready in time")
	errCancelled    = errors.New("cancelled by the user")
	errHeld         = errors.New("something began during the restart that must not be interrupted")
	errQuiet        = errors.New("the quiet hours have begun")
	errLeaving      = errors.New("the user is closing the app")
	errOnHold       = errors.New("the user wants no updates for a while")
	errSkipped      = errors.New("the user skips this version")
)

// restoreError says that a successor did not bring everything back.
type restoreError struct{ report handover.Report }

func (e *restoreError) Error() string {
	return fmt.Sprintf("the new version restored only %d of %d, without %v", e.report.Restored, e.report.Total, e.report.Missing)
}

// stateError says that the folder for journal and downloads cannot be used.
type stateError struct {
	path string
	err  error
}

func (e *stateError) Error() string {
	return fmt.Sprintf("cannot write to %s, where updates are kept; make that folder writable: %v", e.path, e.err)
}
func (e *stateError) Unwrap() error { return e.err }

// reasonOf finds the cause of an error. Order matters: what the user can mend comes before what it led to.
func reasonOf(err error) *Reason {
	r := &Reason{Code: Internal, Detail: err.Error(), Params: map[string]string{}}
	if r.ofNetwork(err) || r.ofPlace(err) {
		return r
	}
	var (
		space    *install.NoSpaceError
		download *fetch.SpaceError
		readOnly *install.ReadOnlyError
		state    *stateError
		restore  *restoreError
	)
	switch {
	case errors.As(err, &space):
		r.Code = Disk
		r.Params["need"], r.Params["free"], r.Params["path"] = strconv.FormatInt(space.Need, 10), strconv.FormatInt(space.Free, 10), space.Path
	case errors.As(err, &download):
		r.Code = Disk
		r.Params["need"], r.Params["free"], r.Params["path"] = strconv.FormatInt(download.Need, 10), strconv.FormatInt(download.Free, 10), download.Folder
	case errors.As(err, &state):
		r.Code = StateFolder
		r.Params["path"] = state.path
	case errors.As(err, &readOnly):
		r.Code = ReadOnly
		r.Params["path"] = readOnly.Path
	case errors.As(err, &restore):
		r.Code = Restore
		r.Params["restored"], r.Params["total"] = strconv.Itoa(restore.report.Restored), strconv.Itoa(restore.report.Total)
	case errors.Is(err, errNotReady):
		r.Code = NotReady
		r.Params["seconds"] = strconv.Itoa(int(readyWithin.Seconds()))
	default:
		r.Code = codeOf(err)
	}
	return r
}

// ofNetwork recognises what stands between this computer and the server, whichever of the two ways to it was taken.
func (r *Reason) ofNetwork(err error) bool {
	var (
		proxy       *fetch.ProxyError
		certificate *tls.CertificateVerificationError
		later       *fetch.BusyError
		checkLater  *feed.BusyError
	)
	switch {
	case errors.As(err, &proxy):
		r.Code = Proxy
		r.Params["host"] = proxy.Host
		if proxy.Code != 0 {
			r.Params["code"] = strconv.Itoa(proxy.Code)
		}
	case errors.As(err, &certificate):
		r.Code = Certificate
		if shown := certificate.UnverifiedCertificates; len(shown) > 0 {
			r.Params["issuer"] = shown[0].Issuer.String()
		}
		var request *url.Error
		if errors.As(err, &request) {
			if u, err := url.Parse(request.URL); err == nil {
				r.Params["host"] = u.Host
			}
		}
	case errors.As(err, &later):
		r.busy(later.After)
	case errors.As(err, &checkLater):
		r.busy(checkLater.After)
	default:
		return false
	}
	return true
}

func (r *Reason) busy(left time.Duration) {
	r.Code = Busy
	r.Params["seconds"] = strconv.Itoa(int(left.Seconds()))
}

func codeOf(err error) Code {
	for _, known := range []struct {
		err  error
		code Code
	}{
		{errUnconfigured, Unconfigured},
		{errReturned, Returned},
		{ErrNotNow, Returned},
		{errHeld, Returned},
		{errQuiet, Returned},
		{errOnHold, Returned},
		{errSkipped, Skipped},
		{errCancelled, Cancelled},
		{feed.ErrState, StateFolder},
		{feed.ErrSignature, Signature},
		{feed.ErrExpired, Expired},
		{feed.ErrMalformed, Malformed},
		{feed.ErrUnreachable, Unreachable},
		{fetch.ErrDiskFull, Disk},
		{fetch.ErrPage, Malformed},
		{fetch.ErrProxy, Proxy},
		{fetch.ErrCertificate, Certificate},
		{fetch.ErrCorrupt, Corrupt},
		{fetch.ErrTooLong, Corrupt},
		{fetch.ErrTruncated, Corrupt},
		{fetch.ErrNotFound, Unreachable},
		{fetch.ErrUnreachable, Unreachable},
		{install.ErrLocked, Locked},
		{install.ErrNoSpace, Disk},
		{install.ErrCorrupt, Corrupt},
		{install.ErrIncomplete, Corrupt},
		{install.ErrTrial, TrialFailed},
		{handover.ErrExited, Crash},
		{handover.ErrSilent, Crash},
		{handover.ErrRefused, NotReady},
	} {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return Internal
}

// blames says whether an error after the swap is the release's fault, so that trying the same one again would end the same way. Everything else
// is the machine's, ours or the user's.
func blames(err error) bool {
	var restore *restoreError
	return errors.As(err, &restore) || errors.Is(err, errNotReady) || errors.Is(err, handover.ErrExited) ||
		errors.Is(err, handover.ErrSilent) || errors.Is(err, handover.ErrRefused)
}

// encode and decodeReason carry a reason through the journal, whose entries hold plain strings.
func (r *Reason) encode() (code, detail string) {
	if r == nil {
		return "", ""
	}
	body, err := json.Marshal(r)
	if err != nil { // strings and a map of strings always encode
		return string(r.Code), ""
	}
	return string(r.Code), string(body)
}

func decodeReason(code, detail string) *Reason {
	if code == "" {
		return nil
	}
	var r Reason
	if json.Unmarshal([]byte(detail), &r) != nil || r.Params == nil {
		return &Reason{Code: Code(code), Detail: detail, Params: map[string]string{}}
	}
	return &r
}
