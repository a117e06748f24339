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

	mu     sync.Mutex
	hidden bool // a successor that has not taken over: the page may ask, but nothing is shown
	first  bool // nothing has been presented yet
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

// Present shows the window as the frame says, or where the system likes when there is none. In a successor it does nothing: the window is
// shown when this process takes over. A window that the user just opened is always shown on the screen, whatever it was when last seen.
func (w *Window) Present(f *window.Frame) error {
	w.mu.Lock()
	hidden, first := w.hidden, w.first
	w.first = false
	w.mu.Unlock()
	if hidden {
		return nil
	}
	frame := defaultFrame
	if f != nil {
		frame = *f
	}
	if first {
		frame.Visible, frame.Minimised = true, false
	}
	return pageError(w.present(frame))
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
	w.hidden, w.first = false, false
	w.mu.Unlock()
	return native.Present(f)
}

// presentAnyway shows the window when the page never asked for it, so that what is wrong can be seen.
func (w *Window) presentAnyway() {
	w.mu.Lock()
	waiting := w.first && !w.hidden
	w.mu.Unlock()
	if waiting {
		_ = w.Present(nil) // without a window there is nothing to show
	}
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
