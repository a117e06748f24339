//go:build linux && amd64

// Command run goes through the kill matrix and exits with 1 when anything failed.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/tesseract-desktop/tesseract/e2e/killmatrix"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kill matrix:", err)
		os.Exit(1)
	}
}

func run() error {
	o := killmatrix.Options{Out: os.Stdout}
	flag.IntVar(&o.Every, "every", 1, "only every so manieth point")
	flag.StringVar(&o.Only, "only", "", "only scenarios whose name has this in it")
	flag.StringVar(&o.Fault, "fault", "", "only faults whose name has this in it")
	flag.IntVar(&o.Parallel, "parallel", 0, "runs at once (0: twice the processors)")
	flag.BoolVar(&o.Verbose, "v", false, "show what the programs said of each failure")
	flag.BoolVar(&o.Keep, "keep", false, "leave the folder with everything in it, and the disks of failed power cuts")
	flag.Parse()
	var err error
	if o.Dir, err = killmatrix.Folder(); err != nil {
		return err
	}
	if o.Keep {
		fmt.Println(o.Dir)
	} else {
		defer os.RemoveAll(o.Dir)
	}
	result, err := killmatrix.Run(o)
	if err != nil {
		return err
	}
	return result.Err()
}
