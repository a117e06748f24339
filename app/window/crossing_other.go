//go:build !linux || !production

package window

import (
	"context"
	"errors"
)

// errCannotCross says that a window cannot take another process's place here.
var errCannotCross = errors.New("on this system a new version comes while the window is hidden")

// CanCross says why one process's window cannot take the place of another's here.
func (*Window) CanCross() error { return errCannotCross }

// The rest is never reached where CanCross says no; each says so again.

// Beneath maps a window that was held back, beneath all others.
func (*Window) Beneath(Frame) error { return errCannotCross }

// MoveBeneath follows the incumbent, whose user has moved it.
func (*Window) MoveBeneath(Frame) error { return errCannotCross }

// Use returns what the user is doing with the window.
func (*Window) Use() (Use, error) { return Use{}, errCannotCross }

// CloseGate keeps all keys from the window and hands them over.
func (*Window) CloseGate(func(Input)) error { return errCannotCross }

// OpenGate lets keys in again.
func (*Window) OpenGate([]Key, bool) error { return errCannotCross }

// Barrier sends the page a key behind all others.
func (*Window) Barrier() error { return errCannotCross }

// PretendFocus makes the page believe that it has the keyboard.
func (*Window) PretendFocus() error { return errCannotCross }

// Draw returns when the window has been drawn once more.
func (*Window) Draw(context.Context) error { return errCannotCross }

// Activate brings the window out from beneath.
func (*Window) Activate(context.Context) error { return errCannotCross }
