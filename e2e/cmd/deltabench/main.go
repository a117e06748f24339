//go:build linux

// Command deltabench holds vcm diff, vcm patch and the package updater/delta against Debian's
// bsdiff, xdelta3 and zstd, on pairs of real programs that it builds first (package corpus).
//
// Every patch is made by a process of its own and applied by another, and the result is compared
// byte for byte. CPU is user and system time together and memory the largest resident set, as the
// kernel reports both for the process that ended. Applying is repeated, the tools taking turns, and
// the least CPU and the largest memory count; making is done once. A process inherits the mark of
// the one that started it, so peaks below some 15 MiB are upper bounds: this program stays small.
//
// It prints tables, leaves the figures in build/bench/delta.json (delta-partial.json for a run that
// left something out), and fails when a patch does not give the new file back. Goals that are
// missed are only reported, unless -strict is given.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/corpus"
	"github.com/tesseract-desktop/tesseract/e2e/release"
)

type options struct {
	pairs      []corpus.Pair
	all        bool // every pair there is
	vcm        string
	patcher    string
	codec      string
	quick      bool
	reusePeers bool
	rebuild    bool
	buildOnly  bool
	strict     bool
	rounds     int
}

// whole says whether the run leaves nothing out, so that its figures may stand as the result.
func (o options) whole() bool { return o.all && !o.quick && !o.reusePeers && o.codec == "goexe" }

func parse(args []string, out io.Writer) (options, error) {
	var o options
	var names string
	flags := flag.NewFlagSet("deltabench", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&names, "pairs", "", "pairs to measure, separated by commas; all when empty: "+strings.Join(pairNames(), ", "))
	flags.StringVar(&o.vcm, "vcm", filepath.Join("build", "bin", "vcm"), "the vcm command to measure")
	flags.StringVar(&o.patcher, "patcher", filepath.Join("build", "bin", "patcher"), "the command that applies with updater/delta alone")
	flags.StringVar(&o.codec, "codec", "goexe", "codec of vcm diff")
	flags.BoolVar(&o.quick, "quick", false, "of the peers, measure bsdiff alone")
	flags.BoolVar(&o.reusePeers, "reuse-peers", false, "take what the peers' patches cost to make from an earlier run")
	flags.BoolVar(&o.rebuild, "rebuild", false, "build the pairs anew")
	flags.BoolVar(&o.buildOnly, "build-only", false, "build the pairs and measure nothing")
	flags.BoolVar(&o.strict, "strict", false, "fail when a goal is missed")
	flags.IntVar(&o.rounds, "rounds", 5, "how often each patch is applied")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 {
		return o, errors.New("it takes flags only, and -rounds is at least 1")
	}
	if o.all = names == ""; o.all {
		o.pairs = corpus.Pairs()
		return o, nil
	}
	for _, name := range strings.Split(names, ",") {
		pair, ok := corpus.Named(strings.TrimSpace(name))
		if !ok {
			return o, fmt.Errorf("there is no pair %q; there are %s", name, strings.Join(pairNames(), ", "))
		}
		o.pairs = append(o.pairs, pair)
	}
	return o, nil
}

func pairNames() (names []string) {
	for _, p := range corpus.Pairs() {
		names = append(names, p.Name)
	}
	return names
}

func main() {
	o, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "deltabench:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "deltabench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	began, here := time.Now(), machine()
	log := func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%7.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	sources, err := release.NewBuilder(log)
	if err != nil {
		return err
	}
	builder, err := corpus.NewBuilder(sources.Root(), log)
	if err != nil {
		return err
	}
	defer builder.Close()
	builder.Rebuild = o.rebuild
	var subjects []subject
	for _, pair := range o.pairs {
		files, err := builder.Build(ctx, pair)
		if err != nil {
			return err
		}
		subjects = append(subjects, subject{pair, files})
	}
	if o.buildOnly {
		return nil
	}
	folder := filepath.Join(sources.Root(), "build", "bench")
	b := bench{options: o, tools: tools(ctx, o), folder: folder, log: log}
	report := Report{Made: began.UTC().Format(time.RFC3339), Whole: o.whole(), Machine: here, Tools: b.tools}
	for _, s := range subjects {
		pair, err := b.measure(ctx, s)
		if err != nil {
			return fmt.Errorf("pair %s: %w", s.pair.Name, err)
		}
		report.Pairs = append(report.Pairs, pair)
	}
	report.Goals = judge(report.Pairs)
	show(os.Stdout, report)
	return errors.Join(write(folder, report), verdict(report, o.strict))
}

// write leaves the figures where other programs find them.
func write(folder string, r Report) error {
	name := "delta-partial.json"
	if r.Whole {
		name = "delta.json"
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path+".unfinished", append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".unfinished", path)
}

// verdict is the error that the run ends with.
func verdict(r Report, strict bool) error {
	var wrong []string
	for _, p := range r.Pairs {
		for _, res := range p.Results {
			if !res.Rebuilt {
				wrong = append(wrong, fmt.Sprintf("%s by %s: %s", p.Name, res.Tool, res.Failure))
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("not rebuilt:\n  %s", strings.Join(wrong, "\n  "))
	}
	if missed := missed(r.Goals); strict && missed > 0 {
		return fmt.Errorf("%d goals are missed", missed)
	}
	return nil
}
