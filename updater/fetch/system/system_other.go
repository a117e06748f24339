//go:build !linux && !windows

package system

import "context"

func read(context.Context) State { return State{Charge: -1} }

func announcements(context.Context) <-chan struct{} { return nil }
