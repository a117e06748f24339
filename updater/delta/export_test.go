package delta

// ErrPanic lets tests see that a codec was saved by recover.
var ErrPanic = errPanic
