//go:build linux

// Command demo shows the main job, for real: a running 1.0.0 becomes 1.1.0 while its window is
// hidden, and nobody sees it. It builds both from the sources around it, keeps their feed and
// everything else in a folder of its own, and leaves build/demo/report.json and two pictures.
//
// With a display the window appears there; without one on a screen in memory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/scenario"
)

func main() {
	watch := flag.Bool("watch", false, "slow down for people")
	hidden := flag.Bool("hidden", false, "use a screen in memory even where there is a display")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *watch, *hidden); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, watch, hidden bool) error {
	started := time.Now()
	log := func(format string, args ...any) {
		fmt.Printf("%6.1f s  %s\n", time.Since(started).Seconds(), fmt.Sprintf(format, args...))
	}
	company, err := scenario.NewCompany(ctx, log)
	if err != nil {
		return err
	}
	folder := filepath.Join(company.Builder.Root(), "build", "demo")
	o := scenario.PerformOptions{Company: company, Log: log, Folder: folder, Failure: filepath.Join(folder, "failure.png")}
	if !hidden {
		o.Display = os.Getenv("DISPLAY")
	}
	if watch {
		o.Pace = 1500 * time.Millisecond
	}
	report, err := scenario.Perform(ctx, o)
	if err != nil {
		return err
	}
	report.Print(os.Stdout)
	if report.Result != "ok" {
		return errors.New(report.Result)
	}
	return nil
}
