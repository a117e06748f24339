package goexe

import "errors"

// room is how much memory may still be taken for what a patch says, in bytes. The old file and what is read out of it
// are not counted: a patch cannot make them larger. A builder takes what a patcher will, so as to refuse first.
type room uint64

// newRoom returns the room for a new file of that size. Models and windows take as much again as it has beyond the size.
func newRoom(size uint64) room { return room(size + 24<<20) }

// operationRoom is what an operation takes: itself, what it copies in memory addresses, and the map of where things went.
const operationRoom = 96

var errRoom = errors.New("it takes more memory than a patch for a file of this size may")

func (r *room) take(n uint64) error {
	if n > uint64(*r) {
		return errRoom
	}
	*r -= room(n)
	return nil
}
