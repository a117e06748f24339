package handover_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/updater/handover"
)

// killVariable makes this binary one of the two parties, and says what happens at which of its steps: "STEP self", "STEP other" (is killed) or
// "STEP stop" (it stands still). Steps of the incumbent begin with "i", those of the successor with "s".
const (
	killVariable = "HANDOVER_TEST_KILL"
	dirVariable  = "HANDOVER_TEST_DIR"
)

// What the two say, each as soon as it knows.
const (
	stays     = "incumbent stays"
	takesBack = "incumbent takes back"
	goes      = "incumbent goes"
	inCharge  = "successor in charge"
	ends      = "successor ends"
	stands    = "successor stands still"
)

// The steps, in the order of the messages. Each is right after what it names, and so before the next.
const (
	started   = "i-started" // and greeted
	heard     = "i-heard"   // that the successor is ready
	passed    = "i-passed"  // the lock
	handed    = "i-handed"  // over, and the successor is alive
	born      = "s-born"
	joined    = "s-joined"
	ready     = "s-ready"
	committed = "s-committed" // by the incumbent
	alive     = "s-alive"
	confirmed = "s-confirmed"
)

func actor() int {
	if handover.Invited() {
		fmt.Println(successorParty())
	} else {
		fmt.Println(incumbentParty())
	}
	return 0
}

// step kills whom the test wants dead at this step.
func step(name string, other int) {
	at, what, _ := strings.Cut(os.Getenv(killVariable), " ")
	if at != name {
		return
	}
	switch what {
	case "self":
		kill(os.Getpid())
		select {}
	case "other":
		kill(other)
	case "stop":
		fmt.Println(stands)
		standStill()
	}
}

func kill(pid int) {
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		panic(err)
	}
}

func incumbentParty() string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	dir := os.Getenv(dirVariable)
	lock, err := takeLock(filepath.Join(dir, "lock"))
	if err != nil {
		return err.Error()
	}
	defer lock.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	i, err := handover.Start(ctx, dir, cmd, nil)
	if err != nil {
		return failed(stays, err)
	}
	other := cmd.Process.Pid
	step(started, other)
	if _, err := i.Ready(ctx); err != nil {
		i.Kill()
		return failed(stays, err)
	}
	step(heard, other)
	if err := i.Pass("lock", lock); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		i.Kill()
		return failed(stays, err)
	}
	step(passed, other)
	limited, cancel := context.WithTimeoutCause(ctx, handover.Patience, handover.ErrExited)
	defer cancel()
	if err := i.Commit(limited, nil); err != nil {
		i.Kill()
		return failed(stays, err)
	}
	step(handed, other)
	outcome, err := i.Guard(ctx)
	if outcome == handover.Confirmed {
		return goes
	}
	i.Kill()
	return failed(takesBack, err)
}

// failed turns what a party does after an error into a complaint where that is not one of those that deaths lead to.
func failed(what string, err error) string {
	for _, known := range []error{handover.ErrExited, handover.ErrClosed, handover.ErrIncumbentGone, handover.ErrSilent} {
		if errors.Is(err, known) {
			return what
		}
	}
	return fmt.Sprintf("%s: %v", what, err)
}

func successorParty() string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	other := os.Getppid()
	step(born, other)
	s, err := handover.Join(ctx, "2.0.0", os.Stdin)
	if err != nil {
		return ends
	}
	step(joined, other)
	if err := s.Ready(handover.Report{Version: "2.0.0"}); err != nil {
		return failed(ends, err)
	}
	step(ready, other)
	if _, err := s.Await(ctx); err != nil && !errors.Is(err, handover.ErrIncumbentGone) {
		return failed(ends, err)
	}
	step(committed, other)
	if err := stillLocked(filepath.Join(os.Getenv(dirVariable), "lock"), s.File("lock")); err != nil {
		return err.Error()
	}
	fmt.Println(inCharge)
	if err := s.Alive(); err != nil {
		return ""
	}
	beating, silence := context.WithCancel(ctx)
	defer silence()
	go s.Beat(beating, func(context.Context) bool { return true })
	step(alive, other)
	if err := s.Confirm(); err != nil {
		return ""
	}
	step(confirmed, other)
	return ""
}

// Whoever dies before or after whatever message: one of the two is in charge in the end, and never both.
func TestDeathAtEveryMessage(t *testing.T) {
	for _, c := range []struct {
		kill string
		want []string // any of these
	}{
		{"nobody", []string{inCharge + ", " + goes}},

		{born + " self", []string{stays}},
		{joined + " self", []string{stays}},
		{ready + " self", []string{stays}},
		{committed + " self", []string{stays}},
		{alive + " self", []string{inCharge + ", " + takesBack}},
		{confirmed + " self", []string{inCharge + ", " + goes}},

		{started + " other", []string{stays}},
		{heard + " other", []string{stays}},
		{passed + " other", []string{stays}},
		{handed + " other", []string{inCharge + ", " + takesBack, inCharge + ", " + goes}}, // it may have confirmed before

		// Whether the successor could say that it is ready before it noticed is open, here and where it kills: a signal takes its time.
		{started + " self", []string{ends, inCharge}},
		{heard + " self", []string{inCharge}},
		{passed + " self", []string{inCharge}},
		{handed + " self", []string{inCharge}},

		{born + " other", []string{ends, inCharge}},
		{joined + " other", []string{ends, inCharge}},
		{ready + " other", []string{inCharge}},
		{committed + " other", []string{inCharge}},
		{alive + " other", []string{inCharge}},
		{confirmed + " other", []string{inCharge, inCharge + ", " + goes}}, // it may have gone before
	} {
		t.Run(strings.ReplaceAll(c.kill, " ", "-"), func(t *testing.T) {
			t.Parallel()
			var said []string
			for line := range play(t, c.kill) {
				said = append(said, line)
			}
			slices.Sort(said) // the two write at the same time
			slices.Reverse(said)
			if got := strings.Join(said, ", "); !slices.Contains(c.want, got) {
				t.Errorf("%q, want any of %q", got, c.want)
			}
		})
	}
}

// play starts the two parties and returns what they say. The channel is closed when both have ended.
func play(t *testing.T, kill string) <-chan string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ho")
	if err != nil {
		t.Fatal(err)
	}
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), killVariable+"="+kill, dirVariable+"="+dir)
	cmd.Stdout, cmd.Stderr = in, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if s.Text() != "" {
				lines <- s.Text()
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Wait() // most of these processes are killed
		out.Close()
		os.RemoveAll(dir)
	})
	return lines
}
