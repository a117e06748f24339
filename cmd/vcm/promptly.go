package main

import (
	"context"
	"io"
	"sync"
)

// promptly does work and returns when it is done or when ctx ends, whichever
// is first. Work that ctx does not reach, because the library at work cannot be
// interrupted, is left behind: it goes on until the process ends, which is
// about to happen. So it must own nothing that is cleaned up, and write only
// through a valve.
func promptly[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		v, err := work()
		done <- outcome{v, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// valve is a writer that can be shut from another goroutine: when shut
// returns, nothing more reaches w.
type valve struct {
	mu sync.Mutex
	w  io.Writer
}

func (v *valve) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.w == nil {
		return 0, io.ErrClosedPipe
	}
	return v.w.Write(p)
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.w = nil
}
