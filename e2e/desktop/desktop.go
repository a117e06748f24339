//go:build linux

// Package desktop is a person at a Linux desktop: a screen with a window manager and a message
// bus, a keyboard, a pointer, a clipboard and eyes that notice one changed pixel.
//
// The screen is a private Xvfb, so that nothing else can draw on it or take the focus; a demo may
// use the display that is there. Everything is done through the programs that people script
// desktops with (xdotool, xprop, import, xclip), and waits for what X reports.
package desktop

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
)

// Options of a Desktop.
type Options struct {
	Processes *Processes
	Runtime   string // folder for sockets; a short path, for sockets have at most 107 bytes
	Screen    string // "1440x900"
	Display   string // a display that is there; "" starts a private one
}

// A Desktop is a screen that programs can be started on.
type Desktop struct {
	env     []string
	display string
	memory  string // the folder in which a private screen keeps its pixels
	private bool
}

// Start brings the desktop up. It ends with o.Processes.
func Start(ctx context.Context, o Options) (*Desktop, error) {
	d := &Desktop{display: o.Display, memory: o.Runtime}
	if o.Display == "" {
		d.private = true
		if err := d.startScreen(o); err != nil {
			return nil, err
		}
	}
	d.env = []string{
		"DISPLAY=" + d.display, "PATH=" + os.Getenv("PATH"), "XDG_RUNTIME_DIR=" + o.Runtime, "HOME=" + o.Runtime,
		"XAUTHORITY=" + os.Getenv("XAUTHORITY"), "LANG=C.UTF-8",
	}
	bus, err := startBus(ctx, o, d.env)
	if err != nil {
		return nil, err
	}
	d.env = append(d.env, "DBUS_SESSION_BUS_ADDRESS="+bus)
	if d.private {
		if err := d.startWindowManager(o); err != nil {
			return nil, err
		}
	}
	return d, await.Until(ctx, 20*time.Second, "the window manager", func() error {
		out, err := d.run(ctx, "xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
		if err != nil {
			return err
		}
		if !strings.Contains(out, "window id") {
			return fmt.Errorf("the root window names none: %s", out)
		}
		return nil
	})
}

// Env is what programs on this desktop need in their environment.
func (d *Desktop) Env() []string {
	return append([]string{
		// X11, also where the person's own session is Wayland; the software renderer draws the
		// same pixels everywhere.
		"GDK_BACKEND=x11", "LIBGL_ALWAYS_SOFTWARE=1", "WEBKIT_DISABLE_COMPOSITING_MODE=1",
		"GTK_THEME=Adwaita", "NO_AT_BRIDGE=1", "GSETTINGS_BACKEND=memory",
	}, d.env...)
}

func (d *Desktop) startScreen(o Options) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	screen, err := o.Processes.Start([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + o.Runtime}, []*os.File{write},
		"Xvfb", "-displayfd", "3", "-screen", "0", o.Screen+"x24", "-nolisten", "tcp", "-noreset", "-dpi", "96", "-fbdir", o.Runtime)
	write.Close()
	if err != nil {
		return err
	}
	number, err := bufio.NewReader(read).ReadString('\n') // ends when the server is ready, or gone
	if err != nil {
		return fmt.Errorf("Xvfb did not come up: %s", screen.Output())
	}
	d.display = ":" + strings.TrimSpace(number)
	return nil
}

// startWindowManager starts openbox as its package sets it up, but for the animation that slides a
// window to and from its place when it is minimised.
func (d *Desktop) startWindowManager(o Options) error {
	usual, err := os.ReadFile("/etc/xdg/openbox/rc.xml")
	if err != nil {
		return err
	}
	const animated = "<animateIconify>yes</animateIconify>"
	if !strings.Contains(string(usual), animated) {
		return fmt.Errorf("openbox's rc.xml does not say %s any more", animated)
	}
	config := filepath.Join(o.Runtime, "openbox.xml")
	if err := os.WriteFile(config, []byte(strings.Replace(string(usual), animated, "<animateIconify>no</animateIconify>", 1)), 0o600); err != nil {
		return err
	}
	_, err = o.Processes.Start(d.env, nil, "openbox", "--sm-disable", "--config-file", config)
	return err
}

func startBus(ctx context.Context, o Options, env []string) (string, error) {
	socket := filepath.Join(o.Runtime, "bus")
	bus, err := o.Processes.Start(env, nil, "dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--address=unix:path="+socket)
	if err != nil {
		return "", err
	}
	return "unix:path=" + socket, await.Until(ctx, 10*time.Second, "the message bus", func() error {
		if _, err := os.Stat(socket); err != nil {
			return fmt.Errorf("%w: %s", err, bus.Output())
		}
		return nil
	})
}

// run runs one of the person's tools.
func (d *Desktop) run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out, err := Run(ctx, d.env, nil, name, args...)
	return strings.TrimSpace(string(out)), err
}
