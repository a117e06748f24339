// Command conformance lets the public conformance suite of The Update Framework
// judge the client of package feed.
//
//	conformance --metadata-dir DIR init ROOT
//	conformance --metadata-dir DIR --metadata-url URL refresh
//	conformance --metadata-dir DIR --metadata-url URL --target-name NAME...
//	            --target-base-url URL --target-dir DIR download
//
// The suite is github.com/theupdateframework/tuf-conformance; it is run with
//
//	go build -o /tmp/client ./updater/feed/conformance
//	pytest tuf_conformance --entrypoint /tmp/client
//
// and has no test that this client is expected to fail. The tables beside this
// file have the same cases and need no Python.
//
// Parties. The suite, which plays a hostile repository and looks at the folders
// and the exit code: 0 for success, 1 for anything else.
//
// Trust and guarantees are those of package tuf, which does the work here as it
// does in an app, with the same limits on answers. What an app adds on top (one
// role per app, delegated by targets alone) is left out: the suite delegates as
// it likes. A target is written once its length and every hash are as signed, and
// not asked for again while the file still has them.
//
// A crash leaves whole files, which the next run verifies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/tesseract-desktop/tesseract/internal/durable"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/fault"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/tuf"
	"github.com/tesseract-desktop/tesseract/updater/feed/internal/wire"
)

const (
	timeout = 30 * time.Second // for an answer
	maxRoot = 512 << 10        // bytes
)

// options are the suite's flags.
type options struct {
	metadataDir, metadataURL string
	targets                  names
	targetURL, targetDir     string
}

// names collects a flag that may be given several times, in order.
type names []string

func (n *names) String() string         { return strings.Join(*n, " ") }
func (n *names) Set(value string) error { *n = append(*n, value); return nil }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "conformance (%s): %v\n", fault.Label(err), err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	var o options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&o.metadataDir, "metadata-dir", "", "folder of trusted metadata")
	flags.StringVar(&o.metadataURL, "metadata-url", "", "the repository's metadata")
	flags.Var(&o.targets, "target-name", "target to download; may be repeated")
	flags.StringVar(&o.targetURL, "target-base-url", "", "the repository's targets")
	flags.StringVar(&o.targetDir, "target-dir", "", "folder for targets")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch command := flags.Arg(0); {
	case command == "init" && flags.NArg() == 2 && o.metadataDir != "":
		return start(o, flags.Arg(1))
	case command == "refresh" && flags.NArg() == 1 && o.metadataDir != "" && o.metadataURL != "":
		return refresh(ctx, o, out)
	case command == "download" && flags.NArg() == 1 && o.metadataDir != "" && o.metadataURL != "" &&
		len(o.targets) > 0 && o.targetURL != "" && o.targetDir != "":
		return download(ctx, o, out)
	}
	return errors.New("use one of: --metadata-dir DIR init ROOT; --metadata-dir DIR --metadata-url URL refresh; " +
		"the same with --target-name NAME --target-base-url URL --target-dir DIR download")
}

// start remembers the root that the suite wants trusted.
func start(o options, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(o.metadataDir)
	if err != nil {
		return err
	}
	defer root.Close()
	return tuf.Folder{Root: root}.Write("root", data)
}

func refresh(ctx context.Context, o options, out io.Writer) error {
	s, err := open(ctx, o, out)
	if err != nil {
		return err
	}
	defer s.close()
	return s.client.Refresh()
}

func download(ctx context.Context, o options, out io.Writer) error {
	s, err := open(ctx, o, out)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.client.Refresh(); err != nil {
		return err
	}
	targets, err := os.OpenRoot(o.targetDir)
	if err != nil {
		return err
	}
	defer targets.Close()
	for _, name := range o.targets {
		if err := s.download(ctx, o, targets, name); err != nil {
			return fmt.Errorf("target %q: %w", name, err)
		}
	}
	return nil
}

// session is one run against one repository.
type session struct {
	metadata *os.Root
	asker    *wire.Asker
	client   *tuf.Client
}

func open(ctx context.Context, o options, out io.Writer) (*session, error) {
	now, err := clock(ctx)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(o.metadataDir)
	if err != nil {
		return nil, err
	}
	folder := tuf.Folder{Root: root}
	trusted, err := folder.Read("root", maxRoot)
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("no trusted root (run init first): %w", err)
	}
	s := &session{metadata: root, asker: wire.New(wire.Careful(&http.Client{}), timeout)}
	s.client, err = tuf.New(tuf.Options{
		Root: trusted, Folder: folder, Now: now,
		Fetch: func(name string, limit int64) ([]byte, error) {
			return s.asker.Metadata(ctx, withSlash(o.metadataURL)+name, limit)
		},
		Keep: func(_ int64, data []byte) error { return folder.Write("root", data) },
		Log:  slog.New(slog.NewTextHandler(out, nil)),
	})
	if err != nil {
		root.Close()
		return nil, err
	}
	return s, nil
}

func (s *session) close() { s.metadata.Close() }

// download brings one target into the folder, where it is not there already.
func (s *session) download(ctx context.Context, o options, targets *os.Root, name string) error {
	target, err := s.client.Find(name)
	if err != nil {
		return err
	}
	file := tuf.FileName(name)
	if kept, err := targets.ReadFile(file); err == nil && tuf.Verify(target, kept) == nil {
		return nil
	}
	path, err := s.client.TargetPath(name, target)
	if err != nil {
		return err
	}
	data, err := s.asker.File(ctx, withSlash(o.targetURL)+path, target.Length)
	if err != nil {
		return err
	}
	if err := tuf.Verify(target, data); err != nil {
		return err
	}
	return durable.WriteFile(targets, file, data, 0o600)
}

func withSlash(url string) string { return strings.TrimSuffix(url, "/") + "/" }

// clock is the time that the suite wants it to be. The suite runs some commands
// under faketime, which changes what the C library says; Go does not ask it, but
// the date command does.
func clock(ctx context.Context) (time.Time, error) {
	if os.Getenv("FAKETIME") == "" {
		return time.Now(), nil
	}
	out, err := exec.CommandContext(ctx, "date", "+%s").Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("ask date for the time that faketime pretends: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time that date says: %w", err)
	}
	return time.Unix(seconds, 0), nil
}
