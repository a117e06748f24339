//go:build linux && amd64

// Command launch executes a program so that its tracer is asked before each system call that can change files, and before no other:
//
//	launch PROGRAM [ARGUMENT...]
//
// Parties: package calls, which traces this process, and the program, which knows of nothing. The filter it installs is inherited by
// every process that the program starts. Without a tracer such calls fail with ENOSYS. It writes nothing, so a crash leaves nothing.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	err := launch()
	fmt.Fprintln(os.Stderr, "launch:", err)
	os.Exit(127)
}

func launch() error {
	numbers, err := numbers(os.Getenv("LAUNCH_CALLS"))
	if err != nil {
		return err
	}
	if len(os.Args) < 2 {
		return fmt.Errorf("no program given")
	}
	runtime.LockOSThread() // the filter is this thread's, and so is what it executes
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := filter(numbers)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&program))); errno != 0 {
		return fmt.Errorf("install the filter: %w", errno)
	}
	return unix.Exec(os.Args[1], os.Args[1:], os.Environ())
}

func numbers(list string) ([]uint32, error) {
	var all []uint32
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("LAUNCH_CALLS: %w", err)
		}
		all = append(all, uint32(n))
	}
	return all, nil
}

// filter stops at the numbers. Each of them takes one comparison, and all jump to the last instruction.
func filter(numbers []uint32) []unix.SockFilter {
	f := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}} // the call's number comes first in seccomp_data
	for n, number := range numbers {
		f = append(f, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(len(numbers) - n), K: number})
	}
	return append(f,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_TRACE})
}
