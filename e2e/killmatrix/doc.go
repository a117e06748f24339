// Package killmatrix kills a program that keeps itself current at every system call with which it changes a file, lets each of these calls fail,
// and cuts the power after each of them. It then looks whether the update can be trusted as its users do.
//
// Parties: the driver here, which publishes releases with the real vcm, serves them over HTTP and never imports what it judges; a small
// program without a window ([program]) made of the real engine, or of the real install where it is a folder, which feeds do not carry yet; package calls, between the program and the system; package disk, which says
// what is left after a power cut.
//
// What is held. After every fault the program at its path is exactly the old or exactly the new version, and starts; the user's text is
// whole; the next good release arrives by itself, within a few starts; and then there is no file that an undisturbed update would not
// have left. The faults are: the process is killed before the call; all processes are; the call fails with ENOSPC, EACCES or EIO; from
// this call on the disk is full; the power fails, and what was not synced is lost, in part or whole. (Power that fails
// while all has been synced is all processes killed at once.)
//
// A point is a call as it can be recognised in another run: the process by its version and part, the call, its paths, and how many calls alike
// came before. The set of points is recorded from two undisturbed runs of each scenario, with the phase of the update that each belongs to. A scenario
// with fewer points in a phase than it is known to have ends the matrix, and so do many points that do not come up again.
//
// What is not covered: a program that is a folder on a file system that cannot exchange two names, where a crash can leave no program at its path
// (package install says so, and tests it step by step); two faults in one update; systems other than Linux.
//
// A crash of the driver ends all programs it runs, and leaves a folder in the folder for temporary files.
//
// [program]: https://pkg.go.dev/github.com/tesseract-desktop/tesseract/e2e/killmatrix/program
package killmatrix
