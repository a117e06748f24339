package fetch

import (
	"context"
	"slices"
	"sync"
)

// slots bounds the requests of all downloads together. Who asked goes before the background: first in the queue, and where no slot is
// free, one request of the background gives way.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting [2][]*slot // by priority
	holding []*slot    // of the background
}

type slot struct {
	priority Priority
	ready    chan struct{} // closed when it is held
	yield    func()        // asks the holder to let go
	asked    bool          // to let go
}

// acquire waits for a slot. yield may be called, once, while it is held.
func (q *slots) acquire(ctx context.Context, p Priority, yield func()) (*slot, error) {
	s := &slot{priority: p, ready: make(chan struct{}), yield: yield}
	q.mu.Lock()
	q.waiting[p] = append(q.waiting[p], s)
	if q.free == 0 && p == Asked {
		q.evict()
	}
	q.grant()
	q.mu.Unlock()
	select {
	case <-s.ready:
		return s, nil
	case <-ctx.Done():
		q.mu.Lock()
		defer q.mu.Unlock()
		select {
		case <-s.ready: // both at once
			q.drop(s)
		default:
			q.waiting[p] = slices.DeleteFunc(q.waiting[p], func(w *slot) bool { return w == s })
		}
		return nil, context.Cause(ctx)
	}
}

func (q *slots) release(s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.drop(s)
}

func (q *slots) drop(s *slot) {
	q.holding = slices.DeleteFunc(q.holding, func(h *slot) bool { return h == s })
	q.free++
	q.grant()
}

func (q *slots) grant() {
	for _, p := range []Priority{Asked, Background} {
		for q.free > 0 && len(q.waiting[p]) > 0 {
			s := q.waiting[p][0]
			q.waiting[p] = q.waiting[p][1:]
			q.free--
			if p == Background {
				q.holding = append(q.holding, s)
			}
			close(s.ready)
		}
	}
}

func (q *slots) evict() {
	for _, h := range q.holding {
		if !h.asked {
			h.asked = true
			h.yield()
			return
		}
	}
}
