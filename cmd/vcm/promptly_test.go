package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/delta"
)

func TestPromptlyLeavesWorkBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := make(chan struct{}), make(chan error, 1)
	var reached bytes.Buffer
	out := &valve{w: &reached}
	_, err := promptly(ctx, func() (int, error) {
		_, _ = out.Write([]byte("before "))
		cancel()
		<-release
		_, err := out.Write([]byte("after"))
		ended <- err
		return 1, nil
	})
	out.shut()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := <-ended; err == nil || reached.String() != "before " {
		t.Errorf("%q reached the writer after it was shut, %v", reached.String(), err)
	}
	if n, err := promptly(t.Context(), func() (int, error) { return 7, nil }); n != 7 || err != nil {
		t.Errorf("work that ends: %d, %v", n, err)
	}
}

// screen is a terminal that calls back once text is shown.
type screen struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	on   string
	then func()
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf.Write(p)
	if s.then != nil && strings.Contains(s.buf.String(), s.on) {
		s.then()
		s.then = nil
	}
	return len(p), nil
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// Whatever the command is at when the user interrupts it, it leaves no file.
func TestInterruptedLeavesNothing(t *testing.T) {
	old, after := write(t, "old", programBytes("1.0.0", 60_000)), write(t, "new", programBytes("1.1.0", 70_000))
	patch := filepath.Join(t.TempDir(), "patch")
	runVCM(t, "diff", old, after, "-o", patch, "--codec", "bsdiff")
	oldTree, newTree, treePatch := filepath.Dir(old), filepath.Dir(after), filepath.Join(t.TempDir(), "patch")
	var made deltaResult
	if err := json.Unmarshal(runVCM(t, "diff", oldTree, newTree, "-o", treePatch), &made); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		on   string
		args []string
	}{
		{"making bsdiff patch", []string{"diff", old, after}},
		{"proving bsdiff patch", []string{"diff", old, after}},
		{"making zstd patch", []string{"diff", old, after}},
		{"making full file", []string{"diff", old, after}},
		{"applying bsdiff patch", []string{"patch", old, patch}},
		{"reading", []string{"diff", oldTree, newTree}},
		{"proving them", []string{"diff", oldTree, newTree}},
		{"building", []string{"patch", oldTree, treePatch, "--expect", made.SHA256.String()}},
	} {
		t.Run(c.on, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			dir := t.TempDir()
			term := &screen{on: c.on, then: cancel}
			run := &tool{
				args: append(c.args, "-o", filepath.Join(dir, "out")), out: term, err: term, terminal: true,
				getenv: func(string) string { return "" },
			}
			if code := run.run(ctx); code != exitFailed || !strings.Contains(term.String(), "interrupted") {
				t.Errorf("exit %d: %q", code, term)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestProgressLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		term := &screen{}
		bar := (&tool{terminal: true, err: term}).progress()
		bar.chosen(delta.Progress{Codec: "bsdiff", Stage: delta.Making})
		time.Sleep(3500 * time.Millisecond)
		synctest.Wait()
		bar.chosen(delta.Progress{Codec: "bsdiff", Stage: delta.Proving, Done: 1, Total: 4})
		bar.chosen(delta.Progress{Codec: "bsdiff", Stage: delta.Proving, Done: 2, Total: 4}) // too soon to be shown
		bar.chosen(delta.Progress{Codec: delta.Full, Stage: delta.Making, Done: 4, Total: 4})
		bar.end()
		bar.show("too late", 0, 0)
		const line = "\r\x1b[K"
		want := strings.Join([]string{"", "making bsdiff patch", "making bsdiff patch", "making bsdiff patch  2 s", "making bsdiff patch  3 s",
			"proving bsdiff patch  25 %", "making full file 100 %", ""}, line)
		if got := term.String(); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	})
	for _, quiet := range []*tool{{terminal: false}, {terminal: true, json: true}} {
		quiet.err = &screen{}
		bar := quiet.progress()
		bar.show("making", 1, 2)
		bar.end()
		if got := quiet.err.(*screen).String(); got != "" {
			t.Errorf("%q without a terminal, or beside JSON", got)
		}
	}
}
