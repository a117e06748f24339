//go:build linux

// Command transportbench holds our downloads against curl, aria2c and a plain GET, over networks that are slow to answer and lose packets.
//
// Server and client are in network namespaces of their own (this needs root), joined by a link that it makes worse on purpose. Every download
// is a process, measured from its start to its end, the tools taking turns; what came is compared with what was served. A second part,
// the sweep, downloads with a fixed number of requests at once.
//
// It prints tables, leaves the figures in build/bench/transport.json (transport-partial.json for a run that left something out), and draws the
// sweep. It fails when a download is wrong; goals that are missed are only reported, unless -strict is given. What it made, namespaces
// and files, is gone afterwards, also after an interrupt.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	megabytes  int
	rounds     int
	cut        time.Duration
	cells      []Cell
	sweepCells []Cell
	widths     []int
	sweep      bool
	compare    bool
	strict     bool
	picture    string
	whole      bool
}

var (
	allCells    = []Cell{cell(0, 0), cell(0, 1), cell(50, 0), cell(50, 1), cell(200, 0), cell(200, 1)}
	sweepCells  = []Cell{cell(0, 0), cell(50, 0), cell(50, 1), cell(200, 0), cell(200, 1)}
	sweepWidths = []int{1, 2, 4, 8, 16, 32}
)

func cell(ms int, loss float64) Cell {
	return Cell{RTT: time.Duration(ms) * time.Millisecond, MS: ms, Loss: loss}
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{cells: allCells, sweepCells: sweepCells, widths: sweepWidths}
	flags := flag.NewFlagSet("transportbench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.megabytes, "mb", 100, "size of the file, in units of 1,000,000 bytes")
	flags.IntVar(&o.rounds, "rounds", 3, "how often each download is made; the median counts")
	flags.DurationVar(&o.cut, "cut", 75*time.Second, "when a download is cut short; then the speed of what came counts")
	flags.BoolVar(&o.compare, "compare", true, "hold ours against the other tools")
	flags.BoolVar(&o.sweep, "sweep", true, "measure fixed numbers of requests")
	flags.BoolVar(&o.strict, "strict", false, "fail when a goal is missed")
	flags.StringVar(&o.picture, "picture", "", "where to draw the sweep, as SVG; nowhere when empty")
	flags.Func("widths", "numbers of requests to sweep, separated by commas", func(s string) error {
		o.widths = nil
		for _, text := range strings.Split(s, ",") {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > 256 {
				return fmt.Errorf("%q is no number of requests", text)
			}
			o.widths = append(o.widths, n)
		}
		return nil
	})
	flags.Func("cells", "networks to try, as RTT/LOSS in ms and percent, separated by commas: 50/1,200/0", func(s string) (err error) {
		o.cells, err = parseCells(s)
		o.sweepCells = o.cells
		return err
	})
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.megabytes < 1 || o.megabytes > 4000 {
		return o, errors.New("it takes flags only; -rounds is at least 1, and -mb from 1 to 4000")
	}
	o.whole = len(o.cells) == len(allCells) && len(o.widths) == len(sweepWidths) && o.megabytes == 100 && o.rounds >= 3 && o.compare && o.sweep
	return o, nil
}

func parseCells(s string) (cells []Cell, err error) {
	for _, text := range strings.Split(s, ",") {
		ms, loss, ok := strings.Cut(text, "/")
		m, err1 := strconv.Atoi(ms)
		l, err2 := strconv.ParseFloat(loss, 64)
		if !ok || err1 != nil || err2 != nil || m < 0 || m > 10_000 || !(l >= 0 && l < 100) {
			return nil, fmt.Errorf("%q is not like 50/1", text)
		}
		cells = append(cells, cell(m, l))
	}
	return cells, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 3 && args[0] == "serve":
		err = serve(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == "plain":
		err = plain(ctx, args[1], args[2])
	default:
		var o options
		if o, err = parse(args, os.Stderr); errors.Is(err, flag.ErrHelp) {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "transportbench:", err)
			os.Exit(2)
		}
		err = newBench(o).run(ctx)
	}
	if err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "transportbench:", err)
		os.Exit(1)
	}
}

// bench is one run of the whole.
type bench struct {
	options
	self     string // this program
	binary   string // the command that downloads with ours
	folder   string // for what is served and what comes
	served   string
	segments string
	size     int64
	sum      [sha256.Size]byte
	log      func(format string, args ...any)
}

func newBench(o options) *bench {
	began := time.Now()
	return &bench{options: o, size: int64(o.megabytes) * 1e6, log: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
}

func (b *bench) run(ctx context.Context) (err error) {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	defer os.RemoveAll(b.folder)
	report := Report{Made: time.Now().UTC().Format(time.RFC3339), Whole: b.whole, Bytes: b.size, Rounds: b.rounds, CutSeconds: b.cut.Seconds(), Machine: machine()}
	if b.compare {
		report.Tools = b.tools(ctx)
		for _, c := range b.cells {
			result, err := b.hold(ctx, c, report.Tools)
			if err != nil {
				return err
			}
			report.Cells = append(report.Cells, result)
		}
	}
	if b.sweep {
		if report.Sweep, err = b.sweepAll(ctx); err != nil {
			return err
		}
	}
	show(os.Stdout, report)
	if err := b.leave(report); err != nil {
		return err
	}
	if missed := report.missed(); b.strict && missed > 0 {
		return fmt.Errorf("%d goals are missed", missed)
	}
	return nil
}

// prepare makes the file, in memory where that is possible, and builds what downloads it.
func (b *bench) prepare(ctx context.Context) (err error) {
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = os.TempDir()
	}
	if b.folder, err = os.MkdirTemp(base, "transportbench"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(b.folder)
		}
	}()
	b.binary = filepath.Join(b.folder, "get")
	if err := run(ctx, "go", "build", "-o", b.binary, "./updater/fetch/internal/get"); err != nil {
		return err
	}
	b.served, b.segments = filepath.Join(b.folder, "served"), filepath.Join(b.folder, "segments")
	f, err := os.Create(b.served)
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), b.size)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if b.sum, err = sha256Of(b.served); err != nil {
		return err
	}
	sums, err := exec.CommandContext(ctx, b.binary, "-hash", b.served).Output()
	return errors.Join(err, os.WriteFile(b.segments, sums, 0o600))
}

// on makes a link with a server behind it, for as long as do takes.
func (b *bench) on(ctx context.Context, c Cell, do func(*link) error) error {
	l, err := newLink(ctx, c)
	if err != nil {
		return err
	}
	defer l.close()
	ctx, stop := context.WithCancel(ctx)
	server := command(ctx, l.server, b.self, "serve", serverAddress+":8080", b.served)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		stop()
		return err
	}
	defer func() { stop(); _ = server.Wait() }() // it is killed, which Wait calls an error
	if err := inside(ctx, l.client, "curl", "-sS", "-f", "-o", os.DevNull, "--retry", "20", "--retry-delay", "1", "--retry-connrefused", "--range", "0-0", serverURL()); err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	return do(l)
}

// hold measures all tools in one cell.
func (b *bench) hold(ctx context.Context, c Cell, tools []*Tool) (CellResult, error) {
	result := CellResult{Cell: c}
	for _, t := range tools {
		result.Results = append(result.Results, Result{Name: t.Name})
	}
	err := b.on(ctx, c, func(l *link) error {
		result.Link = l.how
		for round := range b.rounds {
			for i := range tools {
				n := (i + round) % len(tools) // nobody is always first
				r, err := b.measure(ctx, l, tools[n].args)
				if err != nil {
					return fmt.Errorf("%s at %s: %w", tools[n].Name, c, err)
				}
				tools[n].Command = tools[n].args("FILE")
				result.Results[n].Runs = append(result.Results[n].Runs, r)
				b.log("%-12s %-10s %s", c, tools[n].Name, r)
			}
		}
		return nil
	})
	result.judge()
	return result, err
}

func (b *bench) sweepAll(ctx context.Context) (all []Sweep, err error) {
	for _, c := range b.sweepCells {
		s := Sweep{Cell: c}
		err := b.on(ctx, c, func(l *link) error {
			points := make([]Point, len(b.widths)+1)
			rounds := b.rounds
			if c.Loss > 0 {
				rounds = 1 // it takes so long that luck evens out within one
			}
			for range rounds {
				for i := range points {
					// The last is not fixed: it finds its number itself.
					flags := []string{}
					if i < len(b.widths) {
						points[i].Requests = b.widths[i]
						n := strconv.Itoa(b.widths[i])
						flags = []string{"-parallel", n, "-start", n}
					}
					r, err := b.measure(ctx, l, func(o string) []string { return b.proven(o, flags...) })
					if err != nil {
						return fmt.Errorf("%d requests at %s: %w", points[i].Requests, c, err)
					}
					points[i].Runs = append(points[i].Runs, r)
					b.log("%-12s %2d requests %s", c, points[i].Requests, r)
				}
			}
			for i := range points {
				points[i].Goodput = median(points[i].Runs)
			}
			s.Fixed, s.Adjusting = points[:len(b.widths)], points[len(b.widths)]
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// leave puts the figures where other programs find them.
func (b *bench) leave(r Report) error {
	name := "transport-partial.json"
	if r.Whole {
		name = "transport.json"
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	folder := filepath.Join("build", "bench")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, name), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if b.picture == "" || len(r.Sweep) == 0 {
		return nil
	}
	return os.WriteFile(b.picture, draw(r.Sweep), 0o644)
}

func sha256Of(path string) (sum [sha256.Size]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

func machine() Machine {
	m := Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, Cores: runtime.NumCPU()}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(load), " ")
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(release))
	}
	return m
}
