package instance_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tesseract-desktop/tesseract/app/instance"
)

const folderVariable = "INSTANCE_TEST_FOLDER"

// TestMain runs this binary as an app when a test starts it as one: it says "holder", "shown" whenever it is asked to show itself, or "heard",
// and ends when its standard input does.
func TestMain(m *testing.M) {
	if dir := os.Getenv(folderVariable); dir != "" {
		if err := app(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func app(dir string) error {
	l, err := instance.New(dir, func() { fmt.Println("shown") }, nil)
	if err != nil {
		return err
	}
	switch err := l.Enter(context.Background()); {
	case errors.Is(err, instance.ErrHeld):
		fmt.Println("heard")
		return nil
	case err != nil:
		return err
	}
	fmt.Println("holder")
	_, err = io.Copy(io.Discard, os.Stdin)
	l.Yield()
	return err
}

// process is a started app.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // closed at its end
}

func start(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), folderVariable+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, stdin: stdin, lines: make(chan string, 256)}
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			p.lines <- lines.Text()
		}
		if err := cmd.Wait(); err != nil {
			p.lines <- err.Error()
		}
		close(p.lines)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		for range p.lines {
		}
	})
	return p
}

// next returns the next line, or "" at the end.
func (p *process) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-p.lines:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("a process says nothing")
		return ""
	}
}

func newLock(t *testing.T, dir string, onShow func()) *instance.Lock {
	t.Helper()
	l, err := instance.New(dir, onShow, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Yield)
	return l
}

func enter(t *testing.T, l *instance.Lock) {
	t.Helper()
	if err := l.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case got := <-c:
		return got
	case <-time.After(20 * time.Second):
		t.Fatal("never came: " + what)
		panic("unreachable")
	}
}

func TestOneHolder(t *testing.T) {
	dir := t.TempDir()
	shown := make(chan struct{}, 8)
	first := newLock(t, dir, func() { shown <- struct{}{} })
	second := newLock(t, dir, func() { t.Error("the process without the lock was asked to show itself") })
	enter(t, first)
	if err := second.Enter(t.Context()); !errors.Is(err, instance.ErrHeld) {
		t.Errorf("a second holder: %v", err)
	}
	await(t, "the request to show the window", shown)
}

// In each round so many processes start at once: one becomes the app, every other one is heard and ends.
func TestManyStartsAtOnce(t *testing.T) {
	const rounds, starts = 5, 50
	dir := t.TempDir()
	for range rounds {
		var all []*process
		for range starts {
			all = append(all, start(t, dir))
		}
		var holder *process
		heard := 0
		for _, p := range all {
			switch line := p.next(t); line {
			case "holder":
				if holder != nil {
					t.Fatal("two processes hold the lock")
				}
				holder = p
			case "heard":
				heard++
			default:
				t.Errorf("a process said %q", line)
			}
		}
		if holder == nil || heard != starts-1 {
			t.Fatalf("holder %v, %d heard of it", holder, heard)
		}
		if line := holder.next(t); line != "shown" {
			t.Errorf("the holder said %q", line)
		}
		holder.stdin.Close()
		for line := range holder.lines {
			if line != "shown" {
				t.Errorf("the holder said %q", line)
			}
		}
	}
}

// A holder that is killed leaves the lock to the next start, whatever else it leaves.
func TestHolderIsKilled(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir)
	if line := first.next(t); line != "holder" {
		t.Fatalf("the first said %q", line)
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if line := first.next(t); !strings.Contains(line, "killed") && !strings.Contains(line, "exit status") {
		t.Fatalf("the first said %q", line)
	}
	if line := start(t, dir).next(t); line != "holder" {
		t.Errorf("the next said %q", line)
	}
}

// A start while the holder is about to end becomes the app, instead of being heard by a window that goes away.
func TestStartWhileTheHolderEnds(t *testing.T) {
	dir := t.TempDir()
	first := newLock(t, dir, func() { t.Error("a process that ends was asked to show itself") })
	second := newLock(t, dir, func() {})
	enter(t, first)
	first.Leaving()
	entered := make(chan error, 1)
	go func() { entered <- second.Enter(t.Context()) }()
	first.Yield()
	if err := await(t, "the lock", entered); err != nil {
		t.Errorf("the second start: %v", err)
	}
}

func TestDeafHolder(t *testing.T) {
	dir := t.TempDir()
	first := newLock(t, dir, func() {})
	second := newLock(t, dir, func() {})
	enter(t, first)
	first.Leaving()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	entered := make(chan error, 1)
	go func() { entered <- second.Enter(ctx) }()
	cancel(stop)
	if err := await(t, "an end", entered); !errors.Is(err, stop) {
		t.Errorf("a start that was called off: %v", err)
	}
}
