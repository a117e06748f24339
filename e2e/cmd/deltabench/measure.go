//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/corpus"
)

// patience is how long one process may take.
const patience = 20 * time.Minute

type subject struct {
	pair  corpus.Pair
	files corpus.Files
}

// A bench measures. Patches stay in patches/<pair> of its folder, each with a file beside it that
// says what it cost, for runs with -reuse-peers.
type bench struct {
	options
	tools  []Tool
	folder string
	log    func(format string, args ...any)
}

func (b bench) measure(ctx context.Context, s subject) (Pair, error) {
	recipe, err := os.ReadFile(s.files.Recipe)
	if err != nil {
		return Pair{}, err
	}
	p := Pair{Name: s.pair.Name, About: s.pair.About, Platform: s.pair.OS + "/" + s.pair.Arch, Recipe: string(recipe)}
	if p.Old, err = describe(s.files.Old); err != nil {
		return Pair{}, err
	}
	if p.New, err = describe(s.files.New); err != nil {
		return Pair{}, err
	}
	if err := os.MkdirAll(b.patches(p), 0o755); err != nil {
		return Pair{}, err
	}
	for _, t := range b.tools {
		r := Result{Tool: t.Name}
		if t.Diff != nil {
			if r, err = b.diff(ctx, s, p, t); err != nil {
				return Pair{}, err
			}
		}
		p.Results = append(p.Results, r)
	}
	b.log("%s: applying", p.Name)
	for range b.rounds {
		for i, t := range b.tools {
			if r := &p.Results[i]; r.Failure == "" {
				b.apply(ctx, s, p, t, r)
			}
		}
	}
	for i, r := range p.Results {
		p.Results[i].Rebuilt = r.Failure == ""
	}
	return p, ctx.Err()
}

func (b bench) patches(p Pair) string { return filepath.Join(b.folder, "patches", p.Name) }

// patch is where a tool's patch is.
func (b bench) patch(p Pair, t Tool) string {
	if t.Diff == nil {
		return filepath.Join(b.patches(p), ours)
	}
	return filepath.Join(b.patches(p), t.Name)
}

// diff makes a patch. A tool that fails is a result, too.
func (b bench) diff(ctx context.Context, s subject, p Pair, t Tool) (Result, error) {
	patch := b.patch(p, t)
	if b.reusePeers && !t.answers {
		if r, ok := recall(patch, p, t); ok {
			return r, nil
		}
	}
	b.log("%s: diff by %s", p.Name, t.Name)
	if err := removeAll(patch, patch+".json"); err != nil {
		return Result{}, err
	}
	r := Result{Tool: t.Name}
	cost, _, err := spend(ctx, fill(t.Diff, map[string]string{
		"OLD": s.files.Old, "NEW": s.files.New, "PATCH": patch, "OLDSIZE": strconv.FormatInt(p.Old.Bytes, 10),
	}))
	if err == nil {
		r.Diff = cost
		r.Patch, err = sizeOf(patch)
	}
	if err != nil {
		r.Failure = err.Error()
		return r, ctx.Err()
	}
	return r, remember(patch, p, t, r)
}

// apply is one round of applying; the result takes the best of all.
func (b bench) apply(ctx context.Context, s subject, p Pair, t Tool, r *Result) {
	out := filepath.Join(b.folder, "rebuilt")
	defer os.Remove(out)
	cost, answer, err := spend(ctx, fill(t.Apply, map[string]string{"OLD": s.files.Old, "PATCH": b.patch(p, t), "OUT": out}))
	if err == nil {
		err = same(out, s.files.New)
	}
	if err != nil {
		r.Failure = err.Error()
		return
	}
	r.Apply = better(r.Apply, cost)
	if t.answers {
		r.Hashed = hashesIn(answer)
	}
}

// better joins the costs of two rounds: the least time, which is the one that other programs
// disturbed least, and the largest memory.
func better(a, b Cost) Cost {
	if a == (Cost{}) {
		return b
	}
	return Cost{CPU: min(a.CPU, b.CPU), Wall: min(a.Wall, b.Wall), Peak: max(a.Peak, b.Peak)}
}

// spend runs a command and returns what it took and what it wrote to its standard output.
func spend(ctx context.Context, line []string) (Cost, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return Cost{}, nil, errors.Join(fmt.Errorf("%s: %w", filepath.Base(line[0]), err), errors.New(strings.TrimSpace(stderr.String())))
	}
	cost := Cost{CPU: (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), Wall: time.Since(began).Seconds()}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		cost.Peak = usage.Maxrss * 1024 // Linux counts in KiB
	}
	return cost, stdout.Bytes(), nil
}

// kept is what is remembered of a patch.
type kept struct {
	Old, New File
	Tool     Tool
	Result   Result
}

func remember(patch string, p Pair, t Tool, r Result) error {
	text, err := json.Marshal(kept{p.Old, p.New, t, r})
	if err != nil {
		return err
	}
	return os.WriteFile(patch+".json", text, 0o644)
}

// recall returns what is remembered, if it is of these files and this tool and the patch is there.
func recall(patch string, p Pair, t Tool) (Result, bool) {
	text, err := os.ReadFile(patch + ".json")
	if err != nil {
		return Result{}, false
	}
	var k kept
	if json.Unmarshal(text, &k) != nil || k.Old != p.Old || k.New != p.New || k.Tool.Version != t.Version || strings.Join(k.Tool.Diff, " ") != strings.Join(t.Diff, " ") {
		return Result{}, false
	}
	if size, err := sizeOf(patch); err != nil || size != k.Result.Patch {
		return Result{}, false
	}
	k.Result.Reused = true
	return k.Result, true
}

func removeAll(names ...string) error {
	for _, name := range names {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

func sizeOf(name string) (int64, error) {
	info, err := os.Stat(name)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func describe(name string) (File, error) {
	f, err := os.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	return File{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

// same compares two files without holding them: a large program here would show in what the
// processes that it starts are said to take.
func same(one, other string) error {
	a, err := os.Open(one)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(other)
	if err != nil {
		return err
	}
	defer b.Close()
	x, y := bufio.NewReaderSize(a, 64<<10), bufio.NewReaderSize(b, 64<<10)
	for at := int64(0); ; at++ {
		p, errA := x.ReadByte()
		q, errB := y.ReadByte()
		switch {
		case errA == io.EOF && errB == io.EOF:
			return nil
		case errA != nil && errA != io.EOF || errB != nil && errB != io.EOF:
			return errors.Join(errA, errB)
		case errA != nil || errB != nil || p != q:
			return fmt.Errorf("what the patch gives differs from the new file at byte %d", at)
		}
	}
}
