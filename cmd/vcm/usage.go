package main

import "time"

// usage is what this process took from its start until now. What the system
// does not tell is 0.
type usage struct {
	cpu  time.Duration // of all threads, in the program and in the system
	peak int64         // bytes of resident memory
}
