//go:build linux && production

package window

/*
#cgo pkg-config: gtk+-3.0
#include "gtk_linux.h"
*/
import "C"

import (
	"context"
	"errors"
	"sync/atomic"
)

// changed is the one callback that GTK's events reach; a process has one main window.
var changed atomic.Pointer[func(Frame)]

// HoldBack keeps the main window from being seen until Present. Call it on the main thread, before Wails makes the window.
func HoldBack() { C.window_hold_back() }

// Window is the main window.
type Window struct{}

// New takes hold of the main window. onChange is called on GTK's thread after every change of the frame, and must return at once.
func New(_ context.Context, onChange func(Frame)) *Window {
	changed.Store(&onChange)
	return &Window{}
}

var errNoWindow = errors.New("there is no window yet")

// Place gives the window its size while it is held back, so that the page can be restored at that size.
func (*Window) Place(f Frame) error { return found(C.window_place(toC(f.Sane()))) }

// Present lets the window be seen as the frame says.
func (*Window) Present(f Frame) error { return found(C.window_present(toC(f.Sane()))) }

// Hide takes the window from the screen and the task bar.
func (*Window) Hide() error { return found(C.window_hide()) }

// Raise brings the window to the user.
func (*Window) Raise() error { return found(C.window_raise()) }

// Frame returns the window's present frame.
func (*Window) Frame() (Frame, error) {
	var f C.window_frame
	if err := found(C.window_read(&f)); err != nil {
		return Frame{}, err
	}
	return fromC(f), nil
}

func found(n C.int) error {
	if n == 0 {
		return errNoWindow
	}
	return nil
}

//export windowChanged
func windowChanged(f C.window_frame) {
	if tell := changed.Load(); tell != nil {
		(*tell)(fromC(f))
	}
}

func fromC(f C.window_frame) Frame {
	return Frame{
		X: int(f.x), Y: int(f.y), Width: int(f.width), Height: int(f.height),
		Maximised: f.maximised != 0, Minimised: f.minimised != 0, Fullscreen: f.fullscreen != 0, Visible: f.visible != 0,
	}
}

func toC(f Frame) C.window_frame {
	return C.window_frame{
		x: C.int(f.X), y: C.int(f.Y), width: C.int(f.Width), height: C.int(f.Height),
		maximised: flag(f.Maximised), minimised: flag(f.Minimised), fullscreen: flag(f.Fullscreen), visible: flag(f.Visible),
	}
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
