// Package e2e proves Tesseract from outside: built binaries in a real window, with a real feed.
//
// Parties: a person at a keyboard (package desktop: a screen, a window manager, keys, pointer and
// screenshots), a publisher (package release: builds of these sources and the vcm command), and
// the app on its own, in a home of its own (package scenario). The tests and the demo tell these
// parties what to do and look at what comes of it.
//
// It sees the user interface, HTTP and files, and imports no other package of this repository:
// a mistake in one of them can not hide itself here.
//
// Every process that is started dies with the one that started it, and every folder outside
// build/ is removed at the end, also after a failure. A crash of the test program itself leaves a
// folder in the system's temporary directory and no process.
//
// The tests need Linux and the build tag e2e: make test-e2e.
package e2e
