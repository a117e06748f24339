// Package window shows the app's one window when, where and how it is told to, and never before.
//
// Parties: the process's main window, which Wails makes and owns; the user, who moves, hides and closes it; and the caller, who decides
// when it may be seen for the first time.
//
// Guarantees: between HoldBack and Present nothing of the window is mapped, not for a single frame, while the page in it loads, has its
// real size and can be restored. A window presented as minimised goes to the task bar without having been on the screen.
//
// On Linux this is done by GTK itself, underneath Wails, whose own ways to start hidden show the window for a moment. Elsewhere Wails'
// ways are sound and are used.
//
// A crash leaves nothing.
package window

// Frame is a window's place and state. X, Y, Width and Height describe the content without the title bar, in the system's logical pixels,
// as it is when neither maximised nor full screen; they are kept while it is.
type Frame struct {
	X          int  `json:"x"`
	Y          int  `json:"y"`
	Width      int  `json:"width"`
	Height     int  `json:"height"`
	Maximised  bool `json:"maximised"`
	Minimised  bool `json:"minimised"`
	Fullscreen bool `json:"fullscreen"`
	Visible    bool `json:"visible"` // false: not even in the task bar
}

// Least and Most bound what Sane lets through, in pixels.
const (
	Least = 320
	Most  = 16384
)

// Sane returns the frame with a size that a screen can show. A frame comes from disk, where anything may have happened to it.
func (f Frame) Sane() Frame {
	f.Width = min(max(f.Width, Least), Most)
	f.Height = min(max(f.Height, Least), Most)
	f.X = min(max(f.X, -Most), Most)
	f.Y = min(max(f.Y, -Most), Most)
	return f
}
