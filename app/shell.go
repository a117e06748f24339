//go:build !bindings

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	wailsruntime "github.com/wailsapp/wails/v2/pkg/runtime"

	"github.com/tesseract-desktop/tesseract/app/instance"
	"github.com/tesseract-desktop/tesseract/app/passing"
	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/window"
	"github.com/tesseract-desktop/tesseract/app/workspace"
	"github.com/tesseract-desktop/tesseract/updater"
	"github.com/tesseract-desktop/tesseract/updater/feed"
	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/fetch/system"
	"github.com/tesseract-desktop/tesseract/updater/handover"
	"github.com/tesseract-desktop/tesseract/updater/install"
	"github.com/tesseract-desktop/tesseract/updater/outcome"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// shell holds the parts together. It is not bound to the page.
type shell struct {
	log        *slog.Logger
	program    string // what is replaced and started anew: this executable, or the AppImage around it
	runtimeDir string

	lock        *instance.Lock
	successor   *handover.Successor
	box         *sandbox.Sandbox
	preferences *preferences.Store
	workspace   *workspace.Workspace
	snapshots   *snapshots
	engine      *updater.Engine
	outcomes    *outcome.Queue // nil where its folder cannot be used

	documents *Documents
	settings  *Settings
	updates   *Updates
	session   *Session
	window    *Window

	ctx          atomic.Pointer[context.Context] // Wails', nil until the window is made
	nativeWindow atomic.Pointer[window.Window]
	stop         context.CancelFunc
	quitting     atomic.Bool
	status       statusFile

	aside   atomic.Bool  // another process is in charge: this one is a successor that waits, or the guardian
	called  atomic.Bool  // the user has started the app once more, and has not seen it yet
	retired window.Frame // the window when this process became the guardian

	crossing atomic.Pointer[passing.Passage] // the window is changing hands in front of the user
	word     atomic.Pointer[passing.Last]    // what the successor is to show, once the keyboard has left this window
}

func (s *shell) newEngine(b build) (*updater.Engine, error) {
	url := FeedURL
	if other := os.Getenv(feedVariable); other != "" {
		url = other
	}
	transport, err := fetch.Transport(fetch.TransportOptions{Proxy: new(system.Proxies).For})
	if err != nil {
		return nil, err
	}
	s.status = statusFile{folder: s.box.Updates(), log: s.log}
	dir := s.box.Updates().Path()
	client := &http.Client{Transport: transport}
	s.outcomes, err = outcome.Open(outcome.Options{
		Dir: dir, URL: beside(url, "/v1/outcomes"), Enabled: func() bool { return s.preferences.Get().Updates.Share }, Client: client, Log: s.log,
	})
	if err != nil {
		s.log.Warn("how updates go will not be noted", "why", err)
	}
	return updater.New(updater.Options{
		App:      feedName,
		Version:  b.version,
		Platform: release.Current(),
		Feed: feed.Options{
			URL: url, CheckURL: beside(url, "/v1/check"), Root: b.root, Dir: dir + "/feed", App: feedName, Client: client, Log: s.log,
		},
		Install:    install.Options{Target: s.program, Dir: dir, Log: s.log},
		RuntimeDir: s.runtimeDir,
		Settings:   s.updateSettings,
		Successor:  s.successor,
		Outcomes:   s.outcomes,
		OnStatus:   s.onStatus,
		Log:        s.log,
		Host: updater.Host{
			Capture:   s.session.capture,
			Command:   func() *exec.Cmd { return s.restartCommand() },
			Window:    s.frame,
			YieldLock: s.yield,
			TakeLock:  s.takeLock,
			TakeOver:  s.takeOver,
			Retire:    s.retire,
			TakeBack:  s.takeBack,
			Quit:      s.quit,
			Meet:      s.meet,
			Cross:     s.cross,
			CanCross:  s.canCross,
			Healthy:   s.healthy,
		},
	})
}

func (s *shell) updateSettings() updater.Settings {
	u := s.preferences.Get().Updates
	skip, err := release.ParseVersion(u.Skip)
	if err != nil {
		skip = release.Version{} // none, or somebody wrote there what is no version
	}
	return updater.Settings{
		Channel:    release.Channel(u.Channel),
		Automatic:  updater.Automatic(u.Automatic),
		CheckEvery: time.Duration(u.CheckEvery),
		Probation:  time.Duration(u.Probation),
		SpeedLimit: u.SpeedLimit,
		Metered:    updater.Metered(u.Metered),
		Connection: updater.Connection(u.Connection),
		Start:      updater.Start(u.Start),
		IdleAfter:  time.Duration(u.IdleMinutes) * time.Minute,
		HoldFor:    updater.HoldFor{Until: u.HoldFor.Until(), Open: u.HoldFor.Open()},
		Skip:       skip,
		Quiet: updater.QuietHours{
			On: u.QuietHours.On, From: int(u.QuietHours.From), To: int(u.QuietHours.To), Days: u.QuietHours.Days, Downloads: u.QuietHours.Downloads,
		},
	}
}

// language is the language for what Go writes: the user's choice, else the system's as far as the environment tells.
func (s *shell) language() string {
	if chosen := s.preferences.Get().Language; chosen != "" {
		return chosen
	}
	for _, variable := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(variable); value != "" {
			return strings.ReplaceAll(strings.SplitN(value, ".", 2)[0], "_", "-")
		}
	}
	return ""
}

func (s *shell) emit(event string, data ...any) {
	if ctx := s.ctx.Load(); ctx != nil {
		wailsruntime.EventsEmit(*ctx, event, data...)
	}
}

func (s *shell) onStatus(status updater.Status) {
	s.emit(eventStatus, status)
	s.status.write(status, s.engine)
}

func (s *shell) native() (*window.Window, error) {
	native := s.nativeWindow.Load()
	if native == nil {
		return nil, errors.New("the window is not there yet")
	}
	return native, nil
}

func (s *shell) setTitle(title string) {
	if ctx := s.ctx.Load(); ctx != nil {
		wailsruntime.WindowSetTitle(*ctx, title)
	}
}

func (s *shell) browse(link string) {
	if ctx := s.ctx.Load(); ctx != nil {
		wailsruntime.BrowserOpenURL(*ctx, link)
	}
}

// raise brings the window to the user, who has started the app once more. A process that is about to take over does so once it has.
func (s *shell) raise() {
	s.called.Store(true)
	if !s.aside.Load() {
		s.answerCall()
	}
}

func (s *shell) answerCall() {
	if !s.called.Swap(false) {
		return
	}
	native, err := s.native()
	if err == nil {
		err = native.Raise()
	}
	if err != nil {
		s.log.Warn("could not show the window", "why", err)
	}
}

// ---- what the engine needs of the app ----

func (s *shell) restartCommand() *exec.Cmd {
	cmd := exec.Command(s.program)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

func (s *shell) frame() json.RawMessage {
	f, err := s.window.Frame()
	if err != nil {
		s.log.Warn("could not read the window's place", "why", err)
		f = defaultFrame
	}
	last := &passing.Last{Frame: f}
	if word := s.word.Load(); word != nil {
		last = word
	}
	body, err := json.Marshal(last)
	if err != nil { // numbers and booleans always encode
		return nil
	}
	return body
}

// yield lets go of what the successor needs. From here on its snapshots are the ones that count.
func (s *shell) yield(pass func(name string, file *os.File) error) {
	s.snapshots.setClosed(true)
	s.lock.Lend(pass)
}

// takeLock takes the lock back after a handover that came to nothing, and with it the right to write the UI's state; a process that stands
// aside gets that right later, once its page holds the newest state.
func (s *shell) takeLock() error {
	var lent *os.File
	if s.successor != nil {
		lent = s.successor.File(instance.FileName)
	}
	if err := s.lock.Adopt(lent); err != nil {
		return err
	}
	s.snapshots.setClosed(s.aside.Load())
	return nil
}

// takeOver makes this successor the app that the user sees. Without a frame, because the incumbent is gone, the window is as it was recorded.
func (s *shell) takeOver(ctx context.Context, word json.RawMessage) error {
	last := passing.Last{Frame: s.window.wantedOr(defaultFrame)}
	if len(word) > 0 {
		if err := json.Unmarshal(word, &last); err != nil {
			return fmt.Errorf("read the window's place: %w", err)
		}
	}
	if p := s.crossing.Swap(nil); p != nil && last.Page != "" {
		if err := s.comeOut(ctx, p, last); err != nil {
			return err
		}
	} else if err := s.show(ctx, last.Frame); err != nil {
		return err
	}
	s.aside.Store(false)
	s.session.tookOver()
	s.answerCall()
	return nil
}

// show brings the window up where the incumbent's was, with the newest state in it.
func (s *shell) show(ctx context.Context, f window.Frame) error {
	if s.snapshots.stale() {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		s.session.refresh(ctx)
		cancel()
	}
	s.session.sequence.Restart()
	if err := s.window.present(f); err != nil {
		return fmt.Errorf("show the window: %w", err)
	}
	return nil
}

// retire makes this process the guardian: hidden, complete, and silent.
func (s *shell) retire() {
	s.aside.Store(true)
	s.emit(eventRetired)
	native, err := s.native()
	if err == nil {
		s.retired, err = native.Frame()
	}
	if err == nil {
		err = native.Hide()
	}
	if err != nil {
		s.log.Error("could not hide the window", "why", err)
	}
}

// takeBack brings the guardian back to the user, with what the lost successor had told or written, and with the window as it last was there.
func (s *shell) takeBack() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	frame := s.retired
	state, err := s.session.settle(ctx)
	switch {
	case err == nil && state.Intact:
		frame = state.Window
		frame.Visible = true
	case s.snapshots.stale():
		s.session.refresh(ctx)
		frame = s.window.wantedOr(frame)
	}
	if err := s.window.present(frame); err != nil {
		s.log.Error("could not show the window again", "why", err)
	}
	s.aside.Store(false)
	s.session.tookOver()
	s.answerCall()
}

func (s *shell) quit() {
	s.quitting.Store(true)
	if ctx := s.ctx.Load(); ctx != nil {
		wailsruntime.Quit(*ctx)
	}
}
