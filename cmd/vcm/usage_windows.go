package main

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

var processMemory = windows.NewLazySystemDLL("kernel32.dll").NewProc("K32GetProcessMemoryInfo")

// memoryCounters is PROCESS_MEMORY_COUNTERS.
type memoryCounters struct {
	size                                  uint32
	pageFaults                            uint32
	peakWorkingSet, workingSet            uintptr
	peakPagedPool, pagedPool              uintptr
	peakNonPagedPool, nonPagedPool        uintptr
	pagefileUsage, peakPagefileUsageBytes uintptr
}

func resources() usage {
	var u usage
	var created, exited, kernel, user windows.Filetime
	if windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user) == nil {
		u.cpu = ticks(kernel) + ticks(user)
	}
	var m memoryCounters
	m.size = uint32(unsafe.Sizeof(m))
	if processMemory.Find() != nil {
		return u
	}
	if ok, _, _ := processMemory.Call(uintptr(windows.CurrentProcess()), uintptr(unsafe.Pointer(&m)), uintptr(m.size)); ok != 0 {
		u.peak = int64(m.peakWorkingSet)
	}
	return u
}

// ticks reads a length of time, which Filetime counts in 100 ns.
func ticks(t windows.Filetime) time.Duration {
	return time.Duration(int64(t.HighDateTime)<<32|int64(t.LowDateTime)) * 100
}
