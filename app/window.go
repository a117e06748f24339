package app

import (
	"fmt"
	"net/url"
	"sync"

	"github.com/tesseract-desktop/tesseract/app/window"
)

// Window lets the page place its window and look after its title.
type Window struct {
	native   func() (*window.Window, error)
	setTitle func(string)
	browse   func(string)
	beneath  func() (bool, error) // in a successor: comes up beneath the running version's window, if that is on the screen

	mu     sync.Mutex
	held   bool          // a successor that has not taken over: the page may ask, but nothing is shown
	shown  bool          // the window has been presented, and is the user's to move
	wanted *window.Frame // what the page asked for last
}

// Frame returns the window's place and state.
func (w *Window) Frame() (window.Frame, error) {
	native, err := w.native()
	if err != nil {
		return window.Frame{}, pageError(err)
	}
	f, err := native.Frame()
	return f, pageError(err)
}

// Place gives the window its size while it is held back.
func (w *Window) Place(f window.Frame) error {
	native, err := w.native()
	if err != nil {
		return pageError(err)
	}
	return pageError(native.Place(f))
}

// Present shows the window as the frame says, or where the system likes when there is none. It does so once: from then on the window is the
// user's. In a successor it notes the frame, for when this process takes over, and comes up
// beneath the running version's window if that can be seen. A window that the user just opened is
// always shown on the screen, whatever it was when last seen.
func (w *Window) Present(f *window.Frame) error {
	w.mu.Lock()
	w.wanted = f
	ours, successor := !w.held && !w.shown, w.held && !w.shown
	w.shown = w.shown || successor
	w.mu.Unlock()
	if successor {
		_, err := w.beneath()
		return pageError(err)
	}
	if !ours {
		return nil
	}
	frame := defaultFrame
	if f != nil {
		frame = *f
	}
	frame.Visible, frame.Minimised = true, false
	return pageError(w.present(frame))
}

// wantedOr returns the frame that the page asked for last, or another where it asked for none.
func (w *Window) wantedOr(other window.Frame) window.Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wanted == nil {
		return other
	}
	return *w.wanted
}

// defaultFrame is the window's size on the first run; the zero place leaves it to the system.
var defaultFrame = window.Frame{Width: 1100, Height: 760, Visible: true}

// present shows the window without asking whether this process may.
func (w *Window) present(f window.Frame) error {
	native, err := w.native()
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.held, w.shown = false, true
	w.mu.Unlock()
	return native.Present(f)
}

// cameOut says that the window is the user's now, without having been presented.
func (w *Window) cameOut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held, w.shown = false, true
}

// presentAnyway shows the window when the page never asked for it, so that what is wrong can be seen.
func (w *Window) presentAnyway() {
	_ = w.Present(nil) // without a window there is nothing to show
}

// SetTitle changes the window's title.
func (w *Window) SetTitle(title string) { w.setTitle(title) }

// OpenExternal opens a link of a document in the user's browser: http, https and mailto only, since a document may come from anywhere.
func (w *Window) OpenExternal(link string) error {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
		return fmt.Errorf("invalid: only web and mail links can be opened")
	}
	w.browse(u.String())
	return nil
}
