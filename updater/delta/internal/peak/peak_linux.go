package peak

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// reset makes the kernel forget the peak so far.
func reset() error {
	f, err := os.OpenFile("/proc/self/clear_refs", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString("5")
	return err
}

// resident returns what the process holds and the most that it held, in KiB.
func resident() (now, most int64, err error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0, err
	}
	field := func(name string) int64 {
		_, rest, _ := bytes.Cut(status, []byte(name))
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			err = fmt.Errorf("no %s in /proc/self/status", name)
			return 0
		}
		n, parseErr := strconv.ParseInt(string(fields[0]), 10, 64)
		if parseErr != nil {
			err = parseErr
		}
		return n
	}
	now, most = field("VmRSS:"), field("VmHWM:")
	return now, most, err
}
