//go:build linux && amd64

package calls

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrStuck says that the processes had not ended in time, and were killed.
var ErrStuck = errors.New("the processes did not end in time")

const (
	options = unix.PTRACE_O_EXITKILL | unix.PTRACE_O_TRACESECCOMP | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEFORK |
		unix.PTRACE_O_TRACEVFORK | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACESYSGOOD
	atCall   = syscall.SIGTRAP | 0x80 // a stop before or after a call, by TRACESYSGOOD
	noCall   = ^uint64(0)             // instead of a call's number: do nothing
	tracerOf = syscall.WALL | unix.WNOTHREAD
)

type tracer struct {
	Options
	threads map[int]*thread
	nth     map[string]int

	mu    sync.Mutex
	ids   map[int]*Process // by process number; those that have not ended
	dying bool             // all of them, and whatever is being born just now
}

type thread struct {
	process *Process
	pending *Call // let go, its result is still to come
	fresh   bool  // its first stop is no signal
}

// Run runs the program until all its processes have ended, or kills them after the limit ([ErrStuck]).
func Run(o Options, limit time.Duration) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // a tracer is a thread; it ends here, so that nothing of it is left to the next run
		done <- (&tracer{Options: o, threads: map[int]*thread{}, nth: map[string]int{}, ids: map[int]*Process{}}).run(limit)
	}()
	return <-done
}

func (t *tracer) run(limit time.Duration) error {
	env := append([]string{"LAUNCH_CALLS=" + traced()}, t.Env...)
	process, err := os.StartProcess(t.Launcher, append([]string{t.Launcher}, t.Args...), &os.ProcAttr{
		Dir: t.Dir, Env: env, Files: []*os.File{nil, t.Output, t.Output}, Sys: &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return err
	}
	defer func() { _ = process.Release() }()
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(process.Pid, &status, tracerOf, nil); err != nil {
		return fmt.Errorf("wait for the launcher: %w", err)
	}
	if err := syscall.PtraceSetOptions(process.Pid, options); err != nil {
		return fmt.Errorf("trace the launcher: %w", err)
	}
	t.add(process.Pid, nil)
	stuck := false
	watch := time.AfterFunc(limit, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		stuck = len(t.ids) > 0
		t.killAll()
	})
	defer watch.Stop()
	if err := syscall.PtraceCont(process.Pid, 0); err != nil {
		return fmt.Errorf("start the launcher: %w", err)
	}
	for len(t.threads) > 0 {
		tid, err := syscall.Wait4(-1, &status, tracerOf, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.ECHILD): // the end of a thread may be told before its birth
			clear(t.threads)
		case err != nil:
			return fmt.Errorf("wait for a process: %w", err)
		default:
			t.event(tid, status)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if stuck {
		return ErrStuck
	}
	return nil
}

// add takes note of a thread, and of its process where that is new.
func (t *tracer) add(tid int, parent *Process) *thread {
	pid := group(tid)
	t.mu.Lock()
	defer t.mu.Unlock()
	process := t.ids[pid]
	if process == nil {
		process = &Process{PID: pid, parent: parent}
		if parent != nil {
			process.Role = parent.Role
		}
		t.ids[pid] = process
	}
	found := &thread{process: process, fresh: true}
	t.threads[tid] = found
	return found
}

// group is the process that a thread belongs to.
func group(tid int) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return tid
	}
	_, after, _ := strings.Cut(string(b), "\nTgid:")
	var pid int
	if _, err := fmt.Sscan(after, &pid); err != nil {
		return tid
	}
	return pid
}

func (t *tracer) event(tid int, status syscall.WaitStatus) {
	if status.Exited() || status.Signaled() {
		delete(t.threads, tid)
		t.mu.Lock()
		delete(t.ids, tid) // where it is a process's first thread, whose end is the process's
		t.mu.Unlock()
		return
	}
	th := t.threads[tid]
	if th == nil { // it stops before the parent's news of it comes
		th = t.add(tid, nil)
	}
	signal := status.StopSignal()
	switch {
	case signal == atCall:
		t.returned(tid, th)
		return
	case signal == syscall.SIGTRAP && status.TrapCause() > 0:
		t.trapped(tid, th, status.TrapCause())
		return
	case signal == syscall.SIGSTOP && th.fresh:
		signal = 0
	}
	th.fresh = false
	t.mu.Lock()
	if t.dying {
		_ = syscall.Kill(th.process.PID, syscall.SIGKILL)
	}
	t.mu.Unlock()
	t.goOn(tid, signal)
}

func (t *tracer) trapped(tid int, th *thread, cause int) {
	switch cause {
	case unix.PTRACE_EVENT_CLONE, unix.PTRACE_EVENT_FORK, unix.PTRACE_EVENT_VFORK:
		if born, err := syscall.PtraceGetEventMsg(tid); err == nil {
			t.born(int(born), th.process)
		}
	case unix.PTRACE_EVENT_EXEC:
		th.pending = nil
		if former, err := syscall.PtraceGetEventMsg(tid); err == nil && int(former) != tid {
			delete(t.threads, int(former)) // the thread that executed has become the first one
		}
		if t.Role != nil {
			th.process.Role = t.Role(tid, fields(tid, "cmdline"), fields(tid, "environ"))
		}
	case unix.PTRACE_EVENT_SECCOMP:
		t.called(tid, th)
		return
	}
	t.goOn(tid, 0)
}

func (t *tracer) born(tid int, parent *Process) {
	child := t.threads[tid]
	if child == nil {
		t.add(tid, parent)
		return
	}
	if child.process.parent == nil && child.process != parent {
		child.process.parent = parent
		if child.process.Role == "" {
			child.process.Role = parent.Role
		}
	}
}

// called is asked about a call that has not happened yet.
func (t *tracer) called(tid int, th *thread) {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(tid, &regs); err != nil {
		t.goOn(tid, 0)
		return
	}
	call := t.read(tid, &regs)
	if call == nil {
		t.goOn(tid, 0)
		return
	}
	call.Process = th.process
	looks := call.looks()
	t.nth[looks]++
	call.Nth = t.nth[looks]
	verdict := Go
	if t.Before != nil {
		verdict = t.Before(call)
	}
	switch {
	case verdict == Go && t.After == nil:
		t.goOn(tid, 0)
	case verdict == Go:
		th.pending = call
		_ = syscall.PtraceSyscall(tid, 0) // to its return; a process that was killed meanwhile needs no word
	case verdict == Kill:
		_ = syscall.Kill(th.process.PID, syscall.SIGKILL)
	default:
		regs.Orig_rax, regs.Rax = noCall, uint64(-int64(verdict))
		_ = syscall.PtraceSetRegs(tid, &regs)
		t.goOn(tid, 0)
	}
}

// read returns nil for a call that changes nothing below the folder.
func (t *tracer) read(tid int, regs *syscall.PtraceRegs) *Call {
	known, ok := table[regs.Orig_rax]
	if !ok {
		return nil
	}
	a := &arguments{tid: tid, args: [6]uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9}}
	call := known.read(a)
	if call == nil || !below(t.Below, call.Path) && !below(t.Below, call.To) {
		return nil
	}
	if t.Keep && call.Kind == Write {
		a.keep = true // read again, this time with the bytes: most writes go elsewhere
		call = known.read(a)
	}
	call.Name = known.name
	call.Path, call.To = relative(t.Below, call.Path), relative(t.Below, call.To)
	return call
}

func relative(folder, path string) string {
	if !below(folder, path) {
		return path
	}
	rel, err := filepath.Rel(folder, path)
	if err != nil {
		return path
	}
	return rel
}

// returned is told of the result of a call that was let go.
func (t *tracer) returned(tid int, th *thread) {
	var regs syscall.PtraceRegs
	if call := th.pending; call != nil && syscall.PtraceGetRegs(tid, &regs) == nil {
		call.Result = int64(regs.Rax)
		t.After(call)
	}
	th.pending = nil
	t.goOn(tid, 0)
}

func (t *tracer) goOn(tid int, signal syscall.Signal) { _ = syscall.PtraceCont(tid, int(signal)) }

// killAll is called with mu held.
func (t *tracer) killAll() {
	t.dying = true
	for pid := range t.ids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}
