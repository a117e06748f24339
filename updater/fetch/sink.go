package fetch

import "context"

// sink writes and proves what one request brings while the next bytes are being read: on a fast network each takes as long as the other.
type sink struct {
	free, full chan []byte
	ended      chan struct{} // closed when nothing is written any more; then over and err are set
	over       bool          // no more bytes are wanted
	err        error
}

// newSink takes bytes to write until close is called. stop is called when it wants no more.
func newSink(write func([]byte) (over bool, err error), stop context.CancelCauseFunc) *sink {
	s := &sink{free: make(chan []byte, 2), full: make(chan []byte, 2), ended: make(chan struct{})}
	first, second := buffers.Get().(*[bufferSize]byte), buffers.Get().(*[bufferSize]byte)
	s.free <- first[:]
	s.free <- second[:]
	go func() {
		defer func() {
			buffers.Put(first)
			buffers.Put(second)
			close(s.ended)
		}()
		for b := range s.full {
			if !s.over && s.err == nil {
				if s.over, s.err = write(b); s.over || s.err != nil {
					stop(errEnough)
				}
			}
			s.free <- b[:bufferSize]
		}
	}()
	return s
}

// buffer is where to read into next.
func (s *sink) buffer() []byte { return <-s.free }

// take takes what was read into the buffer.
func (s *sink) take(b []byte) {
	if len(b) > 0 {
		s.full <- b
	} else {
		s.free <- b[:bufferSize]
	}
}

// close waits until everything is written.
func (s *sink) close() (over bool, err error) {
	close(s.full)
	<-s.ended
	return s.over, s.err
}
