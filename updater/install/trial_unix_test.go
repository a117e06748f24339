//go:build unix

package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestTrial(t *testing.T) {
	t.Setenv("DISPLAY", ":77")
	t.Setenv("WAYLAND_DISPLAY", "wayland-77")
	cases := []struct {
		name, script string
		want         error
		says         string
	}{
		{"good", `echo '{"version":"1.1.0","ok":true,"more":1}'`, nil, ""},
		{"is asked for a trial", `[ "$1" = --trial ] && [ $# = 1 ] && echo '{"version":"1.1.0","ok":true}'`, nil, ""},
		{"sees no display", `[ -z "$DISPLAY$WAYLAND_DISPLAY" ] && echo '{"version":"1.1.0","ok":true}'`, nil, ""},
		{"says no", `echo '{"version":"1.1.0","ok":false,"detail":"the snapshot cannot be read"}'`, ErrTrial, "the snapshot cannot be read"},
		{"exits with 3", `echo '{"ok":true}'; echo oh dear >&2; exit 3`, ErrTrial, "oh dear"},
		{"is killed", `kill -SEGV $$`, ErrTrial, "segmentation"},
		{"says nothing", `exit 0`, ErrTrial, "report"},
		{"says something else", `echo hello`, ErrTrial, "report"},
		{"says it twice", `echo '{"ok":true}{"ok":true}'`, ErrTrial, "report"},
		{"says too much", `while echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; do :; done`, ErrTrial, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.new = []byte("#!/bin/sh\n" + c.script + "\n")
			i := s.open()
			s.stage(i)
			timeout := 20 * time.Second
			if c.name == "says too much" {
				timeout = 300 * time.Millisecond
			}
			got, err := i.Trial(t.Context(), timeout)
			s.is(err, c.want)
			if err == nil && (got.Version != "1.1.0" || !got.OK) {
				t.Errorf("report %+v", got)
			}
			if err != nil && !strings.Contains(strings.ToLower(err.Error()), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
			s.runs(s.old)
			s.ok(i.Discard())
		})
	}
}

func TestTrialNeedsAStagedFile(t *testing.T) {
	s := newSite(t)
	_, err := s.open().Trial(t.Context(), time.Second)
	s.is(err, ErrNotStaged)
}

// A trial that hangs is ended with everything it started, on timeout and when the caller gives up.
func TestTrialThatHangs(t *testing.T) {
	s := newSite(t)
	pids := filepath.Join(t.TempDir(), "pids")
	if err := syscall.Mkfifo(pids, 0o600); err != nil {
		t.Fatal(err)
	}
	s.new = fmt.Appendf(nil, "#!/bin/sh\nsleep 1000 &\necho $$ $! > %s\nwait\n", pids)
	i := s.open()
	s.stage(i)
	reason := errors.New("the user quits")
	for name, want := range map[string]error{"timeout": ErrTrial, "cancel": reason} {
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := make(chan [2]int, 1)
		go func() {
			b, _ := os.ReadFile(pids)
			var p [2]int
			_, _ = fmt.Fscan(bytes.NewReader(b), &p[0], &p[1])
			if name == "cancel" {
				cancel(reason)
			}
			gone <- p
		}()
		timeout := time.Minute
		if name == "timeout" {
			timeout = 500 * time.Millisecond
		}
		_, err := i.Trial(ctx, timeout)
		s.is(err, want)
		cancel(nil)
		for _, pid := range <-gone {
			if pid == 0 {
				t.Fatalf("%s: the trial did not start", name)
			}
			if !ended(pid) {
				t.Errorf("%s: process %d is still running", name, pid)
			}
		}
	}
}

// ended is true for a process that is gone or a zombie that nobody waits for in this container.
func ended(pid int) bool {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if syscall.Kill(pid, 0) != nil {
			return true
		}
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil && strings.Contains(string(stat), ") Z ") {
			return true
		}
	}
	return false
}
