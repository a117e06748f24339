//go:build !bindings

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/wailsapp/wails/v2"
	"github.com/wailsapp/wails/v2/pkg/logger"
	"github.com/wailsapp/wails/v2/pkg/options"
	"github.com/wailsapp/wails/v2/pkg/options/assetserver"
	"github.com/wailsapp/wails/v2/pkg/options/linux"
	wailsruntime "github.com/wailsapp/wails/v2/pkg/runtime"

	"github.com/tesseract-desktop/tesseract/app/instance"
	"github.com/tesseract-desktop/tesseract/app/preferences"
	"github.com/tesseract-desktop/tesseract/app/sandbox"
	"github.com/tesseract-desktop/tesseract/app/snapshot"
	"github.com/tesseract-desktop/tesseract/app/window"
	"github.com/tesseract-desktop/tesseract/app/workspace"
	"github.com/tesseract-desktop/tesseract/updater/doctor"
	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// patience is how long the page may take to ask for its window before the window is shown as it is.
const patience = 10 * time.Second

// runWindow opens the window and returns when the app has ended.
func runWindow(ctx context.Context, page fs.FS, log *slog.Logger) error {
	runtime.LockOSThread()                                  // the window's toolkit wants the main thread
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // whoever reads the log may end before the app does, and that does not matter
	s := &shell{log: log}
	if err := s.assemble(ctx); err != nil {
		if errors.Is(err, instance.ErrHeld) {
			return nil // that one shows itself
		}
		return err
	}
	if ended, err := s.launch(ctx); ended {
		return err
	}
	window.HoldBack()
	err := wails.Run(&options.App{
		Title:            Name,
		Width:            defaultFrame.Width,
		Height:           defaultFrame.Height,
		MinWidth:         window.Least,
		MinHeight:        window.Least,
		StartHidden:      startHidden,
		BackgroundColour: options.NewRGB(0xFC, 0xFC, 0xFB),
		AssetServer:      &assetserver.Options{Assets: page, Middleware: s.route},
		Logger:           logger.NewDefaultLogger(),
		LogLevel:         logger.ERROR,
		OnStartup:        s.startup,
		OnBeforeClose:    s.beforeClose,
		OnShutdown:       func(context.Context) { s.shutdown() },
		Bind:             bound(s.documents, s.settings, s.updates, s.session, s.window),
		Linux:            &linux.Options{ProgramName: "tesseract", WebviewGpuPolicy: linux.WebviewGpuPolicyOnDemand},
	})
	if err != nil {
		return fmt.Errorf("open the window: %w", err)
	}
	return nil
}

// assemble builds everything that does not need the window. It returns instance.ErrHeld when the app runs already.
func (s *shell) assemble(ctx context.Context) error {
	b, err := parseBuild()
	if err != nil {
		return err
	}
	// Asked for now: once this program's file has been replaced, the system names the kept copy.
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	s.program = doctor.Program(executable)
	if s.runtimeDir, err = sandbox.RuntimeDir(Name); err != nil {
		return err
	}
	if s.lock, err = instance.New(s.runtimeDir, s.raise, s.log); err != nil {
		return err
	}
	mode := "fresh"
	if handover.Invited() {
		mode = "successor"
		if s.successor, err = handover.Join(ctx, Version, os.Stdin); err != nil {
			return err
		}
	} else if err := s.lock.Enter(ctx); err != nil {
		return err
	}

	box, err := sandbox.Open(sandbox.Options{App: Name, Log: s.log})
	if err != nil {
		return err
	}
	s.box = box
	store, err := snapshot.Open(box.Snapshots(), snapshotSchema)
	if err != nil {
		return err
	}
	s.preferences = preferences.Open(box.Preferences())
	documents, err := workspace.Open(workspace.Options{Folder: box.Documents(), Language: s.language, Log: s.log})
	if err != nil {
		return err
	}
	s.workspace = documents
	s.snapshots = newSnapshots(store)
	s.aside.Store(s.successor != nil)
	s.snapshots.setClosed(s.successor != nil)

	s.documents = NewDocuments(documents)
	s.settings = NewSettings(s.preferences)
	s.session = newSession(mode, box, s.snapshots)
	s.session.emit = s.emit
	s.window = &Window{native: s.native, setTitle: s.setTitle, browse: s.browse, held: s.successor != nil}
	if s.engine, err = s.newEngine(b); err != nil {
		return err
	}
	s.session.engine = s.engine
	if s.successor != nil {
		s.join(ctx)
	}
	s.updates = &Updates{engine: s.engine, preferences: s.preferences, outcomes: s.outcomes}
	return nil
}

// route puts the snapshot's address before the page's files.
func (s *shell) route(next http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(snapshotPath, s.snapshots)
	mux.Handle("/", next)
	return mux
}

// startup runs when Wails has made the window.
func (s *shell) startup(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	frames := make(chan window.Frame, 1)
	native := window.New(ctx, func(f window.Frame) {
		// On the toolkit's thread: keep the newest only, and never wait.
		select {
		case <-frames:
		default:
		}
		select {
		case frames <- f:
		default:
		}
	})
	s.ctx.Store(&ctx)
	s.nativeWindow.Store(native)
	go func() {
		for {
			select {
			case f := <-frames:
				s.emit(eventFrame, f)
				if p := s.crossing.Load(); p != nil && !s.aside.Load() && onScreen(f) {
					_ = p.Move(f) // a passage that is broken fails the crossing
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	s.preferences.OnChange(func(p preferences.Preferences) {
		s.emit(eventPreferences, p)
		s.engine.SettingsChanged()
	})
	s.preferences.Watch(ctx)
	s.workspace.Watch(ctx, func() { s.emit(eventDocuments) })
	time.AfterFunc(patience, s.window.presentAnyway)
	go s.endOnSignal(ctx)
	go s.engine.Run(ctx)
}

// endOnSignal ends the app as if the user had closed it, when the session ends or somebody kills it politely.
func (s *shell) endOnSignal(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	select {
	case <-signals:
		wailsruntime.Quit(ctx)
	case <-ctx.Done():
	}
}

// beforeClose writes the UI's state before the window goes. A page that does not answer cannot keep it open.
func (s *shell) beforeClose(context.Context) (prevent bool) {
	if s.quitting.Load() {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if err := s.session.capture(ctx); err != nil {
		s.log.Error("the window's last state could not be written", "why", err)
	}
	s.lock.Leaving()
	s.engine.Leaving()
	return false
}

func (s *shell) shutdown() {
	s.stop()
	s.lock.Yield()
}
