//go:build !bindings

package app

import (
	"context"
	"encoding/json"
)

// launch has the engine look at what the last process left behind, before there is a window. It says whether this process is to end: then a
// newer version is what the user sees, or the version before this one is being executed.
func (s *shell) launch(ctx context.Context) (ended bool, err error) {
	if s.successor != nil {
		return false, nil
	}
	// Whatever the window was when it was seen last, who starts the app wants to see it.
	opened, err := json.Marshal(map[string]any{"frame": map[string]bool{"visible": true, "minimised": false}})
	if err != nil {
		return false, err
	}
	launched := s.engine.Launch(ctx, opened)
	switch {
	case launched.Over:
		s.lock.Yield()
		return true, nil
	case launched.Execute != "":
		s.log.Warn("this version did not stay, the one before it is started", "program", launched.Execute)
		s.lock.Yield()
		return true, execute(launched.Execute)
	}
	return false, nil
}

// canCross says why the visible window cannot be handed over now.
func (s *shell) canCross() error {
	native, err := s.native()
	if err != nil {
		return err
	}
	return native.CanCross()
}
