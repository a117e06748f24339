//go:build !linux || !production

package window

import (
	"context"
	"sync"

	"github.com/wailsapp/wails/v2/pkg/runtime"
)

// HoldBack needs nothing here: Wails' StartHidden keeps the window from being seen.
func HoldBack() {}

// Window is the main window.
type Window struct {
	ctx      context.Context
	onChange func(Frame)

	mu     sync.Mutex
	normal Frame // the last place and size seen when neither maximised, minimised nor full screen
	shown  bool
}

// New takes hold of the main window. onChange is called after every change that this package makes or finds.
func New(ctx context.Context, onChange func(Frame)) *Window {
	return &Window{ctx: ctx, onChange: onChange}
}

// Place gives the window its size while it is held back, so that the page can be restored at that size.
func (w *Window) Place(f Frame) error {
	f = f.Sane()
	runtime.WindowSetSize(w.ctx, f.Width, f.Height)
	return nil
}

// Present lets the window be seen as the frame says.
func (w *Window) Present(f Frame) error {
	f = f.Sane()
	runtime.WindowSetSize(w.ctx, f.Width, f.Height)
	if f.X != 0 || f.Y != 0 {
		runtime.WindowSetPosition(w.ctx, f.X, f.Y)
	}
	if f.Maximised {
		runtime.WindowMaximise(w.ctx)
	}
	if f.Fullscreen {
		runtime.WindowFullscreen(w.ctx)
	}
	w.mu.Lock()
	w.normal, w.shown = f, f.Visible
	w.mu.Unlock()
	if f.Visible {
		if f.Minimised {
			runtime.WindowMinimise(w.ctx)
		} else {
			runtime.WindowShow(w.ctx)
		}
	}
	w.onChange(f)
	return nil
}

// Hide takes the window from the screen and the task bar. On macOS the whole app is hidden: a window hidden by itself could not be
// brought back from the Dock.
func (w *Window) Hide() error {
	w.mu.Lock()
	w.shown = false
	w.mu.Unlock()
	runtime.Hide(w.ctx)
	return nil
}

// Raise brings the window to the user.
func (w *Window) Raise() error {
	w.mu.Lock()
	w.shown = true
	w.mu.Unlock()
	runtime.Show(w.ctx)
	runtime.WindowUnminimise(w.ctx)
	runtime.WindowShow(w.ctx)
	return nil
}

// Frame returns the window's present frame.
func (w *Window) Frame() (Frame, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.normal
	f.Maximised = runtime.WindowIsMaximised(w.ctx)
	f.Minimised = runtime.WindowIsMinimised(w.ctx)
	f.Fullscreen = runtime.WindowIsFullscreen(w.ctx)
	f.Visible = w.shown
	if !f.Maximised && !f.Minimised && !f.Fullscreen {
		f.X, f.Y = runtime.WindowGetPosition(w.ctx)
		f.Width, f.Height = runtime.WindowGetSize(w.ctx)
		w.normal = f
	}
	return f, nil
}
