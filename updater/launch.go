package updater

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// launchAsk is how long a launch waits for the feed's last word on a version that is about to start. Offline it is nothing.
const launchAsk = 2 * time.Second

// Launched is how a start goes on.
type Launched struct {
	// Over: a newer version has taken this process's place, or it failed to and this process cannot go on. End.
	Over bool
	// Execute is the program to execute in place of this one, with the same arguments: the version of this process was started again and again
	// without staying, and has been taken back. "": go on.
	Execute string
}

// Launch is the first thing that a program does with its engine when it starts without an incumbent, before Run and before it shows
// anything. The program must hold its single-instance lock.
//
// A version in probation that has no guardian any more is counted, and taken back once it has been started too often. A version that was ready when
// the last process ended is put in place now, because nobody can notice: by the same handover as ever, so that this process, which never shows
// a window, stands by for it through probation. When the new version fails, Launch returns and this version starts as if nothing had been. Before
// the swap the feed is asked once more, if it answers soon.
//
// window goes to the new version as Host.Window's would.
func (e *Engine) Launch(ctx context.Context, window json.RawMessage) Launched {
	inst, err := e.journal()
	if err != nil {
		e.opts.Log.Warn("cannot read the journal", "why", err)
		return Launched{}
	}
	e.inst = inst
	defer e.close()
	boot, err := inst.Boot(e.opts.Version.String())
	switch {
	case err != nil:
		e.opts.Log.Warn("could not count this start", "why", err)
	case boot.RolledBack:
		return Launched{Execute: boot.Program}
	case boot.Starts > 0:
		return Launched{} // in probation, nothing newer is taken
	}
	recovered, err := inst.Recover()
	if err != nil || recovered.Probation || recovered.Staged == nil {
		return Launched{}
	}
	entry, ready := e.leftReady(recovered.Staged.SHA256)
	if !ready || !e.stillWanted(ctx, entry) {
		return Launched{}
	}
	return e.start(ctx, entry, window)
}

// leftReady finds the journal's word on the staged version: that it was proven, and waited for its moment when the last process ended.
func (e *Engine) leftReady(staged release.Digest) (install.Entry, bool) {
	entries, err := e.inst.History()
	if err != nil {
		e.opts.Log.Warn("cannot read the journal", "why", err)
	}
	for _, entry := range slices.Backward(entries) {
		if entry.SHA256 != staged.String() || entry.From != e.opts.Version.String() {
			continue
		}
		reason := decodeReason(entry.Reason, entry.Detail)
		returned := entry.State == string(Aborted) && reason != nil && reason.Code == Returned
		return entry, entry.State == string(Waiting) || entry.State == string(Swapping) || returned
	}
	return install.Entry{}, false
}

// stillWanted asks the user's settings and the feed whether a version that was left ready may start.
func (e *Engine) stillWanted(ctx context.Context, entry install.Entry) bool {
	settings := e.opts.Settings()
	if settings.Start == StartAsk {
		return false
	}
	e.attempt = entry
	e.alter(func() { e.deadline = 0 })
	if entry.How == howBack {
		return true // the user asked for it; the feed has no say
	}
	if client, err := feed.New(e.opts.Feed); err == nil {
		asking, cancel := context.WithTimeout(ctx, launchAsk)
		defer cancel()
		e.feed = client
		defer func() { e.feed = nil }() // Run opens its own, and listens to it
		result, err := e.ask(asking)
		found, newer := result.Offer(e.client())
		switch {
		case err != nil:
			e.opts.Log.Info("starting without a last look at the feed", "why", err)
		case newer && found.SHA256.String() == entry.SHA256:
			e.judge(result.Catalogue, found)
		case newer && found.Version.String() != entry.To:
			return false // Run takes what is newer
		default:
			e.discard()
			e.end(Recalled, nil)
			return false
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	put := settings.HoldFor.Include(e.opts.Now()) || settings.Skip.String() == entry.To
	return e.deadline > 0 || !put
}

// start hands over to a version that was left ready, from a process that has not shown anything.
func (e *Engine) start(ctx context.Context, entry install.Entry, window json.RawMessage) Launched {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	over := false
	host := e.opts.Host
	e.opts.Host = host.unseen(window, func() { over = true; cancel() })
	e.attempt = entry
	e.update(func(s *Status) {
		s.Target, s.PatchBytes, s.FullBytes, s.sha256 = entry.To, entry.Bytes, entry.Full, entry.SHA256
	})
	e.alter(func() { e.launching, e.asked = true, true })
	e.turnOver(ctx)
	e.alter(func() { e.launching, e.asked = false, false })
	e.opts.Host = host
	return Launched{Over: over}
}

// unseen is the host of a process that has no window yet: there is nothing to capture, to hide or to bring back.
func (h Host) unseen(window json.RawMessage, quit func()) Host {
	h.Capture = func(context.Context) error { return nil }
	h.Window = func() json.RawMessage { return window }
	h.Retire, h.TakeBack = func() {}, func() {}
	h.Cross, h.CanCross = nil, nil
	h.Quit = quit
	return h
}
