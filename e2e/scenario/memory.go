//go:build linux

package scenario

import (
	"fmt"
	"os"
	"strings"
)

// ResetPeakMemory makes the system forget the highest memory use of the app's process, and returns
// what it uses now, in bytes.
func (a *App) ResetPeakMemory() (idle int64, err error) {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", a.PID), []byte("5"), 0); err != nil {
		return 0, err
	}
	return a.memory("VmRSS:")
}

// PeakMemory returns the highest memory use since then, in bytes, as the system counted it.
func (a *App) PeakMemory() (int64, error) { return a.memory("VmHWM:") }

func (a *App) memory(line string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.PID))
	if err != nil {
		return 0, err
	}
	_, after, found := strings.Cut(string(text), line)
	if !found {
		return 0, fmt.Errorf("/proc/%d/status tells no %s", a.PID, line)
	}
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		return 0, err
	}
	return kilobytes << 10, nil
}
