// Package archtest holds the architecture as a test: which room of the repository may import
// which, and why.
//
// Parties: whoever adds an import, and this test, which answers with the reason of the rule
// that stands against it. It reads the source files of every operating system and build tag,
// not only those that this machine would compile, and so it needs no C headers and no Node.
//
// It guarantees three things: every Go package has a row in the table and keeps to it; a
// dependency that belongs to one room is imported by no other; and the system calls that make
// a file durable are used in internal/durable alone. The rooms of the user interface have a
// table of their own.
//
// The package holds only tests; nothing imports it.
package archtest
