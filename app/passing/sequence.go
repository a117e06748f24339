package passing

import (
	"errors"
	"sync"
)

// Sequence puts numbered items back into order. The page numbers what it says from 1 on, and says each in a call of its own, and calls may
// overtake each other.
type Sequence struct {
	mu      sync.Mutex
	next    uint64
	early   map[uint64]string
	deliver func(n uint64, item string)
}

// mostEarly bounds how many items may wait for one that is missing.
const mostEarly = 10_000

// ErrGap says that an item must have been lost.
var ErrGap = errors.New("too many items came before one that is missing")

// NewSequence returns one that calls deliver for every item in turn, never concurrently.
func NewSequence(deliver func(n uint64, item string)) *Sequence {
	return &Sequence{next: 1, early: map[uint64]string{}, deliver: deliver}
}

// Take takes the item with the number n, and delivers all that are due.
func (s *Sequence) Take(n uint64, item string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < s.next {
		return nil // said before
	}
	if len(s.early) == mostEarly {
		return ErrGap
	}
	s.early[n] = item
	for item, found := s.early[s.next]; found; item, found = s.early[s.next] {
		delete(s.early, s.next)
		s.deliver(s.next, item)
		s.next++
	}
	return nil
}

// Restart begins anew with number 1. What was missing is forgotten.
func (s *Sequence) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = 1
	clear(s.early)
}
