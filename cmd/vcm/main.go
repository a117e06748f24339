// Command vcm is the release tool and the server of a feed.
//
// Parties. A publisher runs init, publish, diff and patch on a machine that
// holds all keys. A server runs serve, with the online keys or none. What they
// share is one folder:
//
//	trust/root.json  what apps build in as their trust
//	feed/            what clients read; any static host serves it as well
//	keys/offline/    root, targets and release keys; keep them off the server
//	keys/online/     snapshot, timestamp and rollout keys
//	pending/         changes that wait for signatures
//
// Guarantees. Standard output holds the result, as text or, with --json, as one
// JSON document; everything else goes to standard error. The exit code is 0 for
// success, 1 for failure and 2 for wrong usage. What the operations guarantee,
// also after a crash, is said in their packages; this one only wires them up.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version string

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	t := &tool{
		args: os.Args[1:], out: os.Stdout, err: os.Stderr, getenv: os.Getenv,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		t.in = os.Stdin
	}
	return t.run(ctx)
}

// tool is one run of the command.
type tool struct {
	args     []string
	out, err io.Writer
	getenv   func(string) string
	in       io.Reader // a person who can be asked; nil: nobody
	terminal bool      // err is a terminal: show progress
	json     bool
}

// failure is an error of an operation, as opposed to one of usage.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// usageError is wrong usage that only an operation can find.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func (t *tool) run(ctx context.Context) int {
	root := t.command()
	root.SetArgs(t.args)
	root.SetOut(t.out)
	root.SetErr(t.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var failed failure
	var usage usageError
	code := exitUsage
	if errors.As(err, &failed) && !errors.As(err, &usage) {
		code = exitFailed
	}
	t.complain(cmd, err, code)
	return code
}

func (t *tool) complain(cmd *cobra.Command, err error, code int) {
	if t.json {
		_ = json.NewEncoder(t.err).Encode(struct {
			Error string `json:"error"`
			Exit  int    `json:"exit"`
		}{err.Error(), code})
		return
	}
	fmt.Fprintf(t.err, "%s: %v\n", cmd.CommandPath(), err)
	if code == exitUsage {
		fmt.Fprintf(t.err, "See '%s --help'.\n", cmd.CommandPath())
	}
}

func (t *tool) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "vcm",
		Short:         "Publish releases of desktop apps and serve them",
		Version:       toolVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Example: `  vcm init ~/releases --app tesseract
  vcm publish build/bin/tesseract --dir ~/releases --version 1.0.0
  vcm serve --dir ~/releases`,
	}
	root.SetVersionTemplate("vcm {{.Version}}\n")
	root.PersistentFlags().BoolVar(&t.json, "json", false, "print results and errors as JSON")
	root.AddCommand(t.initCommand(), t.publishCommand(), t.serveCommand(), t.keysCommand(), t.rolloutCommand(), t.feedCommand(), t.diffCommand(), t.patchCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// does turns an operation into what cobra runs: from here on, errors are
// failures.
func does(operation func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := operation(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

func toolVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.0.0-dev"
}

// print writes a result: as JSON, or as the text that the function writes.
func (t *tool) print(result any, text func(w io.Writer)) error {
	if !t.json {
		text(t.out)
		return nil
	}
	enc := json.NewEncoder(t.out)
	enc.SetIndent("", "  ")
	return enc.Encode(result)
}

// log is for what an operation tells on the way.
func (t *tool) log(level slog.Level) *slog.Logger {
	o := &slog.HandlerOptions{Level: level}
	if t.json {
		return slog.New(slog.NewJSONHandler(t.err, o))
	}
	return slog.New(slog.NewTextHandler(t.err, o))
}
