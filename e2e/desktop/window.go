//go:build linux

package desktop

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
)

const patience = 15 * time.Second

// A Window is one that the window manager lists: on the screen, or minimised. A hidden window is
// not listed.
type Window struct {
	d     *Desktop
	ID    string
	PID   int
	Title string
}

var (
	windowID = regexp.MustCompile(`0x[0-9a-f]+`)
	quoted   = regexp.MustCompile(`= "(.*)"$`)
	number   = regexp.MustCompile(`= (\d+)$`)
)

// Windows lists the windows of the given processes, or all.
func (d *Desktop) Windows(ctx context.Context, pids ...int) ([]*Window, error) {
	list, err := d.run(ctx, "xprop", "-root", "_NET_CLIENT_LIST")
	if err != nil {
		return nil, err
	}
	var windows []*Window
	for _, id := range windowID.FindAllString(list, -1) {
		properties, err := d.run(ctx, "xprop", "-id", id, "_NET_WM_PID", "_NET_WM_NAME")
		if err != nil {
			continue // gone since
		}
		w := &Window{d: d, ID: id}
		for line := range strings.Lines(properties) {
			line = strings.TrimSpace(line)
			if m := number.FindStringSubmatch(line); m != nil && strings.HasPrefix(line, "_NET_WM_PID") {
				w.PID, _ = strconv.Atoi(m[1])
			}
			if m := quoted.FindStringSubmatch(line); m != nil && strings.HasPrefix(line, "_NET_WM_NAME") {
				w.Title = m[1]
			}
		}
		if len(pids) == 0 || contains(pids, w.PID) {
			windows = append(windows, w)
		}
	}
	return windows, nil
}

// Window waits for the one window of a process. More than one is what a person must never see, and
// so never waited out.
func (d *Desktop) Window(ctx context.Context, limit time.Duration, pid int) (w *Window, err error) {
	err = await.Until(ctx, limit, fmt.Sprintf("the window of process %d", pid), func() error {
		windows, err := d.Windows(ctx, pid)
		if err != nil {
			return err
		}
		if len(windows) != 1 {
			return fmt.Errorf("it has %d windows", len(windows))
		}
		w = windows[0]
		return nil
	})
	return w, err
}

// Minimise puts the window away, as the person's button does, and waits until it is.
func (w *Window) Minimise(ctx context.Context) error {
	if _, err := w.d.run(ctx, "xdotool", "windowminimize", w.ID); err != nil {
		return err
	}
	return await.Until(ctx, patience, "the window to be minimised", func() error { return w.state(ctx, true) })
}

// Activate brings the window back and to the front, and waits until it has the keyboard and has come
// to rest where it belongs.
func (w *Window) Activate(ctx context.Context) error {
	if _, err := w.d.run(ctx, "xdotool", "windowactivate", w.ID); err != nil {
		return err
	}
	var last Geometry
	return await.Until(ctx, patience, "the window to be in front", func() error {
		if err := w.state(ctx, false); err != nil {
			return err
		}
		if err := w.focused(ctx); err != nil {
			return err
		}
		now, err := w.Geometry(ctx)
		if err != nil {
			return err
		}
		if now != last {
			last = now
			return fmt.Errorf("it is on its way to %+v", now)
		}
		return nil
	})
}

func (w *Window) state(ctx context.Context, minimised bool) error {
	out, err := w.d.run(ctx, "xprop", "-id", w.ID, "WM_STATE")
	if err != nil {
		return err
	}
	if strings.Contains(out, "Iconic") != minimised {
		return fmt.Errorf("it is %s", strings.Join(strings.Fields(out), " "))
	}
	return nil
}

func (w *Window) focused(ctx context.Context) error {
	out, err := w.d.run(ctx, "xprop", "-root", "_NET_ACTIVE_WINDOW")
	if err != nil {
		return err
	}
	if windowID.FindString(out) != w.ID {
		return fmt.Errorf("the active window is %s", windowID.FindString(out))
	}
	return nil
}

// Geometry is where the window's content is on the screen, in pixels.
type Geometry struct{ X, Y, Width, Height int }

// Geometry asks X.
func (w *Window) Geometry(ctx context.Context) (g Geometry, err error) {
	out, err := w.d.run(ctx, "xwininfo", "-id", w.ID)
	if err != nil {
		return g, err
	}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			continue
		}
		switch key {
		case "Absolute upper-left X":
			g.X = n
		case "Absolute upper-left Y":
			g.Y = n
		case "Width":
			g.Width = n
		case "Height":
			g.Height = n
		}
	}
	if g.Width == 0 {
		return g, errors.New("xwininfo told no width")
	}
	return g, nil
}

// Resize gives the window's content another size, as dragging its corner does.
func (w *Window) Resize(ctx context.Context, width, height int) error {
	if _, err := w.d.run(ctx, "xdotool", "windowsize", w.ID, strconv.Itoa(width), strconv.Itoa(height)); err != nil {
		return err
	}
	return await.Until(ctx, patience, "the window's new size", func() error {
		g, err := w.Geometry(ctx)
		if err == nil && (g.Width != width || g.Height != height) {
			err = fmt.Errorf("it is %dx%d, not %dx%d", g.Width, g.Height, width, height)
		}
		return err
	})
}

func contains(all []int, n int) bool {
	for _, x := range all {
		if x == n {
			return true
		}
	}
	return false
}
