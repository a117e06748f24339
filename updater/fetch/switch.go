package fetch

import "sync"

// A Switch pauses and resumes downloads. The zero value is on; one may steer several downloads.
type Switch struct {
	mu     sync.Mutex
	paused bool
	change chan struct{} // closed and replaced at each change; nil while nobody looks
}

// Pause stops what the switch steers within a moment: requests end, what has arrived stays.
func (s *Switch) Pause() { s.set(true) }

// Resume goes on where Pause stopped.
func (s *Switch) Resume() { s.set(false) }

// Paused tells which of the two came last.
func (s *Switch) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

func (s *Switch) set(paused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paused != paused {
		s.paused = paused
		s.wake()
	}
}

// wake tells everybody who watches to look again. The caller holds the lock.
func (s *Switch) wake() {
	if s.change != nil {
		close(s.change)
		s.change = nil
	}
}

func (s *Switch) poke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake()
}

// watch returns the state and a channel that is closed when it may have changed.
func (s *Switch) watch() (paused bool, change <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change == nil {
		s.change = make(chan struct{})
	}
	return s.paused, s.change
}
