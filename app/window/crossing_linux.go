//go:build linux && production

package window

/*
#cgo pkg-config: gtk+-3.0 x11
#include "gtk_linux.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
)

// What GTK's thread tells. Each channel holds one signal, for whoever waits.
var (
	handOver atomic.Pointer[func(Input)]
	focused  = make(chan struct{}, 1)
	drawn    = make(chan struct{}, 1)
)

// CanCross says why one process's window cannot take the place of another's on this desktop, or nil.
func (*Window) CanCross() error {
	switch C.window_can_cross() {
	case 1:
		return nil
	case 0:
		return errNoWindow
	case -1:
		return errors.New("an app cannot place its windows on this kind of desktop (Wayland)")
	default:
		return errors.New("the window manager cannot keep a window beneath others")
	}
}

// Beneath maps a window that was held back, beneath all others, without the keyboard and in no task bar. Keys that reach it are kept.
func (*Window) Beneath(f Frame) error { return found(C.window_beneath(toC(f.Sane()))) }

// MoveBeneath follows the incumbent, whose user has moved it.
func (*Window) MoveBeneath(f Frame) error { return found(C.window_move_beneath(toC(f.Sane()))) }

// Use returns what the user is doing with the window.
func (*Window) Use() (Use, error) {
	var u C.window_use
	if err := found(C.window_read_use(&u)); err != nil {
		return Use{}, err
	}
	since := time.Duration(math.MaxInt64)
	if us := int64(u.since_key); us < math.MaxInt64/int64(time.Microsecond) {
		since = time.Duration(us) * time.Microsecond
	}
	return Use{Focused: u.focused != 0, Pressed: u.pressed != 0, Grabbed: u.grabbed != 0, SinceKey: since}, nil
}

// CloseGate keeps all keys from the window and calls hand for each, in order, and for the loss of the keyboard. It is called on GTK's
// thread, and must return at once. The keys are kept here, too.
func (*Window) CloseGate(hand func(Input)) error {
	handOver.Store(&hand)
	return found(C.window_close_gate())
}

// OpenGate lets keys in again: first those given, then, when own is true, those kept since the gate was closed.
func (*Window) OpenGate(first []Key, own bool) error {
	keys := make([]C.window_key, len(first)+1) // never without an address
	for i, k := range first {
		keys[i] = C.window_key{
			press: flag(k.Press), value: C.uint32_t(k.Value), code: C.uint32_t(k.Code), state: C.uint32_t(k.State),
			time: C.uint32_t(k.Time), group: C.uint32_t(k.Group), modifier: flag(k.Modifier),
		}
	}
	return found(C.window_open_gate(&keys[0], C.int(len(first)), flag(own)))
}

// Barrier sends the page the key F19, past the gate. The page sees it after every key that came before.
func (*Window) Barrier() error { return found(C.window_barrier()) }

// PretendFocus makes the page believe that it has the keyboard, so that it looks as it will when it does.
func (*Window) PretendFocus() error { return found(C.window_pretend_focus()) }

// Draw returns when the window has been drawn once more.
func (*Window) Draw(ctx context.Context) error {
	lower(drawn)
	if err := found(C.window_draw()); err != nil {
		return err
	}
	return await(ctx, drawn, "the window to be drawn")
}

// Activate brings the window out from beneath, in front of all others, and returns when it has the keyboard.
func (w *Window) Activate(ctx context.Context) error {
	lower(focused)
	if err := found(C.window_activate()); err != nil {
		return err
	}
	if use, err := w.Use(); err != nil || use.Focused {
		return err
	}
	return await(ctx, focused, "the keyboard")
}

func await(ctx context.Context, signal <-chan struct{}, what string) error {
	select {
	case <-signal:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
	}
}

//export windowInput
func windowInput(what C.int, key C.window_key) {
	switch what {
	case C.INPUT_FOCUS:
		raise(focused)
	case C.INPUT_DRAWN:
		raise(drawn)
	case C.INPUT_END:
		tell(Input{End: true})
	case C.INPUT_KEY:
		tell(Input{Key: Key{
			Press: key.press != 0, Value: uint32(key.value), Code: uint32(key.code), State: uint32(key.state),
			Time: uint32(key.time), Group: uint32(key.group), Modifier: key.modifier != 0,
		}})
	}
}

func tell(in Input) {
	if hand := handOver.Load(); hand != nil {
		(*hand)(in)
	}
}

func raise(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default:
	}
}

// lower takes back a signal that nobody waited for.
func lower(signal <-chan struct{}) {
	select {
	case <-signal:
	default:
	}
}
