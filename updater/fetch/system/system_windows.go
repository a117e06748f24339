package system

import (
	"context"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var (
	powerStatus    = windows.NewLazySystemDLL("kernel32.dll").NewProc("GetSystemPowerStatus")
	createInstance = windows.NewLazySystemDLL("ole32.dll").NewProc("CoCreateInstance")
)

// From netlistmgr.h: who manages the list of networks, and what it knows of costs.
var (
	networkListManager = windows.GUID{Data1: 0xDCB00C01, Data2: 0x570F, Data3: 0x4A9B, Data4: [8]byte{0x8D, 0x69, 0x19, 0x9F, 0xDB, 0xA5, 0x72, 0x3B}}
	networkCostManager = windows.GUID{Data1: 0xDCB00008, Data2: 0x570F, Data3: 0x4A9B, Data4: [8]byte{0x8D, 0x69, 0x19, 0x9F, 0xDB, 0xA5, 0x72, 0x3B}}
)

// Bits of a cost.
const (
	costUnrestricted = 0x1
	costFixed        = 0x2
	costVariable     = 0x4
	costOverLimit    = 0x10000
	costRoaming      = 0x40000
)

func read(context.Context) State {
	s := State{Metered: meteredBy(cost()), Charge: -1}
	var p struct {
		line, flag, percent, saver byte
		seconds, full              uint32
	}
	if ok, _, _ := powerStatus.Call(uintptr(unsafe.Pointer(&p))); ok == 0 {
		return s
	}
	if p.line <= 1 { // 255: unknown
		s.Battery = answer(p.line == 0)
	}
	if p.percent <= 100 {
		s.Charge = int(p.percent)
	}
	return s
}

func meteredBy(cost uint32) Answer {
	switch {
	case cost&(costFixed|costVariable|costOverLimit|costRoaming) != 0:
		return Yes
	case cost&costUnrestricted != 0:
		return No
	}
	return Unknown
}

// cost is what the machine's connection to the internet costs, 0 when that is unknown.
func cost() (bits uint32) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// An error with a positive code says that the thread was prepared before, which is as good.
	if err := windows.CoInitializeEx(0, windows.COINIT_MULTITHREADED); err == nil || err == syscall.Errno(windows.S_FALSE) {
		defer windows.CoUninitialize()
	}
	const everywhere = 0x17 // CLSCTX_ALL
	var manager *costManager
	failed, _, _ := createInstance.Call(uintptr(unsafe.Pointer(&networkListManager)), 0, everywhere,
		uintptr(unsafe.Pointer(&networkCostManager)), uintptr(unsafe.Pointer(&manager)))
	if failed != 0 || manager == nil {
		return 0
	}
	defer func() { _, _, _ = syscall.SyscallN(manager.methods.release, uintptr(unsafe.Pointer(manager))) }()
	if failed, _, _ := syscall.SyscallN(manager.methods.getCost, uintptr(unsafe.Pointer(manager)), uintptr(unsafe.Pointer(&bits)), 0); failed != 0 {
		return 0
	}
	return bits
}

// costManager is an INetworkCostManager: a pointer to its methods in the order of the header.
type costManager struct {
	methods *struct{ queryInterface, addRef, release, getCost uintptr }
}

// announcements: the period of Watch is good enough here.
func announcements(context.Context) <-chan struct{} { return nil }
