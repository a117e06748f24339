// Package hostile lets a process of ours download from servers that mean harm, or are merely broken.
//
// Parties: a server of the test's own, which breaks every rule it knows; the downloads of the app, as a command, in a process of their own.
//
// Trust: the server is believed nothing, and neither is what the command says of itself: the file is compared here, the bytes are counted
// where they are sent, and the memory is read from the system.
//
// Each case ends with the right file or a clear reason, having fetched at most 1 % more than was needed, in 32 MiB of memory beyond what the
// idle process takes. A crash leaves a folder in the system's temporary directory and no process.
//
// The tests need Linux and the build tag e2e: make test-e2e.
package hostile
