// Command get downloads one file with package fetch, as the app does: for measurements, and for tests that want a process of their own.
//
// It trusts nothing and keeps what package fetch keeps; beside its exit status (0, 1 failed, 2 wrong usage) it prints one line of JSON.
// With -hash it prints the segments of a file instead, for -segments.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/fetch"
	"github.com/tesseract-desktop/tesseract/updater/release"
)

// outcome is what it prints.
type outcome struct {
	Label   string  `json:"label"` // of fetch.Labels; "" when the file is there
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
	Resumed int64   `json:"resumed"` // bytes that an earlier run had left
}

type command struct {
	options  fetch.Options
	request  fetch.Request
	segments string
	ca       string
	pause    bool
	verbose  bool
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "-hash" {
		if err := hashFile(os.Args[2]); err != nil {
			fail(1, err)
		}
		return
	}
	c, err := parse(os.Args[1:])
	if err != nil {
		fail(2, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := c.run(ctx); err != nil {
		os.Exit(1)
	}
}

func fail(code int, err error) {
	fmt.Fprintln(os.Stderr, "get:", err)
	os.Exit(code)
}

func parse(args []string) (*command, error) {
	c := &command{}
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	flags.StringVar(&c.request.Path, "o", "", "where the file goes; ends in "+fetch.Suffix)
	flags.Int64Var(&c.request.Length, "length", 0, "bytes of the file")
	flags.StringVar(&c.segments, "segments", "", "file with the hashes of its segments")
	flags.Func("mirror", "another address; may be repeated", func(s string) error { c.request.URLs = append(c.request.URLs, s); return nil })
	flags.Int64Var(&c.request.Space, "space", 0, "bytes that must be free beyond the file")
	flags.IntVar(&c.options.Parallel, "parallel", 0, "most requests at once")
	flags.IntVar(&c.options.Start, "start", 0, "requests at once to begin with")
	flags.Int64Var(&c.options.Limit.BytesPerSecond, "limit", 0, "bytes per second")
	flags.IntVar(&c.options.Attempts, "attempts", 0, "tries without progress")
	flags.DurationVar(&c.options.Backoff, "backoff", 0, "first pause between tries")
	flags.DurationVar(&c.options.MaxWait, "max-wait", 0, "longest pause")
	flags.DurationVar(&c.options.IdleTimeout, "idle", 0, "how long a server may send nothing")
	flags.StringVar(&c.ca, "ca", "", "PEM file of an authority to trust besides the system's")
	flags.BoolVar(&c.pause, "wait", false, "say ready and wait for a line before the download, and for the end of the input after it")
	flags.BoolVar(&c.verbose, "v", false, "log to standard error")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() != 1 || c.request.Path == "" || c.request.Length <= 0 {
		return nil, errors.New("usage: get -o PATH -length BYTES [flags] URL, or get -hash FILE")
	}
	c.request.URLs = append(flags.Args(), c.request.URLs...)
	return c, c.read()
}

// read loads the files that flags name.
func (c *command) read() error {
	if c.segments != "" {
		sums, err := os.ReadFile(c.segments)
		if err != nil {
			return err
		}
		c.request.Segments = fetch.Segments{Size: release.SegmentSize, Sums: sums, New: release.NewSegmentHash}
	}
	if c.ca != "" {
		pem, err := os.ReadFile(c.ca)
		if err != nil {
			return err
		}
		transport, err := fetch.Transport(fetch.TransportOptions{CA: pem})
		if err != nil {
			return err
		}
		c.options.Client = &http.Client{Transport: transport}
	}
	if c.verbose {
		c.options.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return nil
}

func (c *command) run(ctx context.Context) error {
	fetcher, err := fetch.New(c.options)
	if err != nil {
		fail(2, err)
	}
	in := bufio.NewReader(os.Stdin)
	if c.pause {
		fmt.Println("ready")
		if _, err := in.ReadString('\n'); err != nil {
			return err
		}
	}
	resumed := int64(-1)
	c.request.Progress = func(p fetch.Progress) {
		if resumed < 0 {
			resumed = p.Done
		}
	}
	began := time.Now()
	err = fetcher.Fetch(ctx, c.request)
	o := outcome{Label: fetch.Label(err), Seconds: time.Since(began).Seconds(), Resumed: max(resumed, 0)}
	if err != nil {
		o.Error = err.Error()
	}
	if printed := json.NewEncoder(os.Stdout).Encode(o); printed != nil {
		return printed
	}
	if c.pause {
		_, _ = io.Copy(io.Discard, in)
	}
	return err
}

// hashFile prints the hashes of a file's segments, as they are, one after the other.
func hashFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var w release.SegmentWriter
	if _, err := io.Copy(&w, f); err != nil {
		return err
	}
	_, err = os.Stdout.Write(w.Segments())
	return err
}
