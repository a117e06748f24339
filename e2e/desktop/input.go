//go:build linux

package desktop

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Keys and pointer go through the X server to whatever has the focus, as a person's do.

// Type types text, with that many milliseconds between keys.
func (d *Desktop) Type(ctx context.Context, text string, delay time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	_, err := Run(ctx, d.env, nil, "xdotool", "type", "--clearmodifiers", "--delay", strconv.FormatInt(delay.Milliseconds(), 10), "--", text)
	return err
}

// Key presses keys one after the other, each like "ctrl+z".
func (d *Desktop) Key(ctx context.Context, keys ...string) error {
	_, err := d.run(ctx, "xdotool", append([]string{"key", "--clearmodifiers", "--delay", "40"}, keys...)...)
	return err
}

// Do carries out a chain of xdotool's commands.
func (d *Desktop) Do(ctx context.Context, commands ...string) error {
	_, err := d.run(ctx, "xdotool", commands...)
	return err
}

// Click clicks with the left button, times times, at a place inside the window's content.
func (w *Window) Click(ctx context.Context, x, y, times int) error {
	if err := w.Point(ctx, x, y); err != nil {
		return err
	}
	_, err := w.d.run(ctx, "xdotool", "click", "--repeat", strconv.Itoa(times), "--delay", "60", "1")
	return err
}

// Point moves the pointer to a place inside the window's content.
func (w *Window) Point(ctx context.Context, x, y int) error {
	_, err := w.d.run(ctx, "xdotool", "mousemove", "--sync", "--window", w.ID, strconv.Itoa(x), strconv.Itoa(y))
	return err
}

// Drag presses the left button at a place inside the window's content, moves to another one and lets
// go there.
func (w *Window) Drag(ctx context.Context, fromX, fromY, toX, toY int) error {
	at := func(x, y int) []string {
		return []string{"mousemove", "--sync", "--window", w.ID, strconv.Itoa(x), strconv.Itoa(y)}
	}
	args := append(at(fromX, fromY), "mousedown", "1")
	args = append(args, at((fromX+toX)/2, (fromY+toY)/2)...)
	args = append(args, at(toX, toY)...)
	_, err := w.d.run(ctx, "xdotool", append(args, "mouseup", "1")...)
	return err
}

// Scroll turns the wheel downwards by that many notches where the pointer is.
func (d *Desktop) Scroll(ctx context.Context, notches int) error {
	_, err := d.run(ctx, "xdotool", "click", "--repeat", strconv.Itoa(notches), "--delay", "30", "5")
	return err
}

// Clipboard returns the text that was last copied.
func (d *Desktop) Clipboard(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := Run(ctx, d.env, nil, "xclip", "-selection", "clipboard", "-out")
	return string(out), err
}

// SetClipboard replaces what was copied, so that a later copy can be told from it.
func (d *Desktop) SetClipboard(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	// xclip stays behind to serve the text; its streams must not be waited for.
	_, err := Run(ctx, d.env, strings.NewReader(text), "sh", "-c", "exec xclip -selection clipboard -in >/dev/null 2>&1")
	if err != nil {
		return fmt.Errorf("set the clipboard: %w", err)
	}
	return nil
}
