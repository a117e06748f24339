//go:build !bindings

package app

import (
	"fmt"
	"os"
	"os/exec"
)

// execute starts another program with the arguments that this one was started with. This process is to end then: no program can take a process
// over here.
func execute(program string) error {
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("execute %s: %w", program, err)
	}
	return nil
}
