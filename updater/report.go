package updater

import (
	"time"

	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
)

// refusalSettles is how long a release that could not be used may still turn out well, before it is reported as refused.
const refusalSettles = 24 * time.Hour

// goneBack is the outcome of a release that the user went back from. It is no state: the version gone back to has those.
const goneBack = "gone-back"

// report puts the outcome of the release being worked on in the queue for the makers, if that is what the state means; stage is the one before.
func (e *Engine) report(state State, stage string) {
	queue := e.opts.Outcomes
	if queue == nil {
		return
	}
	entry, result, settle := e.attempt, string(state), time.Duration(0)
	back := entry.How == howBack
	switch {
	case back && state == Probation: // the version that is left has come to its end; this one had its own
		entry.From, entry.To, result = entry.To, entry.From, goneBack
	case back:
		return
	case state == Refused:
		settle = refusalSettles
		if reason := decodeReason(entry.Reason, entry.Detail); reason != nil && aboutNetwork(reason.Code) {
			return
		}
	case state != Confirmed && state != RolledBack && state != Recalled:
		return
	}
	r := outcome.Report{
		App: e.opts.App, Platform: e.opts.Platform.String(), Channel: string(e.opts.Settings().Channel), From: entry.From, To: entry.To,
		Result: result, Stage: stage, Code: entry.Reason, How: entry.How, Restored: entry.Restored, Total: entry.Total,
		Bytes: entry.Bytes, Codec: entry.Codec, DownloadMS: entry.DownloadMS, ApplyMS: entry.ApplyMS, HandoverMS: entry.HandoverMS,
	}
	if err := queue.Add(entry.To, r, settle); err != nil {
		e.opts.Log.Warn("could not note how the update went", "why", err)
	}
}

// aboutNetwork tells whether a reason says something of the connection, and nothing of the release: then it is tried again.
func aboutNetwork(code Code) bool {
	switch code {
	case Unreachable, Busy, Proxy, Certificate, Malformed, Expired, Returned:
		return true
	}
	return false
}

// reportLost reports a release that was taken back by the boot counter: no process of it was left to do so.
func (e *Engine) reportLost() {
	entries, err := e.inst.History()
	if err != nil || len(entries) == 0 {
		return
	}
	last := entries[len(entries)-1]
	if last.State == string(RolledBack) && last.Reason == install.ReasonCrashLoop {
		e.attempt = last
		e.report(RolledBack, string(Probation))
	}
}
