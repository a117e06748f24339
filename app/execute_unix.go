//go:build unix && !bindings

package app

import (
	"fmt"
	"os"
	"syscall"
)

// execute has another program take this process over, with the arguments that this one was started with. It returns only when that failed.
func execute(program string) error {
	err := syscall.Exec(program, append([]string{program}, os.Args[1:]...), os.Environ())
	return fmt.Errorf("execute %s: %w", program, err)
}
