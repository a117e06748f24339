package updater

import (
	"fmt"
	"testing"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
)

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
		{&fetch.BusyError{}, Unreachable, nil},
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
