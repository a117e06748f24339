package window

import "time"

// Crossing: the window takes the place of the same window of another process, and nobody sees it. The other one, the incumbent, is on the
// screen; this one, the successor, is mapped beneath it, at the same place, fills up with the same content, and comes out when everything is
// there. While the keyboard moves from one to the other, gates keep the keys: the incumbent's hands them over one by one, the successor's
// holds what comes in until it has seen those. The order is the caller's business (package passing).

// Key is a key that was pressed or let go, in the words of the system's toolkit. It means something on the same machine only.
type Key struct {
	Press    bool   `json:"press"`
	Value    uint32 `json:"value"`
	Code     uint32 `json:"code"`
	State    uint32 `json:"state"`
	Time     uint32 `json:"time"`
	Group    uint32 `json:"group"`
	Modifier bool   `json:"modifier"`
}

// Input is what a gate hands over: a key, or the end, when the window no longer has the keyboard.
type Input struct {
	Key Key
	End bool
}

// Use is what the user is doing with the window.
type Use struct {
	Focused  bool          // it has the keyboard
	Pressed  bool          // a mouse button is down in it
	Grabbed  bool          // a menu is open, or something is being dragged
	SinceKey time.Duration // since the last key
}
