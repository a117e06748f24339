//go:build linux

package desktop

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tesseract-desktop/tesseract/e2e/await"
)

// markName is the environment variable by which everything that descends from us is known, also
// what has left its parent.
const markName = "TESSERACT_E2E"

// Processes starts programs and ends them, with all that they started themselves.
type Processes struct {
	mark   string
	starts chan func()
}

// NewProcesses returns an empty set. Close ends what was started.
func NewProcesses() *Processes {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	p := &Processes{mark: hex.EncodeToString(id[:]), starts: make(chan func())}
	// A child's death signal is tied to the thread that started it, not to the process: one
	// thread starts them all and stays.
	go func() {
		runtime.LockOSThread()
		for start := range p.starts {
			start()
		}
	}()
	return p
}

// A Process is a started program. What it writes is kept for messages, also what those write that it has started itself.
type Process struct {
	cmd    *exec.Cmd
	done   chan struct{}
	err    error
	output *tail
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Failed tells whether the process has ended otherwise than with success.
func (p *Process) Failed() bool {
	select {
	case <-p.done:
		return p.err != nil
	default:
		return false
	}
}

// Output is the end of what the process wrote on both its streams.
func (p *Process) Output() string { return p.output.String() }

// Stop asks the process to end, and insists after the grace.
func (p *Process) Stop(grace time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// Start runs a program that lives until it is stopped. The environment is used as it is, with a
// mark added; extra files appear from descriptor 3 on.
func (ps *Processes) Start(env []string, extra []*os.File, name string, args ...string) (*Process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer write.Close()
	cmd := exec.Command(name, args...)
	cmd.Env = append(env, markName+"="+ps.mark)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = write, write, extra
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	ps.starts <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		read.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{}), output: &tail{limit: 64 << 10}}
	silent := make(chan struct{})
	go func() {
		defer close(silent)
		defer read.Close()
		_, _ = io.Copy(p.output, read) // to the end of the last one that has the stream
	}()
	go func() {
		p.err = cmd.Wait()
		select {
		case <-silent:
		case <-time.After(time.Second): // what the process has started writes on
		}
		close(p.done)
	}()
	return p, nil
}

// Run runs a short program to its end and returns what it wrote on standard output.
func Run(ctx context.Context, env []string, stdin io.Reader, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, stdin, &stdout, &stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// Running returns the processes that carry the mark, children of children too.
func (ps *Processes) Running() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err == nil && bytes.Contains(environ, []byte(markName+"="+ps.mark)) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// Works tells whether a process is there, and neither stopped nor dead.
func Works(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := bytes.Cut(stat, []byte(") ")) // after the program's name
	return len(state) > 0 && !bytes.ContainsRune([]byte("TtZX"), rune(state[0]))
}

// Close ends everything that carries the mark, each by its number.
func (ps *Processes) Close() error {
	defer close(ps.starts)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, pid := range ps.Running() {
			_ = syscall.Kill(pid, sig)
		}
		err := await.Until(context.Background(), 2*time.Second, "the started processes to end", func() error {
			if left := ps.Running(); len(left) > 0 {
				return fmt.Errorf("still running: %v", left)
			}
			return nil
		})
		if err == nil {
			return nil
		}
	}
	return errors.New("some of the started processes could not be ended")
}
