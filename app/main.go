//go:build !bindings

// Package app is the Tesseract desktop app: it puts the client packages together, binds a few small services to the page, and looks after the
// window's life.
//
// Parties: the page, which draws and holds the UI's state; the services bound to it, each with an allow-list of methods; the update engine;
// the user, who opens, hides and closes the one window; and, during an update, the process of the other version.
//
// Trust: the page shows the user's documents, which may come from anywhere, so what it asks for is checked as if it were hostile: paths stay in
// the sandbox, sizes are bounded.
//
// Guarantees: the window is not seen before the state of the last time is back in it. The UI's state is on disk before the window is closed or
// handed over. Not being able to write a folder never keeps the app from starting.
//
// A crash leaves the newest snapshot of the UI, at most a moment old, from which the next start comes back.
package app

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"

	"github.com/tesseract-desktop/tesseract/app/sandbox"
)

const usage = `Tesseract is a Markdown workbench that keeps itself up to date.

Usage: tesseract [--version | --trial | --print-snapshot | --help]

  --version         print the version and end
  --trial           prove, without a window, that this program loads; used before an update takes effect
  --print-snapshot  print the newest recorded state of the window as JSON

Without a flag it opens its window. Documents are in the user's data folder, preferences.json in the configuration folder;
TESSERACT_FEED names another update feed than the built-in one, which must be signed by the same makers.
`

// Main runs the app with the built page and returns the exit code: 0, 1 when it failed, 2 for wrong flags.
func Main(page fs.FS) int {
	flags := flag.NewFlagSet("tesseract", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.Bool("version", false, "")
	trial := flags.Bool("trial", false, "")
	printSnapshot := flags.Bool("print-snapshot", false, "")
	switch err := flags.Parse(os.Args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
		return 0
	case err != nil:
		fmt.Fprintf(os.Stderr, "tesseract: %v\n\n%s", err, usage)
		return 2
	case flags.NArg() > 0:
		fmt.Fprintf(os.Stderr, "tesseract: %q is not understood\n\n%s", flags.Arg(0), usage)
		return 2
	}
	err := func() error {
		switch {
		case *version:
			_, err := fmt.Println(Version)
			return err
		case *trial:
			box, err := sandbox.Open(sandbox.Options{App: Name, ReadOnly: true})
			if err != nil {
				return err
			}
			return runTrial(page, box, os.Stdout)
		case *printSnapshot:
			return printNewestSnapshot(os.Stdout)
		default:
			return runWindow(context.Background(), page, slog.New(slog.NewTextHandler(os.Stderr, nil)))
		}
	}()
	if err != nil {
		fmt.Fprintf(os.Stderr, "tesseract: %v\n", err)
		return 1
	}
	return 0
}

func printNewestSnapshot(out io.Writer) error {
	box, err := sandbox.Open(sandbox.Options{App: Name, ReadOnly: true})
	if err != nil {
		return err
	}
	payload, err := newestSnapshot(box)
	if err != nil {
		return err
	}
	if payload == nil {
		return errors.New("no state has been recorded yet")
	}
	_, err = fmt.Fprintf(out, "%s\n", payload)
	return err
}
