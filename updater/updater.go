// Package updater keeps the program it runs in current, without its user noticing.
//
// Parties: the engine here; the app around it, reached through the callbacks in Host; the feed, a folder of signed metadata, artifacts and
// patches on any web server; and, during a restart, two processes of the app, the incumbent and its successor.
//
// Trust: nothing that came over the network is believed before it is proven. What may run is decided by the feed's signed metadata alone,
// and by the SHA-256 it names; the staged program must also have run once, headless, before it may take anybody's place.
//
// Guarantees: the user's work is never interrupted. A restart happens while the window is hidden and nothing holds it, or when the user
// asked; the running version stays in memory until the new one is confirmed, and takes back when that fails. Every step is journalled
// before it is taken.
//
// A crash leaves: a journal, from which the next start finishes the step or undoes it, and at most one staged file, which is swept.
//
//	           ┌─────────────────────────── next check ───────────────────────────┐
//	           ▼                                                                  │
//	idle → checking → current                                                     │
//	           │                                                                  │
//	           └→ downloading → staged → proven → waiting → swapping → handing-over → probation → confirmed
//	                  │            │        │        │          │            │            │
//	                  └────────────┴────────┴── refused         └────────────┴────────────┴── rolled-back
//	                        (cancelled: aborted)     └ recalled    (window came back: aborted)
package updater

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/doctor"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// Automatic is how much happens unasked.
type Automatic string

const (
	// All checks and downloads.
	All Automatic = "all"
	// CheckOnly checks, and waits for Check to be called before it downloads.
	CheckOnly Automatic = "check"
	// None does nothing until Check is called.
	None Automatic = "none"
)

// Settings are the user's choices. The engine asks for them whenever it decides, so that a change applies at once.
type Settings struct {
	Channel    release.Channel
	Automatic  Automatic
	CheckEvery time.Duration // from the end of one check to the start of the next; a tenth is added or taken at random
	Probation  time.Duration // how long a new version must run before the old one is let go
	SpeedLimit int64         // bytes per second for downloads nobody asked for; 0: none
	Metered    Metered       // what downloads nobody asked for may do on a metered connection
	Connection Connection    // whether this one is metered
	Quiet      QuietHours
	Start      Start           // when a version that is ready may start; "": StartHidden
	IdleAfter  time.Duration   // with StartIdle: how long nobody must have touched the window
	HoldFor    HoldFor         // the user wants no update for a while
	Skip       release.Version // the user does not want this one; zero: none
}

// Metered is what background downloads may do on a metered connection.
type Metered string

const (
	// MeteredWait waits for another connection.
	MeteredWait Metered = "wait"
	// MeteredSome downloads what has at most MeteredBytes.
	MeteredSome Metered = "some"
	// MeteredAll makes no difference between connections.
	MeteredAll Metered = "all"
)

// MeteredBytes is the largest download under MeteredSome, in bytes.
const MeteredBytes = 10_000_000

// Connection tells whether the connection in use is metered.
type Connection string

const (
	// ConnectionDetect believes the system.
	ConnectionDetect Connection = "detect"
	// ConnectionMetered and ConnectionUnmetered overrule it.
	ConnectionMetered   Connection = "metered"
	ConnectionUnmetered Connection = "unmetered"
)

// Host is what the engine needs of the app it runs in. Every callback may be called from any goroutine, and must be set.
type Host struct {
	// Capture makes the UI write its whole state to disk and returns when it is there.
	Capture func(context.Context) error
	// Command builds the command that starts the program anew, with the arguments and environment it should have.
	Command func() *exec.Cmd
	// Window returns the window's state for the successor. The engine does not look inside.
	Window func() json.RawMessage
	// YieldLock lets go of the single-instance lock, and of whatever else only one process may hold, TakeLock takes it; TakeLock returns an
	// error when another process holds it. Between the two the UI's state is another process's to write. What is passed on, as an open file,
	// has a holder at every instant: the successor finds it by its name with [handover.Successor.File], and the incumbent keeps its own copy
	// while it stands by. Where the system cannot pass files on, pass returns [errors.ErrUnsupported].
	YieldLock func(pass func(name string, file *os.File) error)
	TakeLock  func() error
	// TakeOver makes this process, a successor, the one the user sees, with the window as the incumbent left it.
	TakeOver func(ctx context.Context, window json.RawMessage) error
	// Retire hides this process from the user: it is the guardian now. TakeBack undoes that after its successor was lost; the state on
	// disk may be newer than the one in memory.
	Retire, TakeBack func()
	// Quit ends this process without asking the user.
	Quit func()

	// The rest may be nil.

	// Meet is called in the incumbent when the successor has connected, before it is asked whether it is ready. What the two apps have to
	// tell one another goes through Send and Messages, from here on and until the connection ends.
	Meet func(context.Context, *handover.Incumbent) error
	// Cross is called in the incumbent in place of the plain handing over when the window is visible. It prepares the window, calls commit
	// once, and finishes. commit passes the lock and the word; when it returns an error the successor is gone, the lock is back and the user
	// goes on here. An error without a call of commit calls the handover off; ErrNotNow does so until the next occasion.
	Cross func(ctx context.Context, successor *handover.Incumbent, commit func() error) error
	// CanCross says why a visible window cannot be handed over now without being noticed, or nil. It is asked before a restart of a visible
	// window that the user did not ask for; nil: nothing stands in the way.
	CanCross func() error
	// Healthy says whether the user could work with this process's window now, say because its page has answered. A successor in probation
	// is asked every half second; while the answer is no, or does not come, for [handover.Patience], the guardian takes back.
	Healthy func(context.Context) bool
}

// ErrNotNow is what Cross returns when handing over would be noticed now: a button is down, a menu is open.
var ErrNotNow = errors.New("the window cannot be handed over unnoticed at the moment")

// Options say what to keep current, from where, and for whom.
type Options struct {
	App      string
	Version  release.Version  // of this process
	Platform release.Platform // of this process
	Feed     feed.Options     // an empty URL or Root means that this build has no update source
	Install  install.Options
	// Doctor says how to find out whether the program can be replaced where it lies. Its zero value is right for programs.
	Doctor doctor.Options
	// RuntimeDir is where the handover's socket lives. It should be short and on a local disk.
	RuntimeDir string
	Settings   func() Settings
	Host       Host
	// System calls changed with what the machine says of its network and power, at once and whenever that changes, until ctx ends. nil:
	// [system.Watch].
	System func(ctx context.Context, changed func(system.State))
	// Successor is the open handover when this process was started by an incumbent, else nil.
	Successor *handover.Successor
	// Outcomes takes a report of how each release fared here, for the makers; nil: none is made.
	Outcomes *outcome.Queue
	// OnStatus is called after every change, in order, never concurrently. It must not call back into the engine.
	OnStatus func(Status)
	Now      func() time.Time
	Log      *slog.Logger
}

func (o *Options) validate() error {
	h := o.Host
	switch {
	case o.App == "":
		return errors.New("updater: no App given")
	case o.Version.IsZero():
		return errors.New("updater: no Version given")
	case o.Settings == nil || o.OnStatus == nil:
		return errors.New("updater: Settings and OnStatus must be given")
	case h.Capture == nil || h.Command == nil || h.Window == nil || h.YieldLock == nil || h.TakeLock == nil ||
		h.TakeOver == nil || h.Retire == nil || h.TakeBack == nil || h.Quit == nil:
		return errors.New("updater: every callback of Host must be given")
	}
	if o.Platform == (release.Platform{}) {
		o.Platform = release.Current()
	}
	if o.System == nil {
		o.System = watchSystem
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// Engine is the state machine. Make it with New, start it with Run; every other method may be called at any time from any goroutine.
type Engine struct {
	opts    Options
	fetcher *fetch.Fetcher
	hand    fetch.Switch // of the user, on the download under way

	steering sync.Mutex // held by steer
	tell     sync.Mutex // held while OnStatus runs, so that calls come in order

	mu        sync.Mutex
	status    Status
	visible   bool
	used      time.Time // when the user last did something in the window
	holds     []Hold
	asked     bool           // the user asked for the restart, so that a visible window is no obstacle
	wanted    bool           // the user asked for a check, so that Automatic does not matter
	again     bool           // look once more, for whoever wanted what is under way
	pushed    bool           // the feed's server said that there is something new
	paused    bool           // the user stopped the download for a while
	urgent    bool           // the user asked for what is under way, so that it waits for nobody
	system    system.State   // network and power
	looked    bool           // the system has said so once
	declined  release.Digest // the release whose download the user cancelled
	retry     release.Digest // the release the user wants tried once more
	changed   chan struct{}  // closed and replaced when any of the above changes
	stop      func(error)    // cancels the download or staging under way, and says why; nil when there is none
	goBack    bool           // the user wants the previous version back
	returning bool           // that is under way
	launching bool           // nothing has been shown yet: a version that waited is being put in place
	deadline  time.Duration  // of the critical release being worked on; 0: it is not critical
	readyAt   time.Time      // when the release being worked on was ready for the first time
	handing   bool           // a handover is under way in this process, the incumbent
	leaving   bool           // the app is closing, so that no handover may begin
	inCharge  bool           // this process, a successor, has taken over, and a guardian stands by

	opening sync.Mutex
	shared  *install.Install // open while Launch or Run is at work and its folder can be used

	// Only Run's goroutine uses the rest.
	inst     *install.Install
	feed     *feed.Client
	examined bool              // hindered is up to date
	hindered error             // why the program cannot be replaced where it lies, or nil
	known    release.Catalogue // of the last successful check
	attempt  install.Entry     // the journal's picture of the release being worked on
	id       string            // of this installation, for rollouts
	failures int               // checks failed in a row
	wish     time.Duration     // how long the server wants the next check to wait; 0: it did not say
	busy     time.Duration     // how long the server asked to be left alone
}

// New checks the options. Nothing runs, and no file is touched, until Run.
func New(o Options) (*Engine, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	e := &Engine{opts: o, visible: true, used: o.Now(), changed: make(chan struct{})}
	var err error
	if e.fetcher, err = fetch.New(fetch.Options{Client: o.Feed.Client, May: e.may, Log: o.Log}); err != nil {
		return nil, err
	}
	e.status = Status{State: Idle, Installed: o.Version.String(), Since: o.Now()}
	return e, nil
}

// Status returns the present state.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.snapshot()
}

// snapshot completes the status by what is kept elsewhere. Called with mu held.
func (e *Engine) snapshot() Status {
	s := e.status
	s.Channel = e.opts.Settings().Channel
	s.Holds = append([]Hold{}, e.holds...)
	return s
}

// update changes the status and tells the app.
func (e *Engine) update(change func(*Status)) {
	e.tell.Lock()
	defer e.tell.Unlock()
	e.mu.Lock()
	change(&e.status)
	s := e.snapshot()
	e.mu.Unlock()
	e.opts.OnStatus(s)
}

// alter changes a condition that Run or a download may be waiting for.
func (e *Engine) alter(change func()) {
	e.mu.Lock()
	change()
	close(e.changed)
	e.changed = make(chan struct{})
	e.mu.Unlock()
	e.steer()
}

// Check looks for a new version now, and downloads it whatever Automatic says.
func (e *Engine) Check() {
	e.alter(func() { e.wanted, e.urgent, e.declined = true, true, release.Digest{} })
}

// TryAgain gives a release that failed here another chance.
func (e *Engine) TryAgain() {
	sha, err := release.ParseDigest(e.Status().sha256)
	e.alter(func() {
		e.wanted, e.urgent, e.declined = true, true, release.Digest{}
		if err == nil {
			e.retry = sha
		}
	})
}

// Cancel stops the download or staging under way. The release is left alone until Check is called, or a newer one comes.
func (e *Engine) Cancel() {
	e.alter(func() {
		sha, err := release.ParseDigest(e.status.sha256)
		if e.stop == nil || err != nil {
			return
		}
		e.declined = sha
		e.stop(errCancelled)
	})
}

// Pause makes the download under way wait until Resume, or until it is cancelled. What has arrived is kept.
func (e *Engine) Pause() { e.setPaused(true) }

// Resume goes on with a download that Pause stopped.
func (e *Engine) Resume() { e.setPaused(false) }

func (e *Engine) setPaused(paused bool) {
	e.alter(func() { e.paused = paused && e.status.State == Downloading })
}

// Restart starts the version under way as soon as it is ready and no hold is left, whether the window is hidden or not. Without one it does
// nothing.
func (e *Engine) Restart() {
	e.alter(func() {
		switch e.status.State {
		case Downloading, Staged, Proven, Waiting:
			e.asked, e.urgent = true, true
		}
	})
}

// SetVisible tells whether the user can see the window.
func (e *Engine) SetVisible(visible bool) {
	e.alter(func() {
		if visible && !e.visible {
			e.used = e.opts.Now()
		}
		e.visible = visible
	})
}

// Used says that the user did something in the window just now: a key, a click, a turn of the wheel. Once in some seconds is enough.
func (e *Engine) Used() { e.alter(func() { e.used = e.opts.Now() }) }

// SettingsChanged makes the engine look at the settings again: another channel is checked at once.
func (e *Engine) SettingsChanged() {
	e.alter(func() {})
	if e.opts.Outcomes != nil {
		e.opts.Outcomes.Changed()
	}
	e.update(func(*Status) {})
}

// Hold names a reason why a restart must wait, and returns how to let go of it. The id tells holds with the same label apart.
func (e *Engine) Hold(id, label string) (release func()) {
	h := Hold{ID: id, Label: label}
	e.alter(func() { e.holds = append(e.holds, h) })
	e.update(func(*Status) {})
	return sync.OnceFunc(func() {
		e.alter(func() {
			for i := range e.holds {
				if e.holds[i] == h {
					e.holds = append(e.holds[:i:i], e.holds[i+1:]...)
					break
				}
			}
		})
		e.update(func(*Status) {})
	})
}
